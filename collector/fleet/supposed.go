package fleet

import (
	"maps"
	"slices"

	"github.com/farmhound-security/farmhound/proto/catalog"
)

// Catalog returns what the fleet knows tools by.
func (f *Fleet) Catalog() *catalog.Catalog { return f.cfg.Catalog }

// WithRoster returns a Fleet that goes by another roster, for asking what would be: as of
// WithApproved, nothing of it is to be stored.
func (f *Fleet) WithRoster(r Roster) *Fleet {
	other := *f
	other.cfg.Roster = r
	return &other
}

// WithApproved returns a Fleet that takes tools to be approved, whatever the company
// says, and to have been all along. It is for asking what would be: both share what they
// know of where laptops are together, and nothing of it is to be stored.
func (f *Fleet) WithApproved(tools ...string) *Fleet {
	other := *f
	other.approved = maps.Clone(f.approved)
	for _, tool := range tools {
		other.approved[tool] = slices.Concat(f.approved[tool], []approval{{ApprovedTool: ApprovedTool{ID: tool}}})
	}
	return &other
}
