package software

import (
	"testing"

	"github.com/farmhound-security/farmhound/proto/catalog"
)

// A look at what is installed does not decode the catalogue.
func TestInventoryLooksAgain(t *testing.T) { //nolint:paralleltest // allocations are counted
	v := inventory{host: machine{}.write(t)}
	again := func() {
		v.at = v.at.Add(-2 * inventoryInterval)
		if err := v.refresh(t.Context(), catalog.BuiltIn()); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(3, again); n > fewAllocations {
		t.Errorf("it allocates %v times", n)
	}
}
