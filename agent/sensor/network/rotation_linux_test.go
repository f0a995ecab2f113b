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

// In a recorded tree, too, a laptop has its address and knows who is beside it.
func TestRecordedNeighbours(t *testing.T) {
	t.Parallel()
	s := New(write(t, with(home(), map[string]string{"sys/class/net/wlan0/address": "DA:A1:19:01:02:03\n"})), catalog.BuiltIn(), ringOf(t, 1))
	observe := func() *farmhoundv1.Network {
		report := &farmhoundv1.Report{}
		if err := s.Observe(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		return report.GetNetwork()
	}
	n := observe()
	made := parseMAC(t, "da:a1:19:01:02:03")
	hash, _, _ := ringOf(t, 1).Hash(fleetkey.NeighbourMAC, made[:])
	if len(n.GetOwnAddresses()) != 1 || !bytes.Equal(n.GetOwnAddresses()[0].GetHash(), hash) || n.GetKeyId() != 1 {
		t.Errorf("told of itself %v, want %x", n.GetOwnAddresses(), hash)
	}
	if n.GetNeighbours().GetReachable() != 1 || len(n.GetNeighbours().GetFleetMembers()) != 0 {
		t.Errorf("before it is told of anybody it tells %v", n.GetNeighbours())
	}
	s.UseCandidates(begins(t, 1, "02:00:00:00:00:30", "ac:de:48:00:11:22"))
	if n = observe(); len(n.GetNeighbours().GetFleetMembers()) != 1 {
		t.Errorf("told of %v, want the laptop and not the gateway", n.GetNeighbours())
	}
}
