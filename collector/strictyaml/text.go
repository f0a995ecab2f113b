package strictyaml

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Text is a value that remembers where it stands, for what is checked later: a
// program in a signal, a file name in the configuration.
type Text struct {
	Value string

	file         string
	line, column int   // of the first character of the value
	block        []int // columns at which the lines of a block begin; nil for a value on one line
}

// Problem is a problem of the whole value.
func (t Text) Problem(reason string) Problem {
	return Problem{t.file, max(t.line, 1), max(t.column, 1), reason}
}

// ProblemAt is a problem at a place within the value, both from 1.
func (t Text) ProblemAt(line, column int, reason string) Problem {
	if t.block == nil {
		return Problem{t.file, max(t.line, 1), max(t.column, 1) + max(column, 1) - 1, reason}
	}
	line = min(max(line, 1), len(t.block))
	return Problem{t.file, t.line + line - 1, t.block[line-1] + max(column, 1) - 1, reason}
}

// Tree is a value of any shape that remembers where it stands. Value holds what
// package encoding/json would: maps, slices, strings, numbers, bools and nil.
type Tree struct {
	Value any

	file         string
	line, column int
}

// Problem is a problem of the whole value.
func (t Tree) Problem(reason string) Problem {
	return Problem{t.file, max(t.line, 1), max(t.column, 1), reason}
}

func (d *decoder) text(n *yaml.Node) Text {
	t := Text{Value: n.Value, file: d.file, line: n.Line, column: n.Column}
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		t.column++
	case yaml.LiteralStyle, yaml.FoldedStyle:
		d.block(n, &t)
	}
	return t
}

// block finds where the lines of a block scalar begin; the parser only tells
// where its indicator stands. A folded block joins lines, so that places in it
// are those of the line it begins on.
func (d *decoder) block(n *yaml.Node, t *Text) {
	for line := n.Line; line < len(d.lines); line++ { // lines count from 1: this is the one after the indicator
		text := strings.TrimLeft(d.lines[line], " ")
		if text == "" || text == "\r" {
			continue
		}
		t.line, t.column = line+1, len(d.lines[line])-len(text)+1
		break
	}
	if n.Style&yaml.FoldedStyle != 0 {
		return
	}
	// The value keeps blank lines at its beginning, which are lines of it too.
	lead := len(n.Value) - len(strings.TrimLeft(n.Value, "\n"))
	t.line -= lead
	for range strings.Split(strings.TrimRight(n.Value, "\n"), "\n") {
		t.block = append(t.block, t.column)
	}
}

func (d *decoder) tree(n *yaml.Node, v reflect.Value) {
	t := Tree{file: d.file, line: n.Line, column: n.Column}
	if !d.noAliases(n) {
		return
	}
	if err := n.Decode(&t.Value); err != nil {
		d.fail(n, "%s", plain(err))
		return
	}
	v.Set(reflect.ValueOf(t))
}

// noAliases keeps a small file from becoming a large tree.
func (d *decoder) noAliases(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode {
		d.fail(n, "aliases are not used here; write the value out")
		return false
	}
	for _, child := range n.Content {
		if !d.noAliases(child) {
			return false
		}
	}
	return true
}
