// Package source is the readable form of the catalogue: one YAML file per tool
// or device, the schema that reads it, the lint that keeps it honest, and the
// compiler to the form that agents carry.
//
// Every complaint names file, line and column, and all are reported together.
// The collector's command line and the generator import this package; the agent
// must not, since it would bring YAML into it.
package source

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

//go:embed *.yaml
var files embed.FS

// Files returns the files of the built-in catalogue.
func Files() fs.FS { return files }

// Problem is one thing wrong with a file, and where.
type Problem struct {
	File         string
	Line, Column int
	Text         string
}

// Error is file:line:column: text, as editors follow it.
func (p *Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// position is a place in a file.
type position struct {
	file         string
	line, column int
}

func (p position) problem(format string, args ...any) *Problem {
	return &Problem{File: p.file, Line: p.line, Column: p.column, Text: fmt.Sprintf(format, args...)}
}

// document is one entry with the places its parts were read from.
type document struct {
	entry *farmhoundv1.Entry
	at    position
	id    position
	facts []position // parallel to entry's facts
}

// maxFile bounds one file, in bytes.
const maxFile = 256 << 10

// Compile reads, checks and lints every *.yaml file at the top of file systems
// and returns the catalogue they make together. A file replaces one of the same name
// in an earlier file system. All problems are joined in the error, each a *Problem
// where it has a place.
func Compile(layers ...fs.FS) (*farmhoundv1.Catalog, error) {
	from := map[string]fs.FS{}
	for _, layer := range layers {
		names, err := fs.Glob(layer, "*.yaml")
		if err != nil {
			return nil, fmt.Errorf("list catalogue files: %w", err)
		}
		for _, name := range names {
			from[name] = layer
		}
	}
	bounds, err := fieldrules.Compile((&farmhoundv1.Entry{}).ProtoReflect().Descriptor())
	if err != nil {
		return nil, fmt.Errorf("rules of entries: %w", err)
	}
	var documents []*document
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(from)) {
		text, err := fs.ReadFile(from[name], name)
		if err != nil {
			problems = append(problems, fmt.Errorf("read catalogue file: %w", err))
			continue
		}
		d, found := read(name, text)
		if len(found) == 0 {
			if err := bounds.Validate(d.entry); err != nil {
				found = append(found, d.at.problem("%v", err))
			}
		}
		problems = append(problems, found...)
		if len(found) == 0 {
			documents = append(documents, d)
		}
	}
	problems = append(problems, lint(documents)...)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	compiled := &farmhoundv1.Catalog{Version: catalog.FormatVersion}
	for _, d := range documents {
		compiled.Entries = append(compiled.Entries, d.entry)
	}
	slices.SortFunc(compiled.Entries, func(a, b *farmhoundv1.Entry) int { return cmp.Compare(a.GetId(), b.GetId()) })
	if err := catalog.Check(compiled); err != nil {
		return nil, fmt.Errorf("compiled catalogue: %w", err)
	}
	return compiled, nil
}

// words joins what may be written in a place, for an error.
func words[V any](table map[string]V) string {
	known := make([]string, 0, len(table))
	for word := range table {
		known = append(known, word)
	}
	slices.Sort(known)
	return strings.Join(known, ", ")
}
