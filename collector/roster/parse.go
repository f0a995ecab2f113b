package roster

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// columns are the header's names, in the order of documentation.
var columns = []string{
	"serial", "person", "country", "region", "time_zone", "ship_to", "work_days", "work_start", "work_end",
	"role", "approved_tools", "approved_travel", "household", "exempt_until", "exempt_reason",
}

const (
	maxLine     = 64 << 10
	maxCell     = 1024
	maxRows     = 2_000_000
	maxProblems = 1000
)

// Problem is one thing wrong with a roster file; the rest of the file still counts.
type Problem struct {
	// File is the name given to Parse.
	File string
	// Line and Column count from 1; the column counts bytes.
	Line, Column int
	// Reason says what is wrong and what is expected.
	Reason string
	// Counts is that the row counts all the same, without what is wrong.
	Counts bool
}

// Error implements error.
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Reason)
}

// parser is one Parse under way.
type parser struct {
	file     string
	into     *File
	problems []Problem
	header   []string // column of every cell, empty for an unknown one
	lines    map[string]int
	zones    zones
	known    func(id string) bool
	lenient  bool // a tool that is not known costs its row nothing else
	comma    rune // what separates cells
	text     strings.Reader
	buffer   *bufio.Reader
	cells    map[string]cell // of the row at hand
}

func newParser(name string, known func(id string) bool, lenient bool) *parser {
	return &parser{
		file: name, known: known, lenient: lenient, lines: make(map[string]int), zones: make(zones),
		buffer: bufio.NewReader(nil), cells: make(map[string]cell, len(columns)),
		into: &File{Laptops: &Roster{entries: make(map[string]*entry)}},
	}
}

// Parse reads a roster in CSV. Bad rows become problems and good rows are kept;
// the error is for input that cannot be read at all: no header, or none with a
// serial column. known says whether there is a tool with an id.
func Parse(name string, r io.Reader, known func(id string) bool) (*Roster, []Problem, error) {
	p := newParser(name, known, false)
	if err := p.readCSV(r); err != nil {
		return nil, p.problems, err
	}
	return p.done().Laptops, p.problems, nil
}

// done returns what was read.
func (p *parser) done() *File {
	p.into.name, p.into.lines = p.file, p.lines
	slices.Sort(p.into.spoilt)
	p.into.Laptops.version = p.into.Laptops.digest()
	return p.into
}

// readCSV reads a list of laptops.
func (p *parser) readCSV(r io.Reader) error {
	in := bufio.NewReaderSize(r, maxLine)
	rows := 0
	for line := 1; ; line++ {
		text, err := readLine(in)
		if errors.Is(err, errLong) {
			p.problem(line, 1, fmt.Sprintf("the line is longer than %d bytes", maxLine))
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read roster %s: %w", p.file, err)
		}
		if line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if strings.TrimSpace(text) != "" {
			if stop := p.line(line, text); stop != nil {
				return stop
			}
			if rows++; rows > maxRows {
				return fmt.Errorf("roster %s has more than %d rows; split it", p.file, maxRows)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
	}
	if p.header == nil {
		return Problem{File: p.file, Line: 1, Column: 1, Reason: "the roster is empty; its first line names the columns: " + strings.Join(columns, ",")}
	}
	p.says(partLaptops)
	return nil
}

var errLong = errors.New("line too long")

// readLine returns the next line without its ending; io.EOF comes with the last.
// A line that is too long is skipped to its end.
func readLine(in *bufio.Reader) (string, error) {
	b, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return "", errLong
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), err
}

func (p *parser) problem(line, column int, reason string) {
	p.note(Problem{File: p.file, Line: line, Column: column, Reason: reason})
}

func (p *parser) note(found Problem) {
	if len(p.problems) > maxProblems {
		return
	}
	if len(p.problems) == maxProblems {
		found.Reason, found.Counts = "there are more problems; the rest is not listed", false
	}
	p.problems = append(p.problems, found)
}

// cell is one value with its place in the file; the line is that of its row where it
// is zero.
type cell struct {
	text         string
	line, column int
}

// line handles one line; only a header that cannot be used stops.
func (p *parser) line(line int, text string) error {
	if p.header == nil {
		if p.comma == 0 && strings.HasPrefix(strings.ToLower(text), "sep=") { // for spreadsheets, before the header
			p.comma, _ = utf8.DecodeRuneInString(text[len("sep="):])
			return p.separated(line)
		}
		if p.comma == 0 {
			p.comma = separator(text)
		}
	}
	cells, ok := p.split(line, text)
	if p.header == nil {
		if !ok {
			return fmt.Errorf("the roster's header cannot be read: %w", p.problems[len(p.problems)-1])
		}
		return p.readHeader(line, cells)
	}
	if !ok {
		p.spoilt(p.named(cells))
		return nil
	}
	if blank(cells) { // spreadsheets write rows that were used once
		return nil
	}
	if len(cells) != len(p.header) {
		p.problem(line, cells[len(cells)-1].column, fmt.Sprintf("the row has %d cells, the header has %d", len(cells), len(p.header)))
		p.spoilt(p.named(cells))
		return nil
	}
	p.row(line, 1, p.named(cells))
	return nil
}

func blank(cells []cell) bool {
	return !slices.ContainsFunc(cells, func(c cell) bool { return c.text != "" })
}

// columnName brings a heading as people write it, such as Time Zone, into the form of
// columns.
func columnName(text string) string {
	return strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' {
			return '_'
		}
		return unicode.ToLower(c)
	}, strings.TrimSpace(text))
}

// named returns cells by their columns, until it is called again.
func (p *parser) named(cells []cell) map[string]cell {
	row := p.cells
	clear(row)
	for i, c := range cells[:min(len(cells), len(p.header))] {
		if p.header[i] != "" {
			row[p.header[i]] = c
		}
	}
	return row
}

// separator returns what separates the cells of a header: where the decimal point is
// a comma, spreadsheets put semicolons, and some put tabs everywhere.
func separator(header string) rune {
	for _, comma := range ",;\t" {
		if strings.ContainsRune(header, comma) {
			return comma
		}
	}
	return ','
}

// separated takes what a file says that separates its cells.
func (p *parser) separated(line int) error {
	if !strings.ContainsRune(",;\t", p.comma) {
		return Problem{File: p.file, Line: line, Column: len("sep=") + 1, Reason: "cells are separated by commas, semicolons or tabs"}
	}
	return nil
}

// split cuts one line into cells. A cell never holds a line break, so that a
// quotation mark that is left open spoils its own line only.
func (p *parser) split(line int, text string) ([]cell, bool) {
	if !utf8.ValidString(text) {
		p.problem(line, 1, "the line is not UTF-8 text; save the roster as UTF-8")
		return nil, false
	}
	p.text.Reset(text)
	p.buffer.Reset(&p.text)
	r := csv.NewReader(p.buffer) // which makes none of its own then
	r.FieldsPerRecord, r.Comma = -1, p.comma
	record, err := r.Read()
	if err != nil {
		column := 1
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			column, err = bad.Column, bad.Err
		}
		p.problem(line, max(column, 1), fmt.Sprintf("the row is not valid CSV (%v)", err))
		return nil, false
	}
	cells := make([]cell, len(record))
	good := true
	for i, text := range record {
		_, column := r.FieldPos(i)
		cells[i] = cell{text: strings.TrimSpace(text), column: column}
		if reason := unsafe(cells[i].text); reason != "" {
			p.problem(line, column, reason)
			good = false
		}
	}
	return cells, good
}

// unsafe says why a cell must not travel on into consoles, terminals and
// spreadsheets; empty when it may.
func unsafe(text string) string {
	if len(text) > maxCell {
		return fmt.Sprintf("the cell is longer than %d bytes", maxCell)
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return fmt.Sprintf("the cell holds the control character %U", r)
		}
	}
	// The wide forms are formulas to some spreadsheets.
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@＝＋－＠", first) {
		return fmt.Sprintf("the cell begins with %q, which spreadsheets take for a formula", first)
	}
	return ""
}

func (p *parser) readHeader(line int, cells []cell) error {
	p.header = make([]string, len(cells))
	for i, c := range cells {
		name := columnName(c.text)
		switch {
		case name == "": // spreadsheets write columns that were used once
		case !slices.Contains(columns, name):
			p.problem(line, c.column, fmt.Sprintf("unknown column %q; known are %s", c.text, strings.Join(columns, ",")))
		case slices.Contains(p.header[:i], name):
			p.problem(line, c.column, fmt.Sprintf("the column %q is there twice; the first counts", name))
		default:
			p.header[i] = name
		}
	}
	if !slices.Contains(p.header, "serial") {
		return Problem{File: p.file, Line: line, Column: 1, Reason: "the header has no column serial; the first line names the columns: " + strings.Join(columns, ",")}
	}
	return nil
}
