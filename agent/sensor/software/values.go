package software

import (
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// values are a catalogue's of one kind, kept until it is another: to list them, all of
// it is decoded.
type values struct {
	catalog *catalog.Catalog
	list    []string
}

// of returns the values. A values is for one system and one kind.
func (v *values) of(c *catalog.Catalog, os farmhoundv1.OperatingSystem, kind farmhoundv1.FactKind) []string {
	if v.catalog != c {
		v.catalog, v.list = c, c.Values(os, kind)
	}
	return v.list
}
