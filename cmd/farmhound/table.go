package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxCell is where lists cut a cell, in characters; csv and json have the whole.
const maxCell = 32

// rows is a table to print: the same cells as table or csv. A list's columns are
// in the order of their importance.
type rows struct {
	header []string
	cells  [][]string
	// prose says that the last column is text to be wrapped, and nothing is left out.
	prose bool
}

func (r *rows) add(cells ...string) { r.cells = append(r.cells, cells) }

// table prints columns that fit the width: of a list, columns without any value
// are left out, and the last ones where there is no room.
func (r *rows) table(w io.Writer, width int) error {
	lines := make([][]string, 0, len(r.cells)+1)
	upper := make([]string, len(r.header))
	for i, h := range r.header {
		upper[i] = strings.ToUpper(strings.ReplaceAll(h, "_", " "))
	}
	lines = append(lines, upper)
	for _, cells := range r.cells {
		safe := make([]string, len(cells))
		for i, c := range cells {
			if safe[i] = printable(c); !r.prose {
				safe[i] = clip(safe[i])
			}
		}
		lines = append(lines, safe)
	}
	columns := r.columns(lines, width)
	var out strings.Builder
	for _, line := range lines {
		out.WriteString(strings.TrimRight(r.line(line, columns, width), " ") + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// column is one that is shown.
type column struct{ index, width int }

const gap = 2

func (r *rows) columns(lines [][]string, width int) []column {
	var shown []column
	used := 0
	for i := range r.header {
		c := column{index: i, width: utf8.RuneCountInString(lines[0][i])}
		filled := len(lines) == 1
		for _, line := range lines[1:] {
			c.width = max(c.width, utf8.RuneCountInString(line[i]))
			filled = filled || line[i] != ""
		}
		if !r.prose && (!filled || len(shown) > 0 && used+c.width > width) {
			if filled {
				break
			}
			continue
		}
		used += c.width + gap
		shown = append(shown, c)
	}
	return shown
}

func (r *rows) line(cells []string, columns []column, width int) string {
	var out strings.Builder
	start := 0
	for n, c := range columns {
		switch last := n == len(columns)-1; {
		case last && r.prose:
			out.WriteString(strings.TrimLeft(wrap(cells[c.index], start, width), " "))
		case last:
			out.WriteString(cells[c.index])
		default:
			fmt.Fprintf(&out, "%-*s", c.width+gap, cells[c.index])
		}
		start += c.width + gap
	}
	return out.String()
}

// wrap breaks text between words so that no line is longer than width, each
// indented; a word that is longer stands alone.
func wrap(text string, indent, width int) string {
	room := max(width-indent, 20)
	margin := strings.Repeat(" ", indent)
	var out strings.Builder
	used := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			out.WriteString(margin)
		case used+1+n > room:
			out.WriteString("\n" + margin)
			used = 0
		default:
			out.WriteByte(' ')
			used++
		}
		out.WriteString(word)
		used += n
	}
	return out.String()
}

func clip(cell string) string {
	if utf8.RuneCountInString(cell) <= maxCell {
		return cell
	}
	return string([]rune(cell)[:maxCell-1]) + "…"
}

func (r *rows) csv(w io.Writer) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(r.header); err != nil {
		return err
	}
	for _, cells := range r.cells {
		safe := make([]string, len(cells))
		for i, c := range cells {
			safe[i] = inert(printable(c))
		}
		if err := cw.Write(safe); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}
