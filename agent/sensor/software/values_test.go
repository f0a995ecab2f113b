package software

import (
	"slices"
	"testing"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// fewAllocations is more than looking for every path of the catalogue takes, and much less
// than to decode it.
const fewAllocations = 5_000

// What to look for is listed once, and anew by another catalogue.
func TestValuesAreReadOnce(t *testing.T) { //nolint:paralleltest // allocations are counted
	const kind = farmhoundv1.FactKind_FACT_KIND_PATH
	var v values
	want := catalog.BuiltIn().Values(onMac, kind)
	if got := v.of(catalog.BuiltIn(), onMac, kind); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if n := testing.AllocsPerRun(3, func() { v.of(catalog.BuiltIn(), onMac, kind) }); n > 0 {
		t.Errorf("listed again it allocates %v times", n)
	}
	other := aCatalog(t, "/opt/another")
	if got := v.of(other, onMac, kind); !slices.Equal(got, []string{"/opt/another"}) {
		t.Errorf("by another catalogue %q", got)
	}

	mac := macInventory{host: macDisk(t, nil), lists: map[string]*macList{}, findings: newFindings(catalog.BuiltIn(), onMac), daemons: map[string]bool{}}
	win := winInventory{machine: &recordedWindows{}, findings: newFindings(catalog.BuiltIn(), onWindows)}
	for name, again := range map[string]func(){
		"macOS' paths": func() { mac.readPaths(nil) }, "macOS' jobs": func() { mac.readJobs(nil) }, "Windows' paths": win.readPaths,
	} {
		if n := testing.AllocsPerRun(3, again); n > fewAllocations {
			t.Errorf("%s: looked for again it allocates %v times", name, n)
		}
	}
}

// aCatalog knows one path.
func aCatalog(t *testing.T, path string) *catalog.Catalog {
	t.Helper()
	b, err := catalog.Encode(&farmhoundv1.Catalog{Version: catalog.FormatVersion, Entries: []*farmhoundv1.Entry{{
		Id: "another", Name: "Another", Category: farmhoundv1.Category_CATEGORY_TUNNEL,
		Facts: []*farmhoundv1.Fact{{Kind: farmhoundv1.FactKind_FACT_KIND_PATH, Os: onMac, Value: path, Strength: farmhoundv1.Strength_STRENGTH_IDENTIFYING}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
