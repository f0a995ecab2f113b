package roster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	maxDepth  = 5       // of a JSON roster: document, list, object, list, word
	maxFields = 256     // of one object
	maxNodes  = 1 << 14 // of one entry, with everything in it
)

// node is one value of a JSON document with its place in the file.
type node struct {
	at    place
	text  string  // of a string or number
	list  []*node // of an array
	keys  []*node // of an object, beside list: the names
	kind  byte    // s string, n number, b truth value, 0 null, [ array, { object
	twice *node   // a name that the object has a second time
}

// place is a line and column, both counted from 1; columns count bytes.
type place struct{ line, column int }

// field returns the value under a name of an object, nil without one.
func (n *node) field(name string) *node {
	for i, k := range n.keys {
		if k.text == name {
			return n.list[i]
		}
	}
	return nil
}

// treeReader reads a JSON document into nodes, entry by entry: the nodes of a whole
// document take many times what the document does.
type treeReader struct {
	file string
	data []byte
	dec  *json.Decoder
	left int // nodes that the entry at hand may have still
	// The offset whose place was asked for last, the newlines before it, and where its
	// line begins. Places are asked for from the beginning to the end.
	offset, newlines, begin int
}

func newTreeReader(file string, data []byte) (*treeReader, error) {
	t := &treeReader{file: file, data: data, left: maxNodes}
	if !utf8.Valid(data) {
		bad := 0
		for rest := data; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size <= 1 {
				break
			}
			bad, rest = bad+size, rest[size:]
		}
		return nil, t.problem(bad, "the text is not UTF-8; save the roster as UTF-8")
	}
	t.dec = json.NewDecoder(bytes.NewReader(data))
	t.dec.UseNumber()
	return t, nil
}

// readTree reads one JSON document that is an entry.
func readTree(file string, data []byte) (*node, error) {
	t, err := newTreeReader(file, data)
	if err != nil {
		return nil, err
	}
	root, err := t.value(0)
	if err == nil {
		err = t.end()
	}
	if err != nil {
		return nil, t.stop(err)
	}
	return root, nil
}

// end is an error where something follows the document.
func (t *treeReader) end() error {
	if _, more := t.dec.Token(); !errors.Is(more, io.EOF) {
		return errors.New("something follows the end of the document")
	}
	return nil
}

// stop returns the place and reason of what cannot be read: what follows it is not
// understood either.
func (t *treeReader) stop(err error) error {
	offset := int(t.dec.InputOffset())
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		// Between values the package says where it stands, within one how much it read.
		if int(syntax.Offset) != offset {
			offset = int(syntax.Offset) - 1
		}
		offset = t.skip(max(offset, 0), " \t\r\n")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		offset, err = len(t.data), errors.New("the document ends too early")
	}
	return t.problem(offset, fmt.Sprintf("not valid JSON (%v)", err))
}

func (t *treeReader) problem(offset int, reason string) Problem {
	at := t.place(offset)
	return Problem{File: t.file, Line: at.line, Column: at.column, Reason: reason}
}

func (t *treeReader) place(offset int) place {
	offset = min(offset, len(t.data))
	if offset < t.offset {
		t.offset, t.newlines, t.begin = 0, 0, 0
	}
	between := t.data[t.offset:offset]
	t.newlines += bytes.Count(between, []byte("\n"))
	if last := bytes.LastIndexByte(between, '\n'); last >= 0 {
		t.begin = t.offset + last + 1
	}
	t.offset = offset
	return place{t.newlines + 1, offset - t.begin + 1}
}

// next skips to where the next token begins.
func (t *treeReader) next() place {
	return t.place(t.skip(int(t.dec.InputOffset()), " \t\r\n,:"))
}

func (t *treeReader) skip(offset int, over string) int {
	for offset < len(t.data) && strings.IndexByte(over, t.data[offset]) >= 0 {
		offset++
	}
	return offset
}

// token reads a value, of a list or object only its beginning.
func (t *treeReader) token() (*node, error) {
	if t.left--; t.left < 0 {
		return nil, fmt.Errorf("an entry holds more than %d values", maxNodes)
	}
	n := &node{at: t.next()}
	token, err := t.dec.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case string:
		n.kind, n.text = 's', token
	case json.Number:
		n.kind, n.text = 'n', token.String()
	case bool:
		n.kind = 'b'
	case json.Delim:
		n.kind = byte(token)
	}
	return n, nil
}

func (t *treeReader) value(depth int) (*node, error) {
	n, err := t.token()
	if err != nil {
		return nil, err
	}
	return n, t.inside(n, depth)
}

// name reads a name of an object, as columns are written.
func (t *treeReader) name() (*node, error) {
	n, err := t.token()
	if err == nil {
		n.text = columnName(n.text)
	}
	return n, err
}

// inside reads what a list or object at a depth holds, and its end.
func (t *treeReader) inside(n *node, depth int) error {
	if n.kind != '[' && n.kind != '{' {
		return nil
	}
	if depth == maxDepth {
		return fmt.Errorf("lists and objects lie deeper than %d within each other", maxDepth)
	}
	for t.dec.More() {
		if n.kind == '{' {
			if len(n.keys) == maxFields {
				return fmt.Errorf("an object has more than %d fields", maxFields)
			}
			name, err := t.name()
			if err != nil {
				return err
			}
			if n.field(name.text) != nil && n.twice == nil {
				n.twice = name
			}
			n.keys = append(n.keys, name)
		}
		v, err := t.value(depth + 1)
		if err != nil {
			return err
		}
		n.list = append(n.list, v)
	}
	_, err := t.dec.Token()
	return err
}

// each reads the entries of a list at a depth one by one, and its end.
func (t *treeReader) each(depth, most int, entry func(*node)) error {
	for n := 0; t.dec.More(); n++ {
		if n == most {
			return fmt.Errorf("a list has more than %d entries", most)
		}
		t.left = maxNodes
		v, err := t.value(depth + 1)
		if err != nil {
			return err
		}
		entry(v)
	}
	_, err := t.dec.Token()
	return err
}
