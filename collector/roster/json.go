package roster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	// maxDocument bounds a JSON roster, whose text is read whole, in bytes.
	maxDocument = 256 << 20
	// maxDeclared bounds approved tools, and offices, of one file.
	maxDeclared = 10_000
)

// The parts of a JSON roster. One that is a list is a list of laptops.
const (
	partLaptops = "laptops"
	partTools   = "approved_tools"
	partOffices = "offices"
)

// readJSON reads a roster in JSON: a list of laptops, or an object with parts.
func (p *parser) readJSON(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return fmt.Errorf("read roster %s: %w", p.file, err)
	}
	if len(data) > maxDocument {
		return fmt.Errorf("roster %s is longer than %d bytes; split it", p.file, maxDocument)
	}
	t, err := newTreeReader(p.file, bytes.TrimPrefix(data, []byte("\ufeff")))
	if err != nil {
		return err
	}
	if err := p.document(t); err != nil {
		return t.stop(err)
	}
	return nil
}

// document reads a list of laptops or an object with parts.
func (p *parser) document(t *treeReader) error {
	root, err := t.token()
	if err != nil {
		return err
	}
	if root.kind == '[' {
		p.says(partLaptops)
		err = t.each(0, maxRows, p.laptop)
	} else {
		err = p.parts(t)
	}
	if err != nil {
		return err
	}
	return t.end()
}

// parts reads the parts of an object, each once.
func (p *parser) parts(t *treeReader) error {
	entries := map[string]func(*node){partLaptops: p.laptop, partTools: p.approval, partOffices: p.office}
	seen := make(map[string]bool)
	for t.dec.More() {
		if t.left = maxNodes; len(seen) == maxFields {
			return fmt.Errorf("the roster has more than %d parts", maxFields)
		}
		name, err := t.name()
		if err != nil {
			return err
		}
		of, err := t.token()
		if err != nil {
			return err
		}
		entry, known := entries[name.text]
		switch {
		case seen[name.text]:
			p.problem(name.at.line, name.at.column, fmt.Sprintf("%q is there twice; the first counts", name.text))
			entry = func(*node) {}
		case !known:
			p.problem(name.at.line, name.at.column, fmt.Sprintf("unknown part %q; known are %s, %s and %s", name.text, partLaptops, partTools, partOffices))
			entry = func(*node) {}
		case of.kind != '[':
			p.problem(of.at.line, of.at.column, fmt.Sprintf("%s is no list", name.text))
		default:
			p.says(name.text)
		}
		if seen[name.text] = true; of.kind != '[' {
			err = t.inside(of, 1)
		} else if name.text == partTools || name.text == partOffices {
			err = t.each(1, maxDeclared, entry)
		} else {
			err = t.each(1, maxRows, entry)
		}
		if err != nil {
			return err
		}
	}
	_, err := t.dec.Token()
	return err
}

func (p *parser) twice(n *node) {
	if n.twice != nil {
		p.problem(n.twice.at.line, n.twice.at.column, fmt.Sprintf("%q is there twice; the first counts", n.twice.text))
	}
}

// laptop reads one entry of the list of laptops.
func (p *parser) laptop(n *node) {
	if row, ok := p.object(n, columns); ok {
		p.row(n.at.line, n.at.column, row)
	}
}

// object turns an object into cells by name; lists become words separated by semicolons.
func (p *parser) object(n *node, known []string) (map[string]cell, bool) {
	if n.kind != '{' {
		p.problem(n.at.line, n.at.column, "expected an object with "+strings.Join(known, ", "))
		return nil, false
	}
	p.twice(n)
	row, good := make(map[string]cell, len(n.keys)), true
	for i, name := range n.keys {
		if !slices.Contains(known, name.text) {
			p.problem(name.at.line, name.at.column, fmt.Sprintf("unknown field %q; known are %s", name.text, strings.Join(known, ", ")))
			continue
		}
		v := n.list[i]
		if n.field(name.text) != v {
			continue
		}
		text, err := v.words()
		if name.text == "approved_travel" {
			text, err = v.journeys()
		}
		if err == nil {
			if reason := unsafe(text); reason != "" {
				err = errors.New(reason)
			}
		}
		if err != nil {
			p.problem(v.at.line, v.at.column, fmt.Sprintf("%s: %v", name.text, err))
			good = false
			continue
		}
		row[name.text] = cell{text: text, line: v.at.line, column: v.at.column}
	}
	if !good {
		p.spoilt(row)
	}
	return row, good
}

// journeys is a value as the cell of journeys has it: in a list, one can also be an
// object with country, from and to.
func (n *node) journeys() (string, error) {
	plain := *n
	plain.list = nil
	for _, part := range n.list {
		if part.kind != '{' {
			plain.list = append(plain.list, part)
			continue
		}
		text := func(name string) string {
			if f := part.field(name); f != nil && f.kind == 's' {
				return strings.TrimSpace(f.text)
			}
			return ""
		}
		journey := text("country")
		if len(part.keys) > 1 {
			journey += ":" + text("from") + ".." + text("to")
		}
		plain.list = append(plain.list, &node{at: part.at, kind: 's', text: journey})
	}
	return plain.words()
}

// words is a value as a cell has it.
func (n *node) words() (string, error) {
	switch n.kind {
	case 0:
		return "", nil
	case 's', 'n':
		return strings.TrimSpace(n.text), nil
	case '[':
		parts := make([]string, 0, len(n.list))
		for _, part := range n.list {
			if part.kind != 's' && part.kind != 'n' || strings.Contains(part.text, ";") {
				return "", errors.New("a list holds words without semicolons")
			}
			parts = append(parts, strings.TrimSpace(part.text))
		}
		return strings.Join(parts, ";"), nil
	}
	return "", errors.New("expected a word, a number or a list of words")
}
