package collector

import (
	"errors"

	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

// Rooms is what judging needs and where it comes from. Everything but the rules
// may be left out; then there is less to say.
type Rooms struct {
	Rules   *detect.Rules
	Company Company
	Places  fleet.Places
	Roster  fleet.Roster
	// Book says which tools are approved and where offices are, beside Company; nil
	// for nothing.
	Book *roster.Book
	// Catalog is what agents look for; nil is what they bring along.
	Catalog *catalog.Catalog
	// Secret keys the hashes that are stored; nil for a replay, which stores nothing.
	Secret []byte
}

func (r *Rooms) judge() (*judge, error) {
	if r.Rules == nil {
		return nil, errors.New("judging needs rules")
	}
	known := r.Catalog
	if known == nil {
		known = catalog.BuiltIn()
	}
	if !isOwn(known) {
		if err := r.Company.checkTools(known); err != nil {
			return nil, err
		}
	}
	j := &judge{}
	j.useRules(r.Rules)
	places := r.Places
	if r.Book != nil {
		said := &officePlaces{inner: r.Places}
		said.use(r.Book)
		places = said
	}
	j.fleet.Store(fleet.New(fleet.Config{
		Catalog: known, Places: places, Roster: r.Roster,
		Company: declare(r.Company.fleet(), r.Book, known, nil), Secret: r.Secret,
	}))
	return j, nil
}

// isOwn says whether a catalogue is the company's own. That changes while approved tools
// are written down elsewhere, and must not keep a collector from starting again with
// what it ran with: a tool that it does not have is said, and approves nothing.
func isOwn(c *catalog.Catalog) bool { return c != nil && c != catalog.BuiltIn() }

// Unknown returns which approved tools the company's own catalogue does not have, each
// with its place in the configuration. They approve nothing.
func (r *Rooms) Unknown() []error {
	if !isOwn(r.Catalog) {
		return nil
	}
	return r.Company.unknownTools(r.Catalog)
}
