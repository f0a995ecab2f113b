package network

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestAdapters(t *testing.T) {
	t.Parallel()
	const (
		ethernet = farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET
		wifi     = farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI
		tunnel   = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL
		virtual  = farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL
		cellular = farmhoundv1.InterfaceKind_INTERFACE_KIND_CELLULAR
	)
	c := catalog.BuiltIn()
	for _, tt := range []struct {
		adapter adapter
		kind    links.Kind
		word    string
		tool    string
	}{
		{adapter{name: "Ethernet", description: "Intel(R) Ethernet Connection (17) I219-LM", kind: ifEthernet, hardware: true}, ethernet, "", ""},
		{adapter{name: "Ethernet 4", description: "Realtek USB GbE Family Controller", kind: ifEthernet, hardware: true}, ethernet, "", ""},
		{adapter{name: "Wi-Fi", description: "Intel(R) Wi-Fi 6E AX211 160MHz", kind: ifWiFi, hardware: true}, wifi, "", ""},
		{adapter{name: "Cellular", description: "Intel(R) XMM(TM) 7360 LTE Advanced", kind: ifWWAN, hardware: true}, cellular, "", ""},
		{adapter{name: "vEthernet (Default Switch)", description: "Hyper-V Virtual Ethernet Adapter", kind: ifEthernet}, virtual, "", ""},
		{adapter{name: "VMware Network Adapter VMnet8", description: "VMware Virtual Ethernet Adapter for VMnet8", kind: ifEthernet}, virtual, "", ""},
		{adapter{name: "Tailscale", description: "Tailscale Tunnel", kind: ifVirtual}, tunnel, "tun", "tailscale"},
		{adapter{name: "NordLynx", description: "NordLynx Tunnel", kind: ifVirtual}, tunnel, "tun", "nordvpn"},
		{adapter{name: "Mullvad", description: "Mullvad Tunnel", kind: ifVirtual}, tunnel, "tun", "mullvad"},
		{adapter{name: "office", description: "WireGuard Tunnel", kind: ifVirtual}, tunnel, "wireguard", ""},
		{adapter{name: "Ethernet 3", description: "TAP-Windows Adapter V9", kind: ifEthernet}, tunnel, "tap", "openvpn"},
		{adapter{name: "ZeroTier One [8056c2e21c000001]", description: "ZeroTier Virtual Port", kind: ifEthernet}, tunnel, "tap", "zerotier"},
		{adapter{name: "Ethernet 5", description: "Cisco AnyConnect Virtual Miniport Adapter for Windows x64", kind: ifEthernet}, tunnel, "tun", ""},
		{adapter{name: "Work", description: "Work", kind: ifPPP}, tunnel, "ppp", ""},
		{adapter{name: "Teredo Tunneling Pseudo-Interface", description: "Microsoft Teredo Tunneling Adapter", kind: ifTunnel}, tunnel, "sit", ""},
	} {
		l := tt.adapter.link(c)
		if l.Kind != tt.kind || l.Tunnel != tt.word {
			t.Errorf("%s is %v %q, want %v %q", tt.adapter.description, l.Kind, l.Tunnel, tt.kind, tt.word)
		}
		if got := tt.adapter.owner(c); got != tt.tool {
			t.Errorf("%s is owned by %q, want %q", tt.adapter.name, got, tt.tool)
		}
	}
	if l := (&adapter{kind: ifLoopback}).link(c); !l.Loopback || l.Tunnel != "" {
		t.Errorf("loopback is %+v", l)
	}
}

func TestWindowsResolvers(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr
	got := windowsResolvers([]adapter{
		{up: true, resolvers: []netip.Addr{addr("192.168.7.1"), addr("fec0:0:0:ffff::1"), addr("fe80::1%5")}},
		{resolvers: []netip.Addr{addr("10.0.0.1")}},
	})
	if diff := cmp.Diff([]netip.Addr{addr("192.168.7.1"), addr("fe80::1")}, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// row is an entry as GetIpNetTable2 lays it out.
func row(addr string, device, state, size, age uint32, hardware []byte) []byte {
	b := make([]byte, netRow)
	little := binary.LittleEndian
	if a := netip.MustParseAddr(addr); a.Is4() {
		little.PutUint16(b, 2)
		copy(b[4:], a.AsSlice())
	} else {
		little.PutUint16(b, 23)
		copy(b[8:], a.AsSlice())
	}
	little.PutUint32(b[28:], device)
	copy(b[40:], hardware)
	little.PutUint32(b[72:], size)
	little.PutUint32(b[76:], state)
	little.PutUint32(b[84:], age)
	return b
}

func TestParseNetRow(t *testing.T) {
	t.Parallel()
	dell := []byte{0xf8, 0xdb, 0x88, 1, 2, 3}
	for _, tt := range []struct {
		name       string
		row        []byte
		ok, lately bool
	}{
		{"reachable", row("192.168.7.30", 5, 5, 6, 9000, dell), true, true},
		{"over IPv6", row("fe80::30", 5, 3, 6, 9000, dell), true, true},
		{"stale for a minute", row("192.168.7.30", 5, 4, 6, 60_000, dell), true, true},
		{"stale for hours", row("192.168.7.30", 5, 4, 6, 7_200_000, dell), true, false},
		{"set by hand", row("192.168.7.30", 5, 6, 6, 0, dell), true, false},
		{"a group", row("224.0.0.251", 5, 6, 6, 0, []byte{1, 0, 0x5e, 0, 0, 0xfb}), false, false},
		{"did not answer", row("192.168.7.30", 5, 0, 6, 0, dell), false, false},
		{"a long address of another kind of link", row("192.168.7.30", 5, 5, 20, 0, dell), false, false},
		{"cut short", row("192.168.7.30", 5, 5, 6, 0, dell)[:87], false, false},
	} {
		n, ok := parseNetRow(tt.row)
		if ok != tt.ok || ok && (n.lately != tt.lately || n.device != 5 || n.mac != mac(dell)) {
			t.Errorf("%s: %+v, %v", tt.name, n, ok)
		}
	}
}

func TestWinProxySettings(t *testing.T) {
	t.Parallel()
	value := func(flags byte) []byte { return []byte{0x28, 0, 0, 0, 7, 0, 0, 0, flags, 0, 0, 0} }
	for _, tt := range []struct {
		name  string
		value []byte
		want  proxyState
	}{
		{"as installed", nil, proxyNone},
		{"direct", value(1), proxyNone},
		{"a proxy", value(3), proxyFound},
		{"a script", value(5), proxyFound},
		{"looked for", value(9), proxyNone},
		{"something else", value(16), proxyUnknown},
		{"cut short", value(3)[:11], proxyUnknown},
	} {
		if got := winProxySettings(tt.value); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func FuzzWindowsTables(f *testing.F) {
	f.Add(row("192.168.7.30", 5, 5, 6, 9000, []byte{0xf8, 0xdb, 0x88, 1, 2, 3}))
	f.Add([]byte{0x28, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, ok := parseNetRow(data); ok && (!n.addr.IsValid() || !n.mac.names()) {
			t.Errorf("neighbour %+v", n)
		}
		if got := winProxySettings(data); got > proxyFound {
			t.Errorf("proxy %d", got)
		}
		if m, ok := parseConnection(data); ok && !m.names() {
			t.Errorf("access point %x", m)
		}
	})
}
