package network

import (
	"bytes"
	"testing"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// With several keys a network is told under each of them: the hash that was sent
// before the newest key came is among the earlier ones.
func TestANewKeyComesWithTheOneBefore(t *testing.T) {
	t.Parallel()
	s := New(write(t, home()), catalog.BuiltIn(), ring(t))
	rules, err := fieldrules.Compile((&farmhoundv1.Network{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	observe := func() *farmhoundv1.Network {
		report := &farmhoundv1.Report{}
		if err := s.Observe(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		if err := rules.Validate(report.GetNetwork()); err != nil {
			t.Error(err)
		}
		return report.GetNetwork()
	}
	before := observe()
	if before.GetEarlierGateways() != nil || before.GetEarlierLans() != nil {
		t.Error("with one key there are earlier hashes")
	}
	both, err := fleetkey.NewRing([]*farmhoundv1.FleetKey{
		{Id: 3, Key: bytes.Repeat([]byte{7}, fleetkey.KeySize)}, {Id: 4, Key: bytes.Repeat([]byte{8}, fleetkey.KeySize)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Use(catalog.BuiltIn(), both)
	after := observe()
	if after.GetKeyId() != 4 || bytes.Equal(after.GetGatewayHash(), before.GetGatewayHash()) {
		t.Errorf("hashed with key %d", after.GetKeyId())
	}
	for name, pair := range map[string]struct {
		old     []byte
		earlier []*farmhoundv1.EarlierHash
	}{
		"gateway": {before.GetGatewayHash(), after.GetEarlierGateways()},
		"lan":     {before.GetLanHash(), after.GetEarlierLans()},
	} {
		if len(pair.old) == 0 || len(pair.earlier) != 1 || pair.earlier[0].GetKeyId() != 3 || !bytes.Equal(pair.earlier[0].GetHash(), pair.old) {
			t.Errorf("%s: earlier hashes %v, want %x under key 3", name, pair.earlier, pair.old)
		}
	}
}
