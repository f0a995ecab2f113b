package source

import (
	"strings"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// maxFacts is how many facts the schema gives an entry.
const maxFacts = 128

// merge makes one list of the entries of all layers. Of entries of one's own with one
// id the last layer's stands; twice in one layer is left for the lint to find. What
// was imported decides nothing that an entry of one's own has decided.
func merge(layers [][]*document) []*document {
	var own, imported []*document
	for _, layer := range layers {
		here := map[string]bool{}
		var added []*document
		for _, d := range layer {
			if d.origin != "" {
				imported = append(imported, d)
				continue
			}
			here[d.entry.GetId()] = true
			added = append(added, d)
		}
		kept := own[:0]
		for _, d := range own {
			if !here[d.entry.GetId()] {
				kept = append(kept, d)
			}
		}
		own = append(kept, added...)
	}
	byID := map[string]*document{}
	taken := map[string]string{} // identifying facts and whose they are
	for _, d := range own {
		byID[d.entry.GetId()] = d
		claim(taken, d)
	}
	for _, d := range imported {
		yield(taken, d)
		if first, known := byID[d.entry.GetId()]; known {
			first.adopt(d)
			continue
		}
		byID[d.entry.GetId()] = d
		own = append(own, d)
	}
	return own
}

func claim(taken map[string]string, d *document) {
	for _, f := range d.entry.GetFacts() {
		if f.GetStrength() == farmhoundv1.Strength_STRENGTH_IDENTIFYING {
			taken[looseFactKey(f)] = d.entry.GetId()
		}
	}
}

// yield lets imported facts that identify another entry already support only.
func yield(taken map[string]string, d *document) {
	for _, f := range d.entry.GetFacts() {
		if f.GetStrength() != farmhoundv1.Strength_STRENGTH_IDENTIFYING {
			continue
		}
		if id, known := taken[looseFactKey(f)]; known && id != d.entry.GetId() {
			f.Strength = farmhoundv1.Strength_STRENGTH_SUPPORTING
			continue
		}
		taken[looseFactKey(f)] = d.entry.GetId()
	}
}

// adopt adds the facts that only the imported entry has.
func (d *document) adopt(imported *document) {
	merged := proto.CloneOf(d.entry)
	for i, f := range imported.entry.GetFacts() {
		if len(merged.GetFacts()) >= maxFacts {
			break
		}
		if has(merged, f) {
			continue
		}
		if letsNobodyIn(merged.GetCategory()) && ordinaryKind(f.GetKind()) {
			f.Strength = farmhoundv1.Strength_STRENGTH_WEAK
		}
		merged.Facts = append(merged.Facts, f)
		d.facts = append(d.facts, imported.facts[i])
	}
	d.entry = merged
}

func has(e *farmhoundv1.Entry, f *farmhoundv1.Fact) bool {
	for _, g := range e.GetFacts() {
		if looseFactKey(g) == looseFactKey(f) && (g.GetOs() == f.GetOs() || g.GetOs() == 0 || f.GetOs() == 0) {
			return true
		}
	}
	return false
}

// looseFactKey names a fact without regard to case, in which lists differ. A program
// that runs during sessions only is the same program.
func looseFactKey(f *farmhoundv1.Fact) string {
	kind := f.GetKind()
	if kind == farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS {
		kind = farmhoundv1.FactKind_FACT_KIND_PROCESS
	}
	return kind.String() + " " + strings.ToLower(f.GetValue()) + " " + f.GetUsb().String() + " " + f.GetEdid().String()
}

// ordinaryKind says of a kind that ordinary computers show it of what lets nobody in.
func ordinaryKind(kind farmhoundv1.FactKind) bool {
	return kind == farmhoundv1.FactKind_FACT_KIND_PROCESS || kind == farmhoundv1.FactKind_FACT_KIND_SERVICE
}
