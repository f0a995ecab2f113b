package links

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestClassifyMac(t *testing.T) {
	t.Parallel()
	const (
		unknown  = farmhoundv1.InterfaceKind_INTERFACE_KIND_UNSPECIFIED
		ethernet = farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET
		wifi     = farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI
		cellular = farmhoundv1.InterfaceKind_INTERFACE_KIND_CELLULAR
		tunnel   = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL
		virtual  = farmhoundv1.InterfaceKind_INTERFACE_KIND_VIRTUAL
	)
	const point = "pointopoint"
	list := []Link{
		{Name: "lo0", Loopback: true, Prefixes: prefixes("127.0.0.1/8")}, {Name: "en0", Prefixes: prefixes("192.168.7.20/24")},
		{Name: "en7"}, {Name: "en9"}, {Name: "en12"}, {Name: "awdl0", Prefixes: prefixes("fe80::1/64")}, {Name: "bridge100"}, {Name: "feth2049"},
		{Name: "utun0", Tunnel: point, Prefixes: prefixes("fe80::2/64")}, {Name: "utun4", Tunnel: point, Prefixes: prefixes("100.64.0.7/32")},
		{Name: "ipsec0", Tunnel: point, Prefixes: prefixes("10.8.0.2/32")}, {Name: "ppp0", Tunnel: point}, {Name: "zzz0", Tunnel: point, Prefixes: prefixes("10.8.0.3/32")},
	}
	type told struct {
		Name, Tunnel string
		Kind         Kind
	}
	want := []told{
		{"lo0", "", unknown}, {"en0", "", wifi}, {"en7", "", ethernet}, {"en9", "", cellular}, {"en12", "", unknown},
		{"awdl0", "", virtual}, {"bridge100", "", virtual}, {"feth2049", "", virtual},
		{"utun4", "tun", tunnel}, {"ipsec0", "ipsec", tunnel}, {"zzz0", point, tunnel},
	}
	var got []told
	for _, l := range ClassifyMac(host.Host{Root: "testdata/mac"}, list) {
		got = append(got, told{l.Name, l.Tunnel, l.Kind})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := ClassifyMac(host.Host{Root: t.TempDir()}, []Link{{Name: "en0"}}); got[0].Kind != unknown {
		t.Errorf("without the system's list en0 is %v", got[0].Kind)
	}
}
