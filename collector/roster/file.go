package roster

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// File is what one file says.
type File struct {
	// Laptops is who should have which laptop, never nil.
	Laptops *Roster
	// Tools are the approved tools, by name; Offices the registered places, by name.
	Tools   []Tool
	Offices []Office

	name   string
	lines  map[string]int  // of laptops, by serial in upper case
	parts  []string        // that it speaks of, empty ones included
	spoilt []string        // serials in upper case whose rows cannot be used, sorted
	places map[string]cell // where approved tools are, by name
}

// Unsigned names approvals by signers of which wrong says why they approve nothing; empty
// is of those that are right. They count all the same: a catalogue may come to have them.
func (f *File) Unsigned(wrong func(signer string) string) []Problem {
	var problems []Problem
	for _, t := range f.Tools {
		if t.Signer == "" {
			continue
		}
		if reason := wrong(t.Signer); reason != "" {
			at := f.places[t.Name]
			problems = append(problems, Problem{f.name, at.line, at.column, "signer: " + reason + "; the approval counts, and approves nothing", true})
		}
	}
	return problems
}

// Has says whether the file speaks of a kind at all: of what it does not speak nothing
// is removed when it takes another's place.
func (f *File) Has(kind Kind) bool { return slices.Contains(f.parts, partOf[kind]) }

// Spoilt says whether the file has a row for a laptop that cannot be used.
func (f *File) Spoilt(serial string) bool {
	_, found := slices.BinarySearch(f.spoilt, serialKey(serial))
	return found
}

func (p *parser) says(part string) {
	if !slices.Contains(p.into.parts, part) {
		p.into.parts = append(p.into.parts, part)
	}
}

// Read reads a roster: JSON where the first character is a bracket or a brace, or else
// CSV. Bad rows become problems and good rows are kept; the error is for input that
// cannot be read at all. known says whether there is a tool with an id. With change,
// tools come and go while the roster stays: a row with one that is not known counts
// without it.
func Read(name string, r io.Reader, known func(id string) bool, change bool) (*File, []Problem, error) {
	p := newParser(name, known, change)
	in := bufio.NewReader(r)
	read := p.readCSV
	if isJSON(in) {
		read = p.readJSON
	}
	if err := read(in); err != nil {
		return nil, p.problems, err
	}
	return p.done(), p.problems, nil
}

// isJSON looks at what comes first without taking it. A byte order mark is passed over.
func isJSON(in *bufio.Reader) bool {
	const far = 512 // blanks before the document
	head, _ := in.Peek(far)
	text := strings.TrimLeft(strings.TrimPrefix(string(head), "\ufeff"), " \t\r\n")
	return strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{")
}

// Overlaps names the laptops of a file that one before it has already, which counts.
func Overlaps(files ...*File) []Problem {
	first := make(map[string]*File)
	var problems []Problem
	for _, f := range files {
		for serial, line := range f.lines {
			other, again := first[serial]
			if !again {
				first[serial] = f
				continue
			}
			problems = append(problems, Problem{
				File: f.name, Line: line, Column: 1,
				Reason: fmt.Sprintf("serial: %q is already in %s, line %d, which counts", serial, other.name, other.lines[serial]),
			})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return problems[:min(len(problems), maxProblems)]
}
