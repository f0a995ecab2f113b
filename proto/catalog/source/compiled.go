package source

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// LintFacts judges each fact of a compiled catalogue by itself as Compile judges those
// that it reads, for one that something else may have made. Problems are joined and
// name entry and fact instead of a place.
func LintFacts(c *catalog.Catalog) error {
	var problems []error
	for _, e := range c.All() {
		for _, f := range e.GetFacts() {
			problem := ""
			if f.GetStrength() != farmhoundv1.Strength_STRENGTH_WEAK && !f.GetCommon() {
				problem = TooCommon(f)
			}
			if f.GetStrength() == farmhoundv1.Strength_STRENGTH_IDENTIFYING {
				problem = cmp.Or(problem, notIdentifying(f))
			}
			if problem != "" {
				problems = append(problems, fmt.Errorf("entry %s: %s fact %q: %s", e.GetId(), catalog.KindName(f.GetKind()), f.GetValue(), problem))
			}
		}
	}
	return errors.Join(problems...)
}
