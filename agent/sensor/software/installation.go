package software

import (
	"net/netip"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// installation is what the inventory found of one catalogue entry.
type installation struct {
	foundBy    foundBySet
	version    string
	home       bool // found in a home folder
	system     bool // found elsewhere
	unattended bool
	tenants    []string // ids of the tenants that names of it carry
}

// findings are the facts that an inventory found, and what they say of each entry.
type findings struct {
	catalog *catalog.Catalog
	system  farmhoundv1.OperatingSystem // whose facts it looks for
	facts   []catalog.Fact
	found   map[string]*installation // by entry
}

func newFindings(c *catalog.Catalog, system farmhoundv1.OperatingSystem) findings {
	return findings{catalog: c, system: system, found: map[string]*installation{}}
}

// add notes a fact that is there, and what it says of every entry it touches.
func (v *findings) add(kind farmhoundv1.FactKind, value string, note func(*installation, *farmhoundv1.Fact)) {
	fact := catalog.Fact{Kind: kind, Value: value}
	touched := v.catalog.AppendTouched(nil, v.system, fact)
	if len(touched) == 0 {
		return
	}
	v.facts = append(v.facts, fact)
	for _, t := range touched {
		i := v.found[t.Entry.GetId()]
		if i == nil {
			i = &installation{}
			v.found[t.Entry.GetId()] = i
		}
		note(i, t.Fact)
		i.noteTenant(t.Fact, value)
	}
}

// installed reports whether what was found of an entry means that it is on disk.
func (i *installation) installed() bool {
	return i.foundBy.has(farmhoundv1.FoundBy_FOUND_BY_PACKAGE) || i.foundBy.has(farmhoundv1.FoundBy_FOUND_BY_SERVICE) ||
		i.foundBy.has(farmhoundv1.FoundBy_FOUND_BY_APPLICATION)
}

// cleanVersion keeps a version only if reports can carry it.
func cleanVersion(version string) string {
	for _, c := range version {
		if !strings.ContainsRune("._-:/+@~", c) && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	if len(version) > maxVersion {
		return ""
	}
	return version
}

// addInstallation adds to a tool what the inventory found of it.
func (t *tool) addInstallation(i *installation) {
	t.foundBy |= i.foundBy
	t.installed = i.installed()
	t.home = i.home && !i.system
	t.version = i.version
	t.unattended = t.unattended || i.unattended
	t.tenants = i.tenants
}

// ownProcess is what is known, on any system, of a process that belongs to a tool.
type ownProcess struct {
	created           time.Time
	renamed, writable bool
}

// addProcess notes a process that belongs to the tool.
func (t *tool) addProcess(p ownProcess, m catalog.Match) {
	t.running = true
	t.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_PROCESS)
	for _, f := range m.Facts {
		if f.GetKind() == farmhoundv1.FactKind_FACT_KIND_PORT {
			t.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_LISTENER)
		}
	}
	if t.since.IsZero() || p.created.Before(t.since) {
		t.since = p.created
	}
	t.renamed = t.renamed || p.renamed
	t.writable = t.writable || p.writable
}

// addPort notes a port that a process of the tool listens on, unless nobody else can reach it.
func (t *tool) addPort(local netip.AddrPort) {
	if !local.Addr().IsLoopback() {
		t.ports = append(t.ports, uint32(local.Port()))
	}
}

// worse joins what is known of two programs' signers: one that is wrong counts.
func worse(a, b *bool) *bool {
	if a == nil || b != nil && !*b {
		return b
	}
	return a
}

func toolOf(tools map[string]*tool, entry *farmhoundv1.Entry) *tool {
	t := tools[entry.GetId()]
	if t == nil {
		t = &tool{entry: entry}
		tools[entry.GetId()] = t
	}
	return t
}
