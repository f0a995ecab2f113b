package network

import (
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// toolNamed returns the entry that an interface's name points to. A name that
// points to several tools points to none.
func toolNamed(c *catalog.Catalog, os farmhoundv1.OperatingSystem, name string) string {
	id := ""
	fact := catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_INTERFACE, Value: name}
	for _, t := range c.AppendTouched(nil, os, fact) {
		switch t.Fact.GetStrength() {
		case farmhoundv1.Strength_STRENGTH_IDENTIFYING:
			return t.Entry.GetId()
		case farmhoundv1.Strength_STRENGTH_SUPPORTING:
			if id != "" && id != t.Entry.GetId() {
				return ""
			}
			id = t.Entry.GetId()
		}
	}
	return id
}
