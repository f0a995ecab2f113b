// Package source is the readable form of the catalogue: one YAML document per tool
// or device, each in its own file or many in one, the schema that reads it, the lint that keeps it honest, and the
// compiler to the form that agents carry.
//
// Every complaint names file, line and column, and all are reported together.
// The collector and the generator import this package; the agent
// must not, since it would bring YAML into it.
package source

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	entry  *farmhoundv1.Entry
	origin string // the list it was imported from, empty for an entry of one's own
	alone  bool   // whether it is the only one of its file
	at     position
	id     position
	facts  []position // parallel to entry's facts
}

// maxFile bounds one file, in bytes.
const maxFile = 4 << 20

// Single returns one file of the disk as a file system for Compile.
func Single(name string) fs.FS {
	return single{os.DirFS(filepath.Dir(name)), filepath.Base(name)}
}

type single struct {
	fs.FS

	name string
}

// Glob answers with the one file, whatever it is called.
func (s single) Glob(string) ([]string, error) { return []string{s.name}, nil }

// Over returns a folder's files with others in place of, or beside, those of the same
// name, so that they can be compiled before they are written; nil is no folder. A text
// that is nil takes its file away.
func Over(folder fs.FS, texts map[string][]byte) fs.FS { return over{folder, texts} }

type over struct {
	fs.FS

	texts map[string][]byte
}

// Glob lists what is in place, in no order.
func (o over) Glob(pattern string) ([]string, error) {
	var names []string
	if o.FS != nil {
		found, err := fs.Glob(o.FS, pattern)
		if err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(found, func(name string) bool { _, replaced := o.texts[name]; return replaced })
	}
	for name, text := range o.texts {
		if text != nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// ReadFile reads what is in place.
func (o over) ReadFile(name string) ([]byte, error) {
	if text := o.texts[name]; text != nil {
		return text, nil
	}
	return fs.ReadFile(o.FS, name)
}

// Compile reads, checks and lints every *.yaml file at the top of file systems
// and returns the catalogue they make together. An entry replaces one of the same id
// in an earlier file system; an imported one only adds facts to it. All problems are
// joined in the error, each a *Problem where it has a place.
func Compile(layers ...fs.FS) (*farmhoundv1.Catalog, error) {
	bounds, err := fieldrules.Compile((&farmhoundv1.Entry{}).ProtoReflect().Descriptor())
	if err != nil {
		return nil, fmt.Errorf("rules of entries: %w", err)
	}
	var read [][]*document
	var problems []error
	for _, layer := range layers {
		documents, found := readLayer(layer, bounds)
		problems = append(problems, found...)
		read = append(read, documents)
	}
	documents := merge(read)
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

// readLayer reads the files of one file system in the order of their names.
func readLayer(layer fs.FS, bounds *fieldrules.Validator) ([]*document, []error) {
	names, err := fs.Glob(layer, "*.yaml")
	if err != nil {
		return nil, []error{fmt.Errorf("list catalogue files: %w", err)}
	}
	slices.Sort(names)
	var documents []*document
	var problems []error
	for _, name := range names {
		text, err := fs.ReadFile(layer, name)
		if err != nil {
			problems = append(problems, fmt.Errorf("read catalogue file: %w", err))
			continue
		}
		found, wrong := read(name, text)
		if len(wrong) == 0 {
			for _, d := range found {
				if err := bounds.Validate(d.entry); err != nil {
					wrong = append(wrong, d.at.problem("%v", err))
				}
			}
		}
		problems = append(problems, wrong...)
		if len(wrong) == 0 {
			documents = append(documents, found...)
		}
	}
	return documents, problems
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
