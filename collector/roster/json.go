package roster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxDocument bounds a JSON roster, which is read whole, in bytes.
const maxDocument = 256 << 20

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
	root, err := readTree(p.file, bytes.TrimPrefix(data, []byte("\ufeff")))
	if err != nil {
		return err
	}
	switch root.kind {
	case '[':
		p.laptops(root)
		return nil
	case '{':
		return p.parts(root)
	}
	return Problem{File: p.file, Line: root.at.line, Column: root.at.column, Reason: "the roster is no list of laptops and no object with " + partLaptops + ", " + partTools + " or " + partOffices}
}

func (p *parser) parts(root *node) error {
	p.twice(root)
	for i, name := range root.keys {
		of := root.list[i]
		read, known := map[string]func(*node){partLaptops: p.laptops, partTools: p.approvals, partOffices: p.offices}[name.text]
		switch {
		case !known:
			p.problem(name.at.line, name.at.column, fmt.Sprintf("unknown part %q; known are %s, %s and %s", name.text, partLaptops, partTools, partOffices))
		case of.kind != '[':
			p.problem(of.at.line, of.at.column, fmt.Sprintf("%s is no list", name.text))
		case root.field(name.text) == of: // the first of two counts
			read(of)
		}
	}
	return nil
}

func (p *parser) twice(n *node) {
	if n.twice != nil {
		p.problem(n.twice.at.line, n.twice.at.column, fmt.Sprintf("%q is there twice; the first counts", n.twice.text))
	}
}

// laptops reads the list of laptops.
func (p *parser) laptops(list *node) {
	p.says(partLaptops)
	for _, n := range list.list {
		if row, ok := p.object(n, columns); ok {
			p.row(n.at.line, n.at.column, row)
		}
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
