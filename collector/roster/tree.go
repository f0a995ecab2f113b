package roster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxDepth  = 5   // of a JSON roster: document, list, object, list, word
	maxFields = 256 // of one object
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

// treeReader reads a JSON document into nodes.
type treeReader struct {
	data  []byte
	dec   *json.Decoder
	lines []int // offset of each line's first byte
}

// readTree reads one JSON document. Its error is the place and reason of what
// cannot be read: what follows it is not understood either.
func readTree(file string, data []byte) (*node, error) {
	t := &treeReader{data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	if !utf8.Valid(data) {
		bad := 0
		for rest := data; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size <= 1 {
				break
			}
			bad, rest = bad+size, rest[size:]
		}
		return nil, t.problem(file, bad, "the text is not UTF-8; save the roster as UTF-8")
	}
	t.dec = json.NewDecoder(bytes.NewReader(data))
	t.dec.UseNumber()
	root, err := t.value(0)
	if err == nil {
		if _, more := t.dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the end of the document")
		}
	}
	if err == nil {
		return root, nil
	}
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
		offset, err = len(data), errors.New("the document ends too early")
	}
	return nil, t.problem(file, offset, fmt.Sprintf("not valid JSON (%v)", err))
}

func (t *treeReader) problem(file string, offset int, reason string) Problem {
	at := t.place(offset)
	return Problem{File: file, Line: at.line, Column: at.column, Reason: reason}
}

func (t *treeReader) place(offset int) place {
	offset = min(offset, len(t.data))
	line, found := slices.BinarySearch(t.lines, offset)
	if !found {
		line--
	}
	return place{line + 1, offset - t.lines[line] + 1}
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

func (t *treeReader) value(depth int) (*node, error) {
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
		if depth == maxDepth {
			return nil, fmt.Errorf("lists and objects lie deeper than %d within each other", maxDepth)
		}
		return n, t.inside(n, depth+1)
	}
	return n, nil
}

// inside reads what a list or object holds, and its end.
func (t *treeReader) inside(n *node, depth int) error {
	for t.dec.More() {
		if n.kind == '{' {
			if len(n.keys) == maxFields {
				return fmt.Errorf("an object has more than %d fields", maxFields)
			}
			name, err := t.value(maxDepth)
			if err != nil {
				return err
			}
			name.text = columnName(name.text)
			if n.field(name.text) != nil && n.twice == nil {
				n.twice = name
			}
			n.keys = append(n.keys, name)
		} else if len(n.list) == maxRows {
			return fmt.Errorf("a list has more than %d entries", maxRows)
		}
		v, err := t.value(depth)
		if err != nil {
			return err
		}
		n.list = append(n.list, v)
	}
	_, err := t.dec.Token()
	return err
}
