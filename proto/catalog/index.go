package catalog

import (
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
	entry, fact int32
}

// index finds facts by value on one operating system.
type index struct {
	exact map[farmhoundv1.FactKind]map[string][]reference
	wild  map[farmhoundv1.FactKind][]pattern // values that hold *
	ports map[uint16]bool
}

// pattern is a value whose wildcard stands for what is between its two parts.
type pattern struct {
	beginning, end string
	ref            reference
}

func (p *pattern) covers(value string) bool {
	return len(value) >= len(p.beginning)+len(p.end) && strings.HasPrefix(value, p.beginning) && strings.HasSuffix(value, p.end)
}

func (c *Catalog) build() {
	c.reports = map[string][]reference{}
	for i := range c.systems {
		c.systems[i] = index{
			exact: map[farmhoundv1.FactKind]map[string][]reference{},
			wild:  map[farmhoundv1.FactKind][]pattern{},
			ports: map[uint16]bool{},
		}
	}
	for i, e := range c.entries {
		for j, f := range e.GetFacts() {
			c.add(f, reference{int32(i), int32(j)})
		}
	}
}

func (c *Catalog) add(f *farmhoundv1.Fact, ref reference) {
	switch f.GetKind() {
	case farmhoundv1.FactKind_FACT_KIND_USB:
		c.usb = append(c.usb, ref)
		return
	case farmhoundv1.FactKind_FACT_KIND_EDID:
		c.edid = append(c.edid, ref)
		return
	case farmhoundv1.FactKind_FACT_KIND_USB_REPORT_DESCRIPTOR:
		c.reports[f.GetValue()] = append(c.reports[f.GetValue()], ref)
		return
	}
	for i := range c.systems {
		if os := farmhoundv1.OperatingSystem(i); holdsOn(f, os) {
			c.systems[i].add(os, f, ref)
		}
	}
}

func (x *index) add(os farmhoundv1.OperatingSystem, f *farmhoundv1.Fact, ref reference) {
	value := normal(os, f.GetKind(), f.GetValue())
	// The wildcard of a domain stands at its beginning and is looked up with it.
	if beginning, end, wild := strings.Cut(value, "*"); wild && beginning != "" {
		x.wild[f.GetKind()] = append(x.wild[f.GetKind()], pattern{beginning, end, ref})
		return
	}
	if f.GetKind() == farmhoundv1.FactKind_FACT_KIND_PORT {
		if port, err := strconv.ParseUint(value, 10, 16); err == nil {
			x.ports[uint16(port)] = true
		}
	}
	table := tableOf(f.GetKind())
	if x.exact[table] == nil {
		x.exact[table] = map[string][]reference{}
	}
	x.exact[table][value] = append(x.exact[table][value], ref)
	if os == linux && table == farmhoundv1.FactKind_FACT_KIND_PROCESS && len(value) > linuxComm {
		cut := value[:linuxComm]
		x.exact[table][cut] = append(x.exact[table][cut], ref)
	}
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
	switch kind {
	case farmhoundv1.FactKind_FACT_KIND_SERVICE:
		value = strings.TrimSuffix(value, ".service")
	case farmhoundv1.FactKind_FACT_KIND_DOMAIN:
		return strings.ToLower(strings.TrimSuffix(value, "."))
	}
	if os == windows || os == macOS {
		return strings.ToLower(value)
	}
	return value
}

// touched calls found for every fact that the sighting touches; it stops when
// found returns false.
func (x *index) touched(os farmhoundv1.OperatingSystem, f Fact, found func(reference) bool) {
	if len(f.Value) > longestValue {
		return
	}
	value := normal(os, f.Kind, f.Value)
	table := x.exact[tableOf(f.Kind)]
	if !each(table[value], found) {
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
			each(table[value[:at+1]], found)
		}
	case farmhoundv1.FactKind_FACT_KIND_PATH, farmhoundv1.FactKind_FACT_KIND_SESSION_LOG:
		eachFolder(table, value, separatorOf(os)[0], found)
	case farmhoundv1.FactKind_FACT_KIND_DOMAIN:
		eachParentDomain(table, value, found)
	}
}

func each(refs []reference, found func(reference) bool) bool {
	for _, ref := range refs {
		if !found(ref) {
			return false
		}
	}
	return true
}

// eachFolder looks a path's folders up, innermost first.
func eachFolder(table map[string][]reference, path string, separator byte, found func(reference) bool) {
	if len(table) == 0 {
		return
	}
	for end := len(path) - 1; end > 0; end-- {
		if path[end-1] == separator && !each(table[path[:end]], found) {
			return
		}
	}
}

// eachParentDomain looks *.b.c and *.c up for a.b.c. The wildcard is stored with
// its star, which is why a name of the vendor's own needs no second form.
func eachParentDomain(table map[string][]reference, name string, found func(reference) bool) {
	for {
		dot := strings.IndexByte(name, '.')
		if dot < 0 {
			return
		}
		name = name[dot+1:]
		if !each(table["*."+name], found) {
			return
		}
	}
}
