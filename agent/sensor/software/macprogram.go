package software

import (
	"path"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/machofile"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// macWritable are where ordinary users can put programs, disk images among them.
var macWritable = [...]string{"/Users/", "/tmp/", "/private/tmp/", "/var/tmp/", "/private/var/tmp/", "/private/var/folders/", "/Volumes/"}

// macIdentity is what a program's file and bundle say that it is.
type macIdentity struct {
	machofile.Program
	bundle string // identifier of the application around it
}

// macSuspect is a process that touches a fact of the catalogue.
type macSuspect struct {
	macProcess
	path     string // of its program, empty where that is hidden
	identity macIdentity
	facts    []catalog.Fact
	entries  []string // ids of the entries whose facts it touches

	// Of the latest scan.
	listens []*sockets.Owned
	tools   []*tool // entries it belongs to
}

// judgeMac looks at a process, once per process and catalogue; nil means that the
// catalogue knows nothing of it.
func judgeMac(p macProcess, program string, identity macIdentity, c *catalog.Catalog) *macSuspect {
	s := &macSuspect{macProcess: p, path: program, identity: identity}
	s.facts = s.factsOf()
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

// factsOf lists what a process shows of its identity: the name of its program's file,
// where that lies, and what the program and the application around it say that it is.
func (s *macSuspect) factsOf() []catalog.Fact {
	facts := make([]catalog.Fact, 0, 6)
	add := func(kind farmhoundv1.FactKind, value string) {
		if f := (catalog.Fact{Kind: kind, Value: value}); value != "" && !slices.Contains(facts, f) {
			facts = append(facts, f)
		}
	}
	add(farmhoundv1.FactKind_FACT_KIND_PROCESS, s.fileName())
	if path.IsAbs(s.path) {
		add(farmhoundv1.FactKind_FACT_KIND_PATH, macHomeless(path.Clean(s.path)))
	}
	// Who renames a file leaves the names inside it.
	add(farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID, s.identity.bundle)
	add(farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID, s.identity.Identifier)
	add(farmhoundv1.FactKind_FACT_KIND_SIGNER, s.identity.Team)
	return facts
}

// fileName is the name of the program's file.
func (s *macSuspect) fileName() string {
	if s.path == "" {
		return s.comm
	}
	return path.Base(s.path)
}

// macHomeless writes a path in a home folder as the catalogue does.
func macHomeless(name string) string {
	for _, root := range []string{"/var/root/", "/private/var/root/"} {
		if below, ok := strings.CutPrefix(name, root); ok {
			return "~/" + below
		}
	}
	if below, ok := strings.CutPrefix(name, "/Users/"); ok {
		if user, rest, ok := strings.Cut(below, "/"); ok && user != "Shared" {
			return "~/" + rest
		}
	}
	return name
}

// bundleOf is the folder of the outermost application that a program lies in, empty
// where that is none.
func bundleOf(program string) string {
	const inside = ".app/Contents/"
	if at := strings.Index(program, inside); at > 0 {
		return program[:at+len(".app")]
	}
	return ""
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
// this one is signed by somebody else or nobody. That a signature with the right name is
// good is not checked, so that nothing is said of it.
func (s *macSuspect) signerKnown(c *catalog.Catalog, entry *farmhoundv1.Entry) *bool {
	hasSigner := slices.ContainsFunc(entry.GetFacts(), func(f *farmhoundv1.Fact) bool {
		return f.GetKind() == farmhoundv1.FactKind_FACT_KIND_SIGNER && f.GetOs() == onMac
	})
	if !hasSigner || s.identity.Identifier == "" || macTouches(c, entry, farmhoundv1.FactKind_FACT_KIND_SIGNER, s.identity.Team) {
		return nil
	}
	known := false
	return &known
}

// writable reports whether the program is where an ordinary user can put it.
func (s *macSuspect) writable() bool {
	return slices.ContainsFunc(macWritable[:], func(folder string) bool { return strings.HasPrefix(s.path, folder) })
}
