package software

import (
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/pefile"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// winWritable are where ordinary users can put programs, without the drive, in lower case.
var winWritable = [...]string{`\users\`, `\temp\`, `\tmp\`, `\windows\temp\`, `\$recycle.bin\`, `\perflogs\`}

// winSuspect is a process that touches a fact of the catalogue.
type winSuspect struct {
	winProcess
	path    string // of its program, empty where that is hidden
	program pefile.Program
	trusted *bool // whether Windows trusts the program's signature
	facts   []catalog.Fact
	entries []string // ids of the entries whose facts it touches

	// Of the latest scan.
	listens []*sockets.Owned
	tools   []*tool // entries it belongs to
}

// judgeWindows looks at a process, once per process and catalogue; nil means that the
// catalogue knows nothing of it.
func judgeWindows(m windowsMachine, p winProcess, path string, program pefile.Program, c *catalog.Catalog) *winSuspect {
	s := &winSuspect{winProcess: p, path: path, program: program}
	s.facts = s.factsOf()
	var touched []catalog.Touch
	for _, f := range s.facts {
		touched = c.AppendTouched(touched, onWindows, f)
	}
	if len(touched) == 0 {
		return nil
	}
	for _, t := range touched {
		if id := t.Entry.GetId(); !slices.Contains(s.entries, id) {
			s.entries = append(s.entries, id)
		}
	}
	if program.Signer != "" {
		s.trusted = m.Trusted(path)
	}
	return s
}

// factsOf lists what a process shows of its identity: the name of its program's file,
// where that lies, and what the program says that it is.
func (s *winSuspect) factsOf() []catalog.Fact {
	facts := make([]catalog.Fact, 0, 6)
	add := func(kind farmhoundv1.FactKind, value string) {
		if f := (catalog.Fact{Kind: kind, Value: value}); value != "" && !slices.Contains(facts, f) {
			facts = append(facts, f)
		}
	}
	add(farmhoundv1.FactKind_FACT_KIND_PROCESS, s.fileName())
	// Who renames a file leaves the name inside it.
	add(farmhoundv1.FactKind_FACT_KIND_PROCESS, s.program.Original)
	add(farmhoundv1.FactKind_FACT_KIND_ORIGINAL_FILENAME, s.program.Original)
	add(farmhoundv1.FactKind_FACT_KIND_PRODUCT_NAME, s.program.Product)
	add(farmhoundv1.FactKind_FACT_KIND_SIGNER, s.program.Signer)
	add(farmhoundv1.FactKind_FACT_KIND_PATH, winHomeless(s.path))
	return facts
}

// fileName is the name of the program's file.
func (s *winSuspect) fileName() string {
	if s.path == "" {
		return s.image
	}
	return s.path[strings.LastIndexByte(s.path, '\\')+1:]
}

// winHomeless writes a path in a home folder as the catalogue does.
func winHomeless(path string) string {
	const users = `:\users\`
	if len(path) > len(users)+1 && strings.EqualFold(path[1:1+len(users)], users) {
		if _, below, ok := strings.Cut(path[1+len(users):], `\`); ok {
			return `~\` + below
		}
	}
	return path
}

// renamed reports whether a program of the entry runs from a file with another name,
// by what the program itself says. Copies that a browser or a version numbers
// ("AnyDesk (1).exe") keep the beginning of the name.
func (s *winSuspect) renamed(c *catalog.Catalog, entry *farmhoundv1.Entry) bool {
	file, original := bareName(s.fileName()), bareName(s.program.Original)
	if file == "" || touches(c, entry, farmhoundv1.FactKind_FACT_KIND_PROCESS, s.fileName()) {
		return false
	}
	if original != "" {
		return !strings.HasPrefix(file, original) && !strings.HasPrefix(original, file) &&
			(touches(c, entry, farmhoundv1.FactKind_FACT_KIND_PROCESS, s.program.Original) ||
				touches(c, entry, farmhoundv1.FactKind_FACT_KIND_ORIGINAL_FILENAME, s.program.Original) || s.borrows(c, entry, file))
	}
	return s.borrows(c, entry, file)
}

// borrows reports whether only the product's name tells what the program is: nothing
// of it is in the name of the file, which lies where anybody can put it. Products have
// more programs than the catalogue names, but those are installed.
func (s *winSuspect) borrows(c *catalog.Catalog, entry *farmhoundv1.Entry, file string) bool {
	word, _, _ := strings.Cut(strings.ToLower(s.program.Product), " ")
	return s.writable() && word != "" && !strings.Contains(file, word) &&
		touches(c, entry, farmhoundv1.FactKind_FACT_KIND_PRODUCT_NAME, s.program.Product)
}

// bareName is a file's name in lower case without what its kind appends to it.
func bareName(file string) string {
	file = strings.ToLower(file)
	file = strings.TrimSuffix(file, ".mui")
	return strings.TrimSuffix(file, ".exe")
}

// touches reports whether a value is one of the entry's facts.
func touches(c *catalog.Catalog, entry *farmhoundv1.Entry, kind farmhoundv1.FactKind, value string) bool {
	return value != "" && slices.ContainsFunc(c.AppendTouched(nil, onWindows, catalog.Fact{Kind: kind, Value: value}), func(t catalog.Touch) bool {
		return t.Entry == entry
	})
}

// signerKnown reports whether the catalogue knows the signer and Windows trusts the
// signature; nil where either cannot be said.
func (s *winSuspect) signerKnown(c *catalog.Catalog, entry *farmhoundv1.Entry) *bool {
	hasSigner := slices.ContainsFunc(entry.GetFacts(), func(f *farmhoundv1.Fact) bool {
		return f.GetKind() == farmhoundv1.FactKind_FACT_KIND_SIGNER
	})
	if !hasSigner || s.path == "" {
		return nil
	}
	known := touches(c, entry, farmhoundv1.FactKind_FACT_KIND_SIGNER, s.program.Signer)
	if known && s.trusted == nil {
		return nil // it says so, and nobody checks it
	}
	known = known && *s.trusted
	return &known
}

// writable reports whether the program is where an ordinary user can put it: in a
// home, a folder for passing things, or on a drive other than the system's.
func (s *winSuspect) writable() bool {
	if len(s.path) < 3 || s.path[1] != ':' {
		return false
	}
	path := strings.ToLower(s.path)
	return path[0] != 'c' || slices.ContainsFunc(winWritable[:], func(folder string) bool {
		return strings.HasPrefix(path[2:], folder)
	})
}
