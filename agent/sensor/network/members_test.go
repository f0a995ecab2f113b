package network

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// ringOf has keys with some ids.
func ringOf(t testing.TB, ids ...uint32) fleetkey.Ring {
	t.Helper()
	var keys []*farmhoundv1.FleetKey
	for _, id := range ids {
		keys = append(keys, &farmhoundv1.FleetKey{Id: id, Key: bytes.Repeat([]byte{byte(id)}, fleetkey.KeySize)})
	}
	r, err := fleetkey.NewRing(keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// begins is what an acknowledgement says of addresses under one key.
func begins(t *testing.T, keyID uint32, macs ...string) (told []byte) {
	t.Helper()
	for _, text := range macs {
		m := parseMAC(t, text)
		hash, _, _ := ringOf(t, keyID).Hash(fleetkey.NeighbourMAC, m[:])
		told = append(told, hash[:beginning]...)
	}
	return told
}

// Of everybody around those are told that the collector named, and of nobody else a thing.
func TestMembers(t *testing.T) {
	t.Parallel()
	const phone = "da:a1:19:01:02:03"
	around := []string{routerMAC, dellText, intelText, phone}
	for _, tt := range []struct {
		name string
		keys []uint32
		told []byte
		own  string
		want map[string]uint32 // whose hash, under which key
	}{
		{name: "nobody is named", keys: []uint32{1}},
		{name: "one of them", keys: []uint32{1}, told: begins(t, 1, dellText), want: map[string]uint32{dellText: 1}},
		{name: "one that is elsewhere", keys: []uint32{1}, told: begins(t, 1, "00:13:02:99:99:99")},
		{name: "one that makes up its address", keys: []uint32{1}, told: begins(t, 1, phone), want: map[string]uint32{phone: 1}},
		{name: "a router that somebody says is a laptop", keys: []uint32{1}, told: begins(t, 1, routerMAC)},
		{name: "its own other interface", keys: []uint32{1}, told: begins(t, 1, dellText), own: dellText},
		{name: "under an older key", keys: []uint32{2, 1}, told: begins(t, 1, dellText), want: map[string]uint32{dellText: 1}},
		{name: "under both", keys: []uint32{2, 1}, told: slices.Concat(begins(t, 1, dellText), begins(t, 2, dellText)), want: map[string]uint32{dellText: 2}},
		{name: "under a key that is retired", keys: []uint32{2}, told: begins(t, 1, dellText)},
		{name: "cut short", keys: []uint32{1}, told: begins(t, 1, dellText)[:2]},
		{name: "no key", told: begins(t, 1, dellText)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c crowd
			c.reset()
			for i, text := range around {
				c.add(neighbour{addr: netip.MustParseAddr(fmt.Sprint("192.168.7.", i+1)), mac: parseMAC(t, text), lately: true})
			}
			var own []*links.Link
			if tt.own != "" {
				own = append(own, &links.Link{MAC: parseMAC(t, tt.own)})
			}
			var want [][]byte
			for text, id := range tt.want {
				m := parseMAC(t, text)
				hash, _, _ := ringOf(t, id).Hash(fleetkey.NeighbourMAC, m[:])
				want = append(want, hash)
			}
			use := &config{keys: ringOf(t, tt.keys...), named: candidatesIn(tt.told)}
			got := c.describe(use, parseMAC(t, routerMAC), own)
			if got.GetReachable() != 3 {
				t.Errorf("%d around, want 3", got.GetReachable())
			}
			if !slices.EqualFunc(got.GetFleetMembers(), want, bytes.Equal) {
				t.Errorf("told %x, want %x", got.GetFleetMembers(), want)
			}
		})
	}
}

// However many are around and named, a report holds what it may and costs what it may.
func TestMembersAreBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ around, want int }{{200, maxMembers}, {mostCompared + 1, 0}} {
		var c crowd
		c.reset()
		var told []byte
		for i := range tt.around {
			text := fmt.Sprintf("02:00:00:00:%02x:%02x", i/256, i%256)
			c.add(neighbour{addr: netip.AddrFrom4([4]byte{10, 0, byte(i / 256), byte(i)}), mac: parseMAC(t, text), lately: true})
			told = append(told, begins(t, 1, text)...)
		}
		use := &config{keys: ringOf(t, 1), named: candidatesIn(told)}
		if len(use.named) > maxCandidates {
			t.Errorf("%d candidates are kept", len(use.named))
		}
		if got := c.describe(use, mac{}, nil).GetFleetMembers(); len(got) != tt.want {
			t.Errorf("%d told of %d around, want %d", len(got), tt.around, tt.want)
		}
	}
}

// A laptop tells its addresses as they are in use, and only of networks it is on.
func TestOwnAddresses(t *testing.T) {
	t.Parallel()
	wired, wireless := farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET, farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI
	on := []netip.Prefix{netip.MustParsePrefix("192.168.7.20/24")}
	link := func(kind links.Kind, text string, prefixes []netip.Prefix) links.Link {
		return links.Link{Name: text, Up: true, Kind: kind, MAC: parseMAC(t, text), Prefixes: prefixes}
	}
	tunnelled := link(farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, "02:00:00:00:00:77", on)
	tunnelled.Tunnel = "tap"
	down := link(wired, "00:13:02:00:00:01", on)
	down.Up = false
	v := &view{links: []links.Link{
		link(wireless, "da:a1:19:01:02:03", on), link(wired, dellText, on), link(wired, intelText, nil), tunnelled, down,
		link(farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL, "02:42:00:00:00:01", on),
		{Name: "hidden", Up: true, Kind: wireless, MAC: [6]byte{2}, Prefixes: on}, {Name: "none", Up: true, Kind: wired, Prefixes: on},
	}}
	got := v.own(ringOf(t, 2, 1))
	var want [][]byte
	for _, text := range []string{"da:a1:19:01:02:03", dellText} {
		m := parseMAC(t, text)
		hash, _, _ := ringOf(t, 2).Hash(fleetkey.NeighbourMAC, m[:])
		want = append(want, hash)
	}
	if len(got) != len(want) {
		t.Fatalf("%d addresses are told, want %d", len(got), len(want))
	}
	for i, own := range got {
		if !bytes.Equal(own.GetHash(), want[i]) || len(own.GetEarlier()) != 1 || own.GetEarlier()[0].GetKeyId() != 1 {
			t.Errorf("address %d: %v, want %x and one earlier hash", i, own, want[i])
		}
	}
	if v.own(fleetkey.Ring{}) != nil {
		t.Error("addresses are told without a key")
	}
	for i := range 20 {
		v.links = append(v.links, link(wired, fmt.Sprintf("00:13:02:00:01:%02x", i), on))
	}
	if got := v.own(ringOf(t, 1)); len(got) != maxOwn {
		t.Errorf("%d addresses are told, want %d", len(got), maxOwn)
	}
}

// A new list of candidates is reason to look again, the same one is not.
func TestCandidatesChange(t *testing.T) {
	t.Parallel()
	s := &Sensor{}
	s.Use(nil, ringOf(t, 1))
	first := s.config.Load()
	s.UseCandidates(nil)
	if s.config.Load() != first {
		t.Error("no candidates are taken for other ones")
	}
	s.UseCandidates(begins(t, 1, dellText, intelText))
	second := s.config.Load()
	if second == first || second.keys.Newest() != 1 {
		t.Error("candidates are not taken up")
	}
	s.UseCandidates(begins(t, 1, intelText, dellText))
	if s.config.Load() != second {
		t.Error("the same candidates in another order are taken for other ones")
	}
	s.Use(nil, ringOf(t, 2))
	if got := s.config.Load(); len(got.named) != 2 || got.keys.Newest() != 2 {
		t.Error("a new key loses the candidates")
	}
}

// viewOf is a laptop with one wired link under an address.
func viewOf(t *testing.T, address string) []links.Link {
	t.Helper()
	return []links.Link{{
		Name: "lan0", Up: true, Kind: farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET, MAC: parseMAC(t, address),
		Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.7.20/24")},
	}}
}

// What systems tell of an interface's hardware address reaches the link.
func TestLinksHaveTheirAddress(t *testing.T) {
	t.Parallel()
	a := adapter{name: "Ethernet", kind: ifEthernet, hardware: true, up: true, mac: parseMAC(t, dellText)}
	if l := a.link(catalog.BuiltIn()); mac(l.MAC) != a.mac {
		t.Errorf("an adapter of Windows has the address %x, its link %x", a.mac, l.MAC)
	}
	found := links.ClassifyMac(host.Host{}, []links.Link{{Name: "en0", Up: true, MAC: parseMAC(t, dellText)}})
	if len(found) != 1 || mac(found[0].MAC) != parseMAC(t, dellText) {
		t.Errorf("an interface of macOS is the link %+v", found)
	}
}
