package network

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/sensor/network/egress"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func macFile(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/macos", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestProxiesInScutil(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want proxyState
	}{
		"one":                {macFile(t, "proxy.txt"), proxyFound},
		"none":               {"<dictionary> {\n  FTPPassive : 1\n  HTTPEnable : 0\n  SOCKSEnable : 0\n}\n", proxyNone},
		"nothing at all":     {"<dictionary> {\n}\n", proxyNone},
		"a script":           {"<dictionary> {\n  ProxyAutoConfigEnable : 1\n  ProxyAutoConfigURLString : http://a/b\n}\n", proxyFound},
		"found by itself":    {"<dictionary> {\n  ProxyAutoDiscoveryEnable : 1\n}\n", proxyUnknown},
		"of an interface":    {"<dictionary> {\n  __SCOPED__ : <dictionary> {\n    en0 : <dictionary> {\n      HTTPEnable : 1\n    }\n  }\n}\n", proxyNone},
		"no dictionary":      {"No proxy configuration available\n", proxyUnknown},
		"one that is called": {"<dictionary> {\n  ExceptionsList : <array> {\n    0 : HTTPEnable : 1\n  }\n}\n", proxyNone},
		"nothing printed":    {"", proxyUnknown},
	} {
		if got := proxiesInScutil(test.text); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestResolversInScutil(t *testing.T) {
	t.Parallel()
	want := []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("2606:4700:4700::1111"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("100.100.100.100")}
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff(want, resolversInScutil(macFile(t, "dns.txt")), same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := resolversInScutil("nameserver[0] : <script>\nnameserver[1] 1.1.1.1\n"); len(got) != 0 {
		t.Errorf("of what is no list: %v", got)
	}
}

// macView is a Mac at home with a tunnel that takes half of everything twice, and macOS'
// own tunnel that leads nowhere.
func macView(t *testing.T) *view {
	t.Helper()
	prefix := func(texts ...string) (list []netip.Prefix) {
		for _, text := range texts {
			list = append(list, netip.MustParsePrefix(text))
		}
		return list
	}
	root := t.TempDir()
	where := filepath.Join(root, "Library/Preferences/SystemConfiguration")
	if err := os.MkdirAll(where, 0o700); err != nil {
		t.Fatal(err)
	}
	const list = `<plist version="1.0"><dict><key>Interfaces</key><array><dict><key>BSD Name</key><string>en0</string>
		<key>SCNetworkInterfaceType</key><string>IEEE80211</string></dict></array></dict></plist>`
	if err := os.WriteFile(filepath.Join(where, "NetworkInterfaces.plist"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	const point = "pointopoint"
	v := &view{links: links.ClassifyMac(host.Host{Root: root}, []links.Link{
		{Name: "lo0", Index: 1, Up: true, Loopback: true, Prefixes: prefix("127.0.0.1/8")},
		{Name: "en0", Index: 14, Up: true, MTU: 1500, Prefixes: prefix("192.168.7.20/24", "fe80::20/64")},
		{Name: "utun0", Index: 16, Up: true, MTU: 1500, Tunnel: point, Prefixes: prefix("fe80::7/64")},
		{Name: "utun4", Index: 22, Up: true, MTU: 1420, Tunnel: point, Prefixes: prefix("100.64.0.7/32")},
	})}
	v.routes = []links.Route{
		{To: netip.MustParsePrefix("0.0.0.0/1"), Interface: "utun4"}, {To: netip.MustParsePrefix("128.0.0.0/1"), Interface: "utun4"},
		{To: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.168.7.1"), Interface: "en0", Scoped: true, Metric: 1},
		{To: netip.MustParsePrefix("100.100.100.100/32"), Interface: "utun4"},
	}
	v.neighbours = neighboursOf([]links.Neighbour{
		{Index: 14, Addr: netip.MustParseAddr("192.168.7.1"), MAC: [6]byte{0x00, 0x1b, 0x2f, 1, 2, 3}, Expires: 2000},
		{Index: 14, Addr: netip.MustParseAddr("192.168.7.9"), MAC: [6]byte{0x30, 0x52, 0x53, 1, 2, 3}, Expires: 2000},
		{Index: 14, Addr: netip.MustParseAddr("192.168.7.10"), MAC: [6]byte{0x00, 0x1b, 0x2f, 9, 9, 9}, Expires: 900},
	}, time.Unix(1000, 0))
	v.findDefaults(t.Context(), host.Host{Root: root})
	return v
}

func TestMacView(t *testing.T) {
	t.Parallel()
	v := macView(t)
	const (
		wifi   = farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI
		tunnel = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL
	)
	interfaces := []*farmhoundv1.Interface{{Kind: tunnel, Mtu: 1420, DefaultRoute: true, Ipv4: true}, {Kind: wifi, Mtu: 1500, Ipv4: true}}
	if diff := cmp.Diff(interfaces, v.interfaces(), protocmp.Transform()); diff != "" {
		t.Errorf("interfaces (-want +got):\n%s", diff)
	}
	v.owners = map[string]string{"utun4": "mullvad"}
	tunnels := []*farmhoundv1.Tunnel{{Kind: "tun", Tool: "mullvad", DefaultRoute: true, Mtu: 1420}}
	if diff := cmp.Diff(tunnels, v.macTunnels(catalog.BuiltIn()), protocmp.Transform()); diff != "" {
		t.Errorf("tunnels (-want +got):\n%s", diff)
	}
	router := "\x00\x1b\x2f\x01\x02\x03"
	ways := []egress.Path{
		{Kind: tunnel, Tool: "mullvad", Links: "100.64.0.7/32 over 192.168.7.0/24", Gateway: router},
		{Interface: "en0", Kind: wifi, Links: "192.168.7.0/24", Gateway: router},
	}
	if diff := cmp.Diff(ways, v.paths()); diff != "" {
		t.Errorf("ways out (-want +got):\n%s", diff)
	}
	if g, ok := v.localGateway(); !ok || g.Interface != "en0" {
		t.Errorf("the gateway nearby is %+v", g)
	} else if m, ok := v.gatewayMAC(g); !ok || m != (mac{0x00, 0x1b, 0x2f, 1, 2, 3}) {
		t.Errorf("its hardware address is %v", m)
	}
	kinds := v.resolverKinds(resolversInScutil(macFile(t, "dns.txt")))
	want := []farmhoundv1.ResolverKind{farmhoundv1.ResolverKind_RESOLVER_KIND_LAN, farmhoundv1.ResolverKind_RESOLVER_KIND_PUBLIC, farmhoundv1.ResolverKind_RESOLVER_KIND_TUNNEL}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("resolvers (-want +got):\n%s", diff)
	}
	if !v.neighbours[1].lately || v.neighbours[2].lately {
		t.Errorf("who was there lately: %+v", v.neighbours)
	}
}

// TestMacOwners finds whose a tunnel is by the program that holds it, asks again only
// where something changed, and says nothing where it could not ask.
func TestMacOwners(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	o := macOwners{host: host.Host{Root: t.TempDir(), Now: func() time.Time { return now }}}
	asked := 0
	list := func() ([]sockets.Control, error) {
		asked++
		return []sockets.Control{{Name: sockets.TunnelControl, Unit: 5, PID: 40}, {Name: sockets.TunnelControl, Unit: 1, PID: 41}, {Name: sockets.TunnelControl}}, nil
	}
	program := func(pid int32) string {
		return map[int32]string{40: "/Applications/Tailscale.app/Contents/PlugIns/IPNExtension.appex/Contents/MacOS/IPNExtension", 41: "/usr/libexec/rapportd"}[pid]
	}
	c := catalog.BuiltIn()
	for range 3 {
		if !o.refresh(c, []string{"utun4"}, list, program) || o.tools["utun4"] != "tailscale" || len(o.tools) != 1 {
			t.Errorf("owners %v", o.tools)
		}
	}
	now = now.Add(macOwnerInterval)
	o.refresh(c, []string{"utun4"}, list, program)
	o.refresh(c, []string{"utun4", "utun6"}, list, program)
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
	failing := func() ([]sockets.Control, error) { return nil, errors.New("not permitted") }
	for range 2 {
		if o.refresh(c, []string{"utun7"}, failing, program) || len(o.tools) != 0 {
			t.Errorf("owners without an answer: %v", o.tools)
		}
	}
	if !o.refresh(c, nil, failing, program) {
		t.Error("without a tunnel its owner is missing")
	}
}

func FuzzScutil(f *testing.F) {
	f.Add(macFile(f, "dns.txt"))
	f.Add(macFile(f, "proxy.txt"))
	f.Fuzz(func(t *testing.T, text string) {
		proxiesInScutil(text)
		list := resolversInScutil(text)
		if len(list) > maxNameservers {
			t.Errorf("%d resolvers", len(list))
		}
		for _, a := range list {
			if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
				t.Errorf("resolver %v", a)
			}
		}
	})
}
