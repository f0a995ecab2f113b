package catalog

import (
	"cmp"
	"slices"
	"strconv"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Fact is one thing seen on a laptop. Values have the form that the schema's
// FactKind describes; a process name may be the kernel's, cut to 15 bytes, and a
// path in a home folder begins with ~ instead of the folder.
type Fact struct {
	Kind  farmhoundv1.FactKind
	Value string
}

// Port returns the fact of a port that is listened on.
func Port(port uint16) Fact {
	return Fact{farmhoundv1.FactKind_FACT_KIND_PORT, strconv.Itoa(int(port))}
}

// Match is an entry that facts of a laptop add up to.
type Match struct {
	// Entry is the catalogue's; it must not be changed.
	Entry *farmhoundv1.Entry
	// Facts are the catalogue's facts that were touched, in its order, weak ones
	// included; they must not be changed.
	Facts []*farmhoundv1.Fact
	// Strength is identifying, or supporting where only several facts together
	// make the match.
	Strength farmhoundv1.Strength
	// Unattended says that a touched fact shows unattended access to be set up.
	Unattended bool
	// Also names other entries that the same device matches exactly as well:
	// makers share firmware. Only hardware matches have it.
	Also []string
}

// Touch is one fact of one entry that a sighting touched. A touch is not a match.
type Touch struct {
	Entry *farmhoundv1.Entry
	Fact  *farmhoundv1.Fact
}

// Knows reports whether the sighting touches any entry: the cheap question to
// ask of every process before looking at it closer. It allocates nothing for
// values in the system's usual case.
func (c *Catalog) Knows(os farmhoundv1.OperatingSystem, f Fact) bool {
	known := false
	c.system(os).touched(f, func(reference) bool {
		known = true
		return false
	})
	return known
}

// KnowsPort reports whether a listening port touches any entry, without
// allocating.
func (c *Catalog) KnowsPort(os farmhoundv1.OperatingSystem, port uint16) bool {
	_, known := slices.BinarySearch(c.system(os).ports, port)
	return known
}

// AppendTouched appends what one sighting touches to dst, which callers may
// reuse from scan to scan.
func (c *Catalog) AppendTouched(dst []Touch, os farmhoundv1.OperatingSystem, f Fact) []Touch {
	c.system(os).touched(f, func(ref reference) bool {
		dst = append(dst, c.touch(ref))
		return true
	})
	return dst
}

// Match returns the entries that the facts together match, ordered by id. Facts
// may be those of a whole laptop or of one process.
func (c *Catalog) Match(os farmhoundv1.OperatingSystem, facts []Fact) []Match {
	var refs []reference
	for _, f := range facts {
		c.system(os).touched(f, func(ref reference) bool {
			refs = append(refs, ref)
			return true
		})
	}
	return c.judgeAll(refs)
}

func (c *Catalog) touch(ref reference) Touch {
	return Touch{c.entry(int(ref.entry)), c.fact(ref)}
}

func (c *Catalog) system(os farmhoundv1.OperatingSystem) *index {
	if os < 0 || int(os) >= systemCount {
		os = anySystem
	}
	return c.systems[os]()
}

// judgeAll groups touched facts by entry and keeps the entries that match.
func (c *Catalog) judgeAll(refs []reference) []Match {
	slices.SortFunc(refs, func(a, b reference) int {
		return cmp.Or(cmp.Compare(a.entry, b.entry), cmp.Compare(a.fact, b.fact))
	})
	refs = slices.Compact(refs)
	var matches []Match
	for len(refs) > 0 {
		end := slices.IndexFunc(refs, func(r reference) bool { return r.entry != refs[0].entry })
		if end < 0 {
			end = len(refs)
		}
		if m, ok := judge(c.entry(int(refs[0].entry)), refs[:end]); ok {
			matches = append(matches, m)
		}
		refs = refs[end:]
	}
	return matches
}

// judge weighs the touched facts of one entry. Supporting facts count once per
// kind: a second name of the same program is no second observation. At least one of
// them must be one that ordinary computers do not have.
func judge(entry *farmhoundv1.Entry, refs []reference) (Match, bool) {
	identifying, uncommon := false, false
	var supporting uint32 // a bit per kind
	for _, ref := range refs {
		f := entry.GetFacts()[ref.fact]
		switch f.GetStrength() {
		case farmhoundv1.Strength_STRENGTH_IDENTIFYING:
			identifying = true
		case farmhoundv1.Strength_STRENGTH_SUPPORTING:
			supporting |= 1 << tableOf(f.GetKind())
			uncommon = uncommon || !f.GetCommon()
		}
	}
	// More than one bit set.
	if !identifying && (!uncommon || supporting&(supporting-1) == 0) {
		return Match{}, false
	}
	m := Match{Entry: entry, Strength: farmhoundv1.Strength_STRENGTH_SUPPORTING}
	if identifying {
		m.Strength = farmhoundv1.Strength_STRENGTH_IDENTIFYING
	}
	m.Facts = make([]*farmhoundv1.Fact, 0, len(refs))
	for _, ref := range refs {
		f := entry.GetFacts()[ref.fact]
		m.Facts = append(m.Facts, f)
		m.Unattended = m.Unattended || f.GetUnattended()
	}
	return m, true
}

// SessionSpec is how a control session through an entry shows on a laptop.
type SessionSpec struct {
	// Kind is what the session gives.
	Kind farmhoundv1.SessionKind
	// Ports are the usual ports on which sessions come in, sorted. A process of
	// the tool may listen on others; a connection into any of them is a session.
	Ports []uint16
	// Processes are the file names of programs that run only during a session.
	Processes []string
	// Logs are the paths in which the tool notes sessions.
	Logs []string
}

// Session returns how a session through the entry shows on a system. It is
// false where the catalogue knows no such entry, or one that gives no control by
// itself.
func (c *Catalog) Session(os farmhoundv1.OperatingSystem, id string) (SessionSpec, bool) {
	entry, ok := c.Entry(id)
	if !ok || entry.GetSession() == farmhoundv1.SessionKind_SESSION_KIND_UNSPECIFIED {
		return SessionSpec{}, false
	}
	spec := SessionSpec{Kind: entry.GetSession()}
	for _, f := range entry.GetFacts() {
		if !holdsOn(f, os) {
			continue
		}
		switch f.GetKind() {
		case farmhoundv1.FactKind_FACT_KIND_PORT:
			if port, err := strconv.ParseUint(f.GetValue(), 10, 16); err == nil {
				spec.Ports = append(spec.Ports, uint16(port))
			}
		case farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS:
			spec.Processes = append(spec.Processes, f.GetValue())
		case farmhoundv1.FactKind_FACT_KIND_SESSION_LOG:
			spec.Logs = append(spec.Logs, f.GetValue())
		}
	}
	slices.Sort(spec.Ports)
	return spec, true
}
