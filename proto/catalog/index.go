package catalog

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	systemCount = 4
	// linuxComm is how much of a process name the Linux kernel keeps.
	linuxComm = 15
	// longestValue bounds what is worth looking up, in bytes.
	longestValue = 4096
)

// reference names one fact of one entry by their positions.
type reference struct {
	entry, fact uint16
}

// index finds facts by value on one operating system.
type index struct {
	catalog *Catalog
	os      farmhoundv1.OperatingSystem
	rows    []row // in the order of their hashes
	wild    map[farmhoundv1.FactKind][]pattern
	ports   []uint16
}

// row is a value by its hash; whether it is the value, the fact tells.
type row struct {
	hash uint32
	ref  reference
}

// pattern is a value whose wildcard stands for what is between its two parts.
type pattern struct {
	beginning, end string
	ref            reference
}

func (p *pattern) covers(value string) bool {
	return len(value) >= len(p.beginning)+len(p.end) && strings.HasPrefix(value, p.beginning) && strings.HasSuffix(value, p.end)
}

func newIndex(c *Catalog, os farmhoundv1.OperatingSystem) *index {
	x := &index{catalog: c, os: os, wild: map[farmhoundv1.FactKind][]pattern{}}
	for i, e := range c.All() {
		for j, f := range e.GetFacts() {
			if holdsOn(f, os) && !describesDevice(f.GetKind()) {
				x.add(f, reference{uint16(i), uint16(j)}) //nolint:gosec // both are bounded by the contract
			}
		}
	}
	slices.SortFunc(x.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.ref.entry, b.ref.entry), cmp.Compare(a.ref.fact, b.ref.fact))
	})
	x.rows = slices.Clone(x.rows) // without the room that it grew into
	slices.Sort(x.ports)
	x.ports = slices.Compact(x.ports)
	return x
}

func (x *index) add(f *farmhoundv1.Fact, ref reference) {
	value := normal(x.os, f.GetKind(), f.GetValue())
	// The wildcard of a domain stands at its beginning and is looked up with it.
	if beginning, end, wild := strings.Cut(value, "*"); wild && beginning != "" {
		x.wild[f.GetKind()] = append(x.wild[f.GetKind()], pattern{beginning, end, ref})
		return
	}
	if f.GetKind() == farmhoundv1.FactKind_FACT_KIND_PORT {
		if port, err := strconv.ParseUint(value, 10, 16); err == nil {
			x.ports = append(x.ports, uint16(port))
		}
	}
	table := tableOf(f.GetKind())
	x.rows = append(x.rows, row{hashOf(table, value), ref})
	if cut, shorter := x.cut(table, value); shorter {
		x.rows = append(x.rows, row{hashOf(table, cut), ref})
	}
}

// cut returns what the kernel keeps of a process name, and whether that is not all.
func (x *index) cut(table farmhoundv1.FactKind, value string) (string, bool) {
	if x.os != linux || table != farmhoundv1.FactKind_FACT_KIND_PROCESS || len(value) <= linuxComm {
		return value, false
	}
	return value[:linuxComm], true
}

// hashOf is FNV-1a, which allocates nothing.
func hashOf(table farmhoundv1.FactKind, value string) uint32 {
	const offset, prime = 2166136261, 16777619
	hash := (uint32(offset) ^ uint32(table)) * prime //nolint:gosec // a small number
	for i := range len(value) {
		hash = (hash ^ uint32(value[i])) * prime
	}
	return hash
}

// each calls found for every fact of a table with the value; it stops, and returns
// false, when found does.
func (x *index) each(table farmhoundv1.FactKind, value string, found func(reference) bool) bool {
	hash := hashOf(table, value)
	at, _ := slices.BinarySearchFunc(x.rows, hash, func(r row, hash uint32) int { return cmp.Compare(r.hash, hash) })
	for ; at < len(x.rows) && x.rows[at].hash == hash; at++ {
		if x.has(x.rows[at].ref, table, value) && !found(x.rows[at].ref) {
			return false
		}
	}
	return true
}

// has reports whether a fact that has the hash has the value, too.
func (x *index) has(ref reference, table farmhoundv1.FactKind, value string) bool {
	f := x.catalog.fact(ref)
	if tableOf(f.GetKind()) != table {
		return false
	}
	// Without lowering anything, which would allocate: that value is in lower case where
	// case does not count.
	own := normalEnds(f.GetKind(), f.GetValue())
	if x.os == windows || x.os == macOS || f.GetKind() == farmhoundv1.FactKind_FACT_KIND_DOMAIN {
		return strings.EqualFold(own, value)
	}
	cut, shorter := x.cut(table, own)
	return own == value || shorter && cut == value
}

// tableOf lets one sighting of a process name touch both kinds of process fact.
func tableOf(kind farmhoundv1.FactKind) farmhoundv1.FactKind {
	if kind == farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS {
		return farmhoundv1.FactKind_FACT_KIND_PROCESS
	}
	return kind
}

// normal brings a value, of the catalogue or seen on a laptop, into the form in
// which two are compared. On the usual path it allocates nothing.
func normal(os farmhoundv1.OperatingSystem, kind farmhoundv1.FactKind, value string) string {
	value = normalEnds(kind, value)
	if os == windows || os == macOS || kind == farmhoundv1.FactKind_FACT_KIND_DOMAIN {
		return strings.ToLower(value)
	}
	return value
}

// normalEnds cuts what stands at the end of a value and says nothing.
func normalEnds(kind farmhoundv1.FactKind, value string) string {
	switch kind {
	case farmhoundv1.FactKind_FACT_KIND_SERVICE:
		return strings.TrimSuffix(value, ".service")
	case farmhoundv1.FactKind_FACT_KIND_DOMAIN:
		return strings.TrimSuffix(value, ".")
	}
	return value
}

// touched calls found for every fact that the sighting touches; it stops when
// found returns false.
func (x *index) touched(f Fact, found func(reference) bool) {
	if len(f.Value) > longestValue {
		return
	}
	value, table := normal(x.os, f.Kind, f.Value), tableOf(f.Kind)
	if !x.each(table, value, found) {
		return
	}
	wild := x.wild[f.Kind]
	for i := range wild {
		if wild[i].covers(value) && !found(wild[i].ref) {
			return
		}
	}
	switch f.Kind {
	case farmhoundv1.FactKind_FACT_KIND_SERVICE:
		// sshd@1.service is an instance of the template sshd@.
		if at := strings.IndexByte(value, '@'); at >= 0 && at+1 < len(value) {
			x.each(table, value[:at+1], found)
		}
	case farmhoundv1.FactKind_FACT_KIND_PATH, farmhoundv1.FactKind_FACT_KIND_SESSION_LOG:
		x.eachFolder(table, value, found)
	case farmhoundv1.FactKind_FACT_KIND_DOMAIN:
		x.eachParentDomain(table, value, found)
	}
}

// eachFolder looks a path's folders up, innermost first.
func (x *index) eachFolder(table farmhoundv1.FactKind, path string, found func(reference) bool) {
	separator := separatorOf(x.os)[0]
	for end := len(path) - 1; end > 0; end-- {
		if path[end-1] == separator && !x.each(table, path[:end], found) {
			return
		}
	}
}

// eachParentDomain looks *.b.c and *.c up for a.b.c. The wildcard is stored with
// its star, which is why a name of the vendor's own needs no second form.
func (x *index) eachParentDomain(table farmhoundv1.FactKind, name string, found func(reference) bool) {
	for {
		dot := strings.IndexByte(name, '.')
		if dot < 0 {
			return
		}
		name = name[dot+1:]
		if !x.each(table, "*."+name, found) {
			return
		}
	}
}
