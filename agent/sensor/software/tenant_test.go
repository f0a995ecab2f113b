package software

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

func TestTenantInAName(t *testing.T) {
	t.Parallel()
	for added, want := range map[string]string{
		"6f0c4c9f6a3f0d1e)":                      "6f0c4c9f6a3f0d1e", // "ScreenConnect Client (" before it
		"6F0C4C9F6A3F0D1E)":                      "6f0c4c9f6a3f0d1e",
		"6f0c4c9f6a3f0d1e":                       "6f0c4c9f6a3f0d1e",
		" ad_1a2b3c4d_msi":                       "1a2b3c4d",
		"20250101":                               "", // a date
		"7.1.13":                                 "",
		"x64":                                    "",
		"6f0c4c9f6a3f0d1e0":                      "", // longer than any id
		"decade":                                 "",
		"":                                       "",
		"{0f1e2d3c-0000-4000-8000-1234567890ab}": "",
	} {
		if got := tenantOf(added); got != want {
			t.Errorf("%q: %q, want %q", added, got, want)
		}
	}
}

func FuzzTenantInAName(f *testing.F) {
	f.Add("Client (6f0c4c9f6a3f0d1e)")
	f.Add("\u2028é1a2b3c4d")
	f.Fuzz(func(t *testing.T, added string) {
		if id := tenantOf(added); id != "" && !bytes.Contains(bytes.ToLower([]byte(added)), []byte(id)) {
			t.Errorf("%q holds no %q", added, id)
		}
	})
}

// Two installations of one tool are told apart, each only as a keyed hash; without keys
// none is told.
func TestTenantsAreTold(t *testing.T) {
	t.Parallel()
	service := func(value string) *farmhoundv1.Fact {
		return &farmhoundv1.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_SERVICE, Value: value}
	}
	i := &installation{}
	const stem = "ScreenConnect Client (*"
	i.noteTenant(service(stem), "ScreenConnect Client (bbbbbbbbbbbbbbbb)")
	i.noteTenant(service(stem), "screenconnect client (aaaaaaaaaaaaaaaa)")
	i.noteTenant(service(stem), "ScreenConnect Client (bbbbbbbbbbbbbbbb)")
	i.noteTenant(service("aaaaaaaaaaaaaaaa"), "aaaaaaaaaaaaaaaa") // a name that is the product's own
	i.noteTenant(&farmhoundv1.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PROCESS, Value: "x*"}, "xcccccccccccccccc")
	if diff := cmp.Diff([]string{"bbbbbbbbbbbbbbbb", "aaaaaaaaaaaaaaaa"}, i.tenants); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	ring, err := fleetkey.NewRing([]*farmhoundv1.FleetKey{{Id: 1, Key: bytes.Repeat([]byte{1}, 32)}, {Id: 2, Key: bytes.Repeat([]byte{2}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	found := &tool{entry: &farmhoundv1.Entry{Id: "screenconnect"}}
	found.addInstallation(i)
	told := reportTools(map[string]*tool{"screenconnect": found}, ring).GetTools()[0]
	first, key, _ := ring.Hash(fleetkey.InstallationID, []byte("aaaaaaaaaaaaaaaa"))
	second, _, _ := ring.Hash(fleetkey.InstallationID, []byte("bbbbbbbbbbbbbbbb"))
	if !bytes.Equal(told.GetInstallationHash(), first) || told.GetKeyId() != key || len(told.GetEarlierInstallations()) != 1 ||
		len(told.GetOtherInstallationHashes()) != 1 || !bytes.Equal(told.GetOtherInstallationHashes()[0], second) {
		t.Errorf("told %v", told)
	}
	if told := found.report(fleetkey.Ring{}); told.GetInstallationHash() != nil || told.GetOtherInstallationHashes() != nil {
		t.Errorf("told without keys: %v", told)
	}
}
