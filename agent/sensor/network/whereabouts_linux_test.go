package network

import (
	"net/netip"
	"slices"
	"testing"
)

func TestLocalPrefix(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, gateway, want string
		prefixes            []string
	}{
		{"IPv4", "192.168.7.1", "192.168.7.0/24", []string{"192.168.7.20/24", "10.1.2.3/8", "fe80::20/64", "2001:db8:7::20/64"}},
		{"IPv4 elsewhere", "192.168.9.1", "", []string{"192.168.7.20/24"}},
		{"IPv6 only, behind a link-local router", "fe80::1", "2001:db8:7::/64", []string{"fe80::20/64", "2001:db8:7::20/64"}},
		{"with privacy addresses", "fe80::1", "2001:db8:7::/64", []string{"2001:db8:7:0:9c3f:1:2:3/64", "2001:db8:7:0:aa:bb:cc:dd/64", "fe80::20/64"}},
		{"other privacy addresses the next day", "fe80::1", "2001:db8:7::/64", []string{"2001:db8:7:0:1111:1:2:3/64", "fe80::20/64"}},
		{"a single address from DHCP", "fe80::1", "2001:db8:7::/64", []string{"2001:db8:7::1f/128"}},
		{"a network of its own stays when the provider's changes", "fe80::1", "fd12:3456:789a:1::/64", []string{"2001:db8:99::20/64", "fd12:3456:789a:1::20/64"}},
		{"two of the provider's", "fe80::1", "2001:db8:7::/64", []string{"2001:db8:8::20/64", "2001:db8:7::20/64"}},
		{"a router with an address of the network", "2001:db8:8::1", "2001:db8:8::/64", []string{"fd12::20/64", "2001:db8:8::20/64", "2001:db8:7::20/64"}},
		{"no address yet", "fe80::1", "", []string{"fe80::20/64"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var prefixes []netip.Prefix
			for _, p := range tt.prefixes {
				prefixes = append(prefixes, netip.MustParsePrefix(p))
			}
			for range 2 {
				got, ok := localPrefix(prefixes, netip.MustParseAddr(tt.gateway))
				if ok != (tt.want != "") || ok && got.String() != tt.want {
					t.Errorf("%v, %v of %v; want %q", got, ok, prefixes, tt.want)
				}
				slices.Reverse(prefixes)
			}
		})
	}
}
