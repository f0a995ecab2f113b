package network

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

const (
	ethernet = farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET
	wifi     = farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI
	tunnel   = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL

	routeTitles = "Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT\n"
	arpTitles   = "IP address       HW type     Flags       HW address            Mask     Device\n"
)

// home is a laptop on Wi-Fi behind 192.168.7.1, in the files of its kernel.
func home() map[string]string {
	return map[string]string{
		"proc/stat":                    "cpu  1 2 3\nbtime 1795507200\n",
		"sys/class/net/lo/type":        "772",
		"sys/class/net/lo/flags":       "0x9",
		"sys/class/net/lo/mtu":         "65536",
		"sys/class/net/wlan0/type":     "1",
		"sys/class/net/wlan0/flags":    "0x1003",
		"sys/class/net/wlan0/mtu":      "1500",
		"sys/class/net/wlan0/uevent":   "DEVTYPE=wlan\nINTERFACE=wlan0\n",
		"sys/class/net/eth0/type":      "1",
		"sys/class/net/eth0/flags":     "0x1002", // no cable: down
		"sys/class/net/eth0/mtu":       "1500",
		"sys/class/net/eth0/device/id": "",
		"proc/net/route":               routeTitles + "wlan0	00000000	0107A8C0	0003	0	0	600	00000000	0	0	0\n" + "wlan0	0007A8C0	00000000	0001	0	0	600	00FFFFFF	0	0	0\n",
		"proc/net/arp":                 arpTitles + "192.168.7.30     0x1         0x2         02:00:00:00:00:30     *        wlan0\n" + "192.168.7.1      0x1         0x2         AC:DE:48:00:11:22     *        wlan0\n",
		"proc/net/if_inet6":            "fe800000000000000000000000000020 03 40 20 80    wlan0\n",
		"etc/resolv.conf":              "# made by a program\nnameserver 192.168.7.1\noptions edns0\n",
	}
}

// with returns the laptop with other files. An empty content takes a file away.
func with(files map[string]string, others map[string]string) map[string]string {
	files = maps.Clone(files)
	for name, content := range others {
		if content == "" {
			delete(files, name)
		} else {
			files[name] = content
		}
	}
	return files
}

// tailscale is a tunnel held by the catalogue's program of that name.
var tailscale = map[string]string{
	"sys/class/net/tailscale0/type":      "65534",
	"sys/class/net/tailscale0/tun_flags": "0x5001",
	"sys/class/net/tailscale0/flags":     "0x10d1",
	"sys/class/net/tailscale0/mtu":       "1280",
}

// vpn is a tunnel of OpenVPN that takes all traffic by two halves of the address
// space, under a name that says nothing.
var vpn = map[string]string{
	"sys/class/net/tun7/type":      "65534",
	"sys/class/net/tun7/tun_flags": "0x1001",
	"sys/class/net/tun7/flags":     "0x1091",
	"sys/class/net/tun7/mtu":       "1420",
	"proc/900/stat":                "900 (openvpn) S 1 900 900 0 -1 4194304 98 0 1 0 0 0 0 0 20 0 1 0 844848 3133440 388",
	"proc/900/status":              "Name:\topenvpn\nUid:\t0\t0\t0\t0\n",
	"proc/900/cmdline":             "openvpn\x00",
	"proc/900/exe":                 "-> /usr/sbin/openvpn",
	"proc/900/fd/5":                "-> /dev/net/tun",
	"proc/900/fd/6":                "-> socket:[77]",
	"proc/900/fdinfo/5":            "pos:\t0\nflags:\t02104002\nmnt_id:\t9\niff:\ttun7\n",
	"proc/net/route": home()["proc/net/route"] + "tun7	00000000	0100080A	0003	0	0	0	00000080	0	0	0\n" +
		"tun7	00000080	0100080A	0003	0	0	0	00000080	0	0	0\n" + "tun7	0000080A	00000000	0001	0	0	0	0000FFFF	0	0	0\n",
	"etc/resolv.conf": "nameserver 10.8.0.53\nnameserver 9.9.9.9\n",
}

// write makes the tree of a laptop; a content "-> x" is a symbolic link to x.
func write(t *testing.T, files map[string]string) host.Host {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, link := strings.CutPrefix(content, "-> "); link {
			err = os.Symlink(to, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return host.Host{Root: root}
}

func TestObserveRecorded(t *testing.T) {
	t.Parallel()
	const (
		lan      = farmhoundv1.ResolverKind_RESOLVER_KIND_LAN
		public   = farmhoundv1.ResolverKind_RESOLVER_KIND_PUBLIC
		local    = farmhoundv1.ResolverKind_RESOLVER_KIND_LOCAL
		inTunnel = farmhoundv1.ResolverKind_RESOLVER_KIND_TUNNEL
		other    = farmhoundv1.ResolverKind_RESOLVER_KIND_OTHER
	)
	somebody := &farmhoundv1.Neighbours{Reachable: 1}
	overWiFi := &farmhoundv1.Interface{Kind: wifi, Mtu: 1500, DefaultRoute: true, Ipv4: true}
	tests := []struct {
		name  string
		files map[string]string
		want  *farmhoundv1.Network
	}{
		{name: "at home", files: home(), want: &farmhoundv1.Network{
			Interfaces: []*farmhoundv1.Interface{overWiFi}, Resolvers: []farmhoundv1.ResolverKind{lan}, Neighbours: somebody, ProxyConfigured: new(false),
		}},
		{name: "an overlay beside the default route", files: with(home(), tailscale), want: &farmhoundv1.Network{
			Interfaces: []*farmhoundv1.Interface{overWiFi, {Kind: tunnel, Mtu: 1280}},
			Tunnels:    []*farmhoundv1.Tunnel{{Tool: "tailscale", Kind: "tun", Mtu: 1280}},
			Resolvers:  []farmhoundv1.ResolverKind{lan}, Neighbours: somebody, ProxyConfigured: new(false),
		}},
		{name: "a VPN that takes all traffic", files: with(home(), vpn), want: &farmhoundv1.Network{
			Interfaces: []*farmhoundv1.Interface{overWiFi, {Kind: tunnel, Mtu: 1420, DefaultRoute: true, Ipv4: true}},
			Tunnels:    []*farmhoundv1.Tunnel{{Tool: "openvpn", Kind: "tun", Mtu: 1420, DefaultRoute: true}},
			Resolvers:  []farmhoundv1.ResolverKind{public, inTunnel}, Neighbours: somebody, ProxyConfigured: new(false),
		}},
		{name: "a stub before other resolvers", files: with(home(), map[string]string{
			"etc/resolv.conf":                 "nameserver 127.0.0.53\n",
			"run/systemd/resolve/resolv.conf": "nameserver 2606:4700:4700::1111\nnameserver 198.51.100.53\nnameserver fe80::1%wlan0\n",
		}), want: &farmhoundv1.Network{
			Interfaces: []*farmhoundv1.Interface{overWiFi}, Resolvers: []farmhoundv1.ResolverKind{local, lan, public, other}, Neighbours: somebody, ProxyConfigured: new(false),
		}},
		{name: "a proxy in somebody's desktop", files: with(home(), map[string]string{
			"etc/environment": "LANG=C\n", "home/anna/.config/kioslaverc": "[Proxy Settings]\nProxyType=2\n",
		}), want: &farmhoundv1.Network{
			Interfaces: []*farmhoundv1.Interface{overWiFi}, Resolvers: []farmhoundv1.ResolverKind{lan}, Neighbours: somebody, ProxyConfigured: new(true),
		}},
		{name: "settings that are not understood", files: with(home(), map[string]string{
			"home/anna/.config/dconf/user": "GVariant but cut", "home/bert/.config/kioslaverc": "-> /etc/resolv.conf",
		}), want: &farmhoundv1.Network{
			Interfaces: []*farmhoundv1.Interface{overWiFi}, Resolvers: []farmhoundv1.ResolverKind{lan}, Neighbours: somebody,
		}},
		{name: "no network", files: with(home(), map[string]string{
			"sys/class/net/wlan0/flags": "0x1002", "proc/net/route": routeTitles, "etc/resolv.conf": "",
		}), want: &farmhoundv1.Network{ProxyConfigured: new(false)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			keys := ring(t)
			report := &farmhoundv1.Report{}
			if err := New(write(t, tt.files), catalog.BuiltIn(), keys).Observe(t.Context(), report); err != nil {
				t.Fatalf("observe: %v", err)
			}
			got := report.GetNetwork()
			hashes := protocmp.IgnoreFields(&farmhoundv1.Network{}, "gateway_hash", "lan_hash", "key_id")
			if diff := cmp.Diff(tt.want, got, protocmp.Transform(), hashes, protocmp.SortRepeated(func(a, b farmhoundv1.ResolverKind) bool { return a < b })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(got.GetInterfaces()) > 0 {
				checkHome(t, keys, got)
			} else if got.GetGatewayHash() != nil || got.GetLanHash() != nil || got.GetKeyId() != 0 {
				t.Errorf("hashes without a network: %v", got)
			}
		})
	}
}

// checkHome checks that the hashes are those of the home network, tunnels or not.
func checkHome(t *testing.T, keys fleetkey.Ring, got *farmhoundv1.Network) {
	t.Helper()
	gateway := []byte{0xac, 0xde, 0x48, 0x00, 0x11, 0x22}
	if !keys.Equal(got.GetGatewayHash(), fleetkey.GatewayMAC, gateway) {
		t.Errorf("gateway hash %x", got.GetGatewayHash())
	}
	if !keys.Equal(got.GetLanHash(), fleetkey.LANPrefix, []byte{192, 168, 7, 0, 24}) {
		t.Errorf("hash of the local network %x", got.GetLanHash())
	}
	if got.GetKeyId() != 3 {
		t.Errorf("key id %d", got.GetKeyId())
	}
}

// Without a key nothing that could be guessed leaves, and the sense says so.
func TestWithoutKeyNothingIsHashed(t *testing.T) {
	t.Parallel()
	s := New(write(t, home()), catalog.BuiltIn(), fleetkey.Ring{})
	report := &farmhoundv1.Report{}
	var partial host.Partial
	if err := s.Observe(t.Context(), report); !errors.As(err, &partial) || partial.Detail != detailNoKey {
		t.Errorf("error %v, want %q", err, detailNoKey)
	}
	if n := report.GetNetwork(); len(n.GetInterfaces()) != 1 || n.GetGatewayHash() != nil || n.GetLanHash() != nil || n.GetKeyId() != 0 {
		t.Errorf("network %v", n)
	}
	s.Use(catalog.BuiltIn(), ring(t))
	report = &farmhoundv1.Report{}
	if err := s.Observe(t.Context(), report); err != nil || report.GetNetwork().GetGatewayHash() == nil {
		t.Errorf("with a key: %v, %v", report.GetNetwork(), err)
	}
}

func TestTreeWithoutNetworkFiles(t *testing.T) {
	t.Parallel()
	s := New(host.Host{Root: t.TempDir()}, catalog.BuiltIn(), ring(t))
	if err := s.Observe(t.Context(), &farmhoundv1.Report{}); err == nil {
		t.Error("no error without /sys/class/net")
	}
}

func TestGatewayNotInNeighbourTable(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{
		"incomplete":        "192.168.7.1 0x1 0x0 00:00:00:00:00:00 * wlan0\n",
		"another interface": "192.168.7.1 0x1 0x2 ac:de:48:00:11:22 * eth0\n",
		"another address":   "192.168.7.11 0x1 0x2 ac:de:48:00:11:22 * wlan0\n",
		"cut short":         "192.168.7.1 0x1 0x2 ac:de:48",
		"nobody's address":  "192.168.7.1 0x1 0x2 ff:ff:ff:ff:ff:ff * wlan0\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := write(t, with(home(), map[string]string{"proc/net/arp": arpTitles + table}))
			report := &farmhoundv1.Report{}
			if err := New(h, catalog.BuiltIn(), ring(t)).Observe(t.Context(), report); err != nil {
				t.Fatal(err)
			}
			if n := report.GetNetwork(); n.GetGatewayHash() != nil || n.GetLanHash() == nil {
				t.Errorf("gateway %x, network %x", n.GetGatewayHash(), n.GetLanHash())
			}
		})
	}
}

func FuzzParseResolvers(f *testing.F) {
	f.Add("nameserver 1.1.1.1\nnameserver fe80::1%eth0\n")
	f.Fuzz(func(t *testing.T, text string) {
		list := parseResolvers(text)
		if len(list) > maxNameservers {
			t.Errorf("%d resolvers", len(list))
		}
		for _, addr := range list {
			if !addr.IsValid() || addr.Zone() != "" {
				t.Errorf("resolver %v", addr)
			}
		}
	})
}
