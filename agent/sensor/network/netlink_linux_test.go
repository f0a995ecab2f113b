package network

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// entry is a message of the neighbour table as the kernel makes it.
func entry(device int32, state uint16, addr string, hardware []byte, ages ...uint32) []byte {
	body := make([]byte, 12)
	binary.NativeEndian.PutUint32(body[4:], uint32(device))
	binary.NativeEndian.PutUint16(body[8:], state)
	body = appendAttribute(body, unix.NDA_DST, netip.MustParseAddr(addr).AsSlice())
	if hardware != nil {
		body = appendAttribute(body, unix.NDA_LLADDR, hardware)
	}
	if ages != nil {
		var value []byte
		for _, age := range ages {
			value = binary.NativeEndian.AppendUint32(value, age)
		}
		body = appendAttribute(body, unix.NDA_CACHEINFO, value)
	}
	return body
}

var dellMAC = []byte{0xf8, 0xdb, 0x88, 1, 2, 3}

func TestParseNeighbour(t *testing.T) {
	t.Parallel()
	const hour = 3600 * ticks
	for _, tt := range []struct {
		name       string
		body       []byte
		ok, lately bool
	}{
		{"reachable", entry(2, unix.NUD_REACHABLE, "192.168.7.30", dellMAC), true, true},
		{"over IPv6", entry(2, unix.NUD_DELAY, "fe80::30", dellMAC), true, true},
		{"silent for a minute", entry(2, unix.NUD_STALE, "192.168.7.30", dellMAC, 60*ticks, 9, 60*ticks, 0), true, true},
		{"confirmed long ago, heard of since", entry(2, unix.NUD_STALE, "192.168.7.30", dellMAC, 9*hour, 9, 60*ticks, 0), true, true},
		{"silent for hours", entry(2, unix.NUD_STALE, "192.168.7.30", dellMAC, 2*hour, 9, 2*hour, 0), true, false},
		{"of unknown age", entry(2, unix.NUD_STALE, "192.168.7.30", dellMAC), true, false},
		{"set by hand", entry(2, unix.NUD_PERMANENT, "192.168.7.30", dellMAC), true, false},
		{"did not answer", entry(2, unix.NUD_FAILED, "192.168.7.30", nil), false, false},
		{"a group", entry(2, unix.NUD_NOARP, "224.0.0.251", []byte{1, 0, 0x5e, 0, 0, 0xfb}), false, false},
		{"a long address of another kind of link", entry(2, unix.NUD_REACHABLE, "192.168.7.30", make([]byte, 20)), false, true},
		{"cut short", entry(2, unix.NUD_REACHABLE, "192.168.7.30", dellMAC)[:11], false, false},
		{"cut in an attribute", entry(2, unix.NUD_REACHABLE, "192.168.7.30", dellMAC)[:26], false, true},
	} {
		n, ok := parseNeighbour(tt.body)
		if ok != tt.ok || n.lately != tt.lately {
			t.Errorf("%s: %+v, %v", tt.name, n, ok)
		}
		if ok && (n.device != 2 || n.mac != mac(dellMAC)) {
			t.Errorf("%s: %+v", tt.name, n)
		}
	}
}

func TestWeight(t *testing.T) {
	t.Parallel()
	link := func(changed uint32) []byte {
		b := make([]byte, 16)
		binary.NativeEndian.PutUint32(b[12:], changed)
		return b
	}
	route := func(length byte) []byte { return append([]byte{unix.AF_INET, length}, make([]byte, 10)...) }
	for _, tt := range []struct {
		name string
		kind uint16
		body []byte
		want change
	}{
		{"a link went up", unix.RTM_NEWLINK, link(unix.IFF_UP), much},
		{"a wireless card looked for networks", unix.RTM_NEWLINK, link(0), little},
		{"a link is gone", unix.RTM_DELLINK, link(0), much},
		{"an address was renewed", unix.RTM_NEWADDR, make([]byte, 8), little},
		{"an address is gone", unix.RTM_DELADDR, make([]byte, 8), much},
		{"a default route", unix.RTM_NEWROUTE, route(0), much},
		{"half of everything", unix.RTM_NEWROUTE, route(1), much},
		{"a route to one network", unix.RTM_DELROUTE, route(24), little},
	} {
		if got := weight(message(tt.kind, 0, tt.body)); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	if weight(nil) != nothing || weight(message(unix.RTM_NEWADDR, 0, nil)[:15]) != nothing {
		t.Error("no message is a change")
	}
	broken := message(unix.RTM_NEWADDR, 0, nil)
	broken[0] = 200
	if weight(broken) != much {
		t.Error("what is not understood is no change")
	}
}

// interfaceAnswer is the kernel's answer about a wireless interface.
func interfaceAnswer(kind uint32) []byte {
	body := appendAttribute(generic(unix.NL80211_CMD_NEW_INTERFACE), unix.NL80211_ATTR_IFINDEX, number(3))
	return appendAttribute(body, unix.NL80211_ATTR_IFTYPE, binary.NativeEndian.AppendUint32(nil, kind))
}

func stationAnswer(m []byte) []byte {
	body := appendAttribute(generic(unix.NL80211_CMD_NEW_STATION), unix.NL80211_ATTR_IFINDEX, number(3))
	return appendAttribute(body, unix.NL80211_ATTR_MAC, m)
}

func TestAccessPointAnswers(t *testing.T) {
	t.Parallel()
	if !isStation(interfaceAnswer(unix.NL80211_IFTYPE_STATION)) || isStation(interfaceAnswer(unix.NL80211_IFTYPE_AP)) || isStation(nil) {
		t.Error("clients and access points are taken for each other")
	}
	if m, ok := stationAddress(stationAnswer(dellMAC)); !ok || m != mac(dellMAC) {
		t.Errorf("address %x, %v", m, ok)
	}
	for _, body := range [][]byte{nil, stationAnswer(make([]byte, 6)), stationAnswer(dellMAC[:5]), stationAnswer(dellMAC)[:20]} {
		if m, ok := stationAddress(body); ok {
			t.Errorf("%x is an address of %x", m, body)
		}
	}
}

func FuzzNetlink(f *testing.F) {
	f.Add(message(unix.RTM_NEWNEIGH, 0, entry(2, unix.NUD_STALE, "192.168.7.30", dellMAC, 1, 2, 3, 4)))
	f.Add(append(message(unix.RTM_NEWNEIGH, 0, entry(2, unix.NUD_REACHABLE, "fe80::30", dellMAC)), message(unix.NLMSG_DONE, 0, make([]byte, 4))...))
	f.Add(message(unix.NLMSG_ERROR, 0, []byte{0xff, 0xff, 0xff, 0xff}))
	f.Add(message(0x1c, 0, interfaceAnswer(unix.NL80211_IFTYPE_STATION)))
	f.Add(message(0x1c, 0, stationAnswer(dellMAC)))
	f.Fuzz(func(t *testing.T, data []byte) {
		size := 0
		_, _ = eachMessage(data, func(_ uint16, body []byte) {
			size += netlinkHeader + len(body)
			if n, ok := parseNeighbour(body); ok && (!n.addr.IsValid() || !n.mac.names()) {
				t.Errorf("neighbour %+v", n)
			}
			if m, ok := stationAddress(body); ok && !m.names() {
				t.Errorf("access point %x", m)
			}
			isStation(body)
		})
		if size > len(data) {
			t.Errorf("messages of %d bytes in %d", size, len(data))
		}
		weight(data)
	})
}

func FuzzARP(f *testing.F) {
	f.Add(home()["proc/net/arp"])
	f.Fuzz(func(t *testing.T, table string) {
		for _, n := range appendARP(nil, table) {
			if !n.addr.IsValid() || n.addr.Zone() != "" || !n.mac.names() || n.name == "" {
				t.Errorf("neighbour %+v", n)
			}
		}
	})
}

// A look at a network on which nothing changed asks nobody and allocates nothing.
func TestSteadyObserveAllocatesNothing(t *testing.T) {
	s := New(host.Host{}, catalog.BuiltIn(), ring(t))
	defer s.Close()
	report := &farmhoundv1.Report{}
	look := func() {
		report.Network = nil
		_ = s.Observe(t.Context(), report)
	}
	for range mostMissing + 1 {
		look()
	}
	ctx := t.Context()
	least := 1.0
	// Other tests may change this machine's network meanwhile.
	for try := 0; try < 20 && least > 0; try++ {
		least = min(least, testing.AllocsPerRun(20, func() {
			report.Network = nil
			_ = s.Observe(ctx, report)
		}))
	}
	if least > 0 {
		t.Errorf("%v allocations", least)
	}
	if report.GetNetwork() == nil {
		t.Error("nothing was observed")
	}
}
