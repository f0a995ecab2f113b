package links

import (
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var compare = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func prefixes(texts ...string) (found []netip.Prefix) {
	for _, text := range texts {
		found = append(found, netip.MustParsePrefix(text))
	}
	return found
}

func TestListRecorded(t *testing.T) {
	t.Parallel()
	const (
		ethernet = farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET
		wifi     = farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI
		tunnel   = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL
		virtual  = farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL
		cellular = farmhoundv1.InterfaceKind_INTERFACE_KIND_CELLULAR
	)
	want := []Link{
		{Name: "docker0", Up: true, MTU: 1500, Kind: virtual, Prefixes: prefixes("172.17.0.0/16")},
		{Name: "eth0", Up: true, MTU: 1500, Kind: ethernet, Prefixes: prefixes("192.168.7.0/24", "2001:db8:7::20/64", "fe80::20/64")},
		{Name: "lo", Up: true, Loopback: true, MTU: 65536, Prefixes: prefixes("::1/128")},
		{Name: "ppp0", Up: true, MTU: 1492, Kind: tunnel, Tunnel: "ppp"},
		{Name: "tailscale0", Up: true, MTU: 1280, Kind: tunnel, Tunnel: "tun"},
		{Name: "wg0", Up: true, MTU: 1420, Kind: tunnel, Tunnel: "wireguard", Prefixes: prefixes("10.8.0.0/24")},
		{Name: "wlan0", MTU: 1500, Kind: wifi},
		{Name: "wwan0", Up: true, MTU: 1500, Kind: cellular},
		{Name: "zt0", Up: true, MTU: 2800, Kind: tunnel, Tunnel: "tap"},
	}
	got, err := List(host.Host{Root: "testdata"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := List(host.Host{Root: t.TempDir()}); err == nil {
		t.Error("no error for a tree without interfaces")
	}
}

func TestListLive(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/sys/class/net/lo"); err != nil {
		farpath.Missing(t, "/sys/class/net/lo")
	}
	got, err := List(host.Host{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range got {
		if l.Name == "lo" {
			if !l.Loopback || l.Local() || l.Tunnel != "" {
				t.Errorf("lo = %+v", l)
			}
			return
		}
	}
	t.Errorf("no lo in %+v", got)
}

func TestRoutesRecorded(t *testing.T) {
	t.Parallel()
	got, err := Routes(host.Host{Root: "testdata"})
	if err != nil {
		t.Fatal(err)
	}
	var defaults []Route
	for _, r := range got {
		if r.To.Bits() == 0 {
			defaults = append(defaults, r)
		}
	}
	want := []Route{
		{To: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.168.7.1"), Interface: "eth0", Metric: 100},
		{To: netip.MustParsePrefix("::/0"), Gateway: netip.MustParseAddr("fe80::1"), Interface: "eth0", Metric: 1024},
	}
	if diff := cmp.Diff(want, defaults, compare); diff != "" {
		t.Errorf("default routes (-want +got):\n%s", diff)
	}
}

func FuzzRoutes(f *testing.F) {
	for _, name := range []string{"testdata/proc/net/route", "testdata/proc/net/ipv6_route"} {
		if table, err := os.ReadFile(name); err == nil {
			f.Add(string(table))
		}
	}
	f.Fuzz(func(t *testing.T, table string) {
		for _, r := range appendRoutes6(appendRoutes4(nil, table), table) {
			if !r.To.IsValid() || r.Interface == "" || r.Gateway.IsValid() && r.Gateway.IsUnspecified() {
				t.Errorf("route %+v", r)
			}
		}
	})
}

func FuzzHexAddress(f *testing.F) {
	f.Add("20010db8000700000000000000000020", "0107A8C0")
	f.Fuzz(func(t *testing.T, long, short string) {
		if addr, ok := hexAddress(long); ok && (!addr.Is6() || len(long) != 32) {
			t.Errorf("%q is %v", long, addr)
		}
		if addr, ok := hexAddress4(short); ok && (!addr.Is4() || len(short) != 8) {
			t.Errorf("%q is %v", short, addr)
		}
	})
}
