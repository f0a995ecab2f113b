package software

import (
	"path"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/macprogram"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// macWritable are where ordinary users can put programs, disk images among them.
var macWritable = [...]string{"/Users/", "/tmp/", "/private/tmp/", "/var/tmp/", "/private/var/tmp/", "/private/var/folders/", "/Volumes/"}

// macSuspect is a process that touches a fact of the catalogue.
type macSuspect struct {
	macProcess
	path     string // of its program, empty where that is hidden
	identity macprogram.Identity
	facts    []catalog.Fact
	entries  []string // ids of the entries whose facts it touches

	// Of the latest scan.
	listens []*sockets.Owned
	tools   []*tool // entries it belongs to
}

// judgeMac looks at a process, once per process and catalogue; nil means that the
// catalogue knows nothing of it.
func judgeMac(p macProcess, program string, identity macprogram.Identity, c *catalog.Catalog) *macSuspect {
	s := &macSuspect{macProcess: p, path: program, identity: identity, facts: macprogram.Facts(program, p.comm, identity)}
	var touched []catalog.Touch
	for _, f := range s.facts {
		touched = c.AppendTouched(touched, onMac, f)
	}
	if len(touched) == 0 {
		return nil
	}
	for _, t := range touched {
		if id := t.Entry.GetId(); !slices.Contains(s.entries, id) {
			s.entries = append(s.entries, id)
		}
	}
	return s
}

// fileName is the name of the program's file.
func (s *macSuspect) fileName() string {
	if s.path == "" {
		return s.comm
	}
	return path.Base(s.path)
}

// renamed reports whether a program of the entry runs from a file with another name, by
// what the program itself says. A file counts as another's only if nothing of its name
// is in those that the catalogue, the program, and the entry have: products have more
// programs than the catalogue names.
func (s *macSuspect) renamed(c *catalog.Catalog, entry *farmhoundv1.Entry) bool {
	file := letters(s.fileName())
	told := macTouches(c, entry, farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID, s.identity.Identifier)
	if file == "" || !told || macTouches(c, entry, farmhoundv1.FactKind_FACT_KIND_PROCESS, s.fileName()) {
		return false
	}
	names := []string{s.identity.Identifier, entry.GetName(), entry.GetVendor(), entry.GetId()}
	for _, f := range entry.GetFacts() {
		if k := f.GetKind(); k == farmhoundv1.FactKind_FACT_KIND_PROCESS || k == farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS {
			names = append(names, strings.TrimSuffix(strings.ToLower(f.GetValue()), ".exe"))
		}
	}
	return !slices.ContainsFunc(names, func(name string) bool {
		name = letters(name)
		return name != "" && (strings.Contains(name, file) || strings.Contains(file, name))
	})
}

// letters is a name in lower case without what is no letter or digit.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

// macTouches reports whether a value is one of the entry's facts.
func macTouches(c *catalog.Catalog, entry *farmhoundv1.Entry, kind farmhoundv1.FactKind, value string) bool {
	return value != "" && slices.ContainsFunc(c.AppendTouched(nil, onMac, catalog.Fact{Kind: kind, Value: value}), func(t catalog.Touch) bool {
		return t.Entry == entry
	})
}

// signerKnown is false where the catalogue knows who signs programs of the entry and
// this one is signed by somebody else or nobody; nothing is said of one that could not be
// read. That a signature with the right name is good is not checked, so that nothing is
// said of it either.
func (s *macSuspect) signerKnown(c *catalog.Catalog, entry *farmhoundv1.Entry) *bool {
	hasSigner := slices.ContainsFunc(entry.GetFacts(), func(f *farmhoundv1.Fact) bool {
		return f.GetKind() == farmhoundv1.FactKind_FACT_KIND_SIGNER && f.GetOs() == onMac
	})
	if !hasSigner || !s.identity.Seen || macTouches(c, entry, farmhoundv1.FactKind_FACT_KIND_SIGNER, s.identity.Team) {
		return nil
	}
	known := false
	return &known
}

// writable reports whether the program is where an ordinary user can put it.
func (s *macSuspect) writable() bool {
	return slices.ContainsFunc(macWritable[:], func(folder string) bool { return strings.HasPrefix(s.path, folder) })
}
