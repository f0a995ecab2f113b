package network

import (
	"net/netip"
	"slices"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// maxNameservers bounds what is read of a list of resolvers; the C library uses three.
const maxNameservers = 32

// publicResolvers are the anycast addresses that well-known resolvers publish, each
// with the network that holds no other service.
var publicResolvers = []netip.Prefix{
	netip.MustParsePrefix("1.1.1.0/24"), netip.MustParsePrefix("1.0.0.0/24"), // Cloudflare
	netip.MustParsePrefix("2606:4700:4700::/48"),
	netip.MustParsePrefix("8.8.8.0/24"), netip.MustParsePrefix("8.8.4.0/24"), // Google
	netip.MustParsePrefix("2001:4860:4860::/48"),
	netip.MustParsePrefix("9.9.9.0/24"), netip.MustParsePrefix("149.112.112.0/24"), // Quad9
	netip.MustParsePrefix("2620:fe::/48"),
	netip.MustParsePrefix("208.67.222.0/24"), netip.MustParsePrefix("208.67.220.0/24"), // OpenDNS
	netip.MustParsePrefix("2620:119::/32"),
	netip.MustParsePrefix("94.140.14.0/24"), netip.MustParsePrefix("94.140.15.0/24"), // AdGuard
	netip.MustParsePrefix("2a10:50c0::/32"),
	netip.MustParsePrefix("223.5.5.0/24"), netip.MustParsePrefix("223.6.6.0/24"), // AliDNS
	netip.MustParsePrefix("114.114.114.0/24"), netip.MustParsePrefix("119.29.29.0/24"), // 114DNS, DNSPod
	netip.MustParsePrefix("77.88.8.0/24"),                                           // Yandex
	netip.MustParsePrefix("194.242.2.0/24"), netip.MustParsePrefix("45.90.28.0/22"), // Mullvad, NextDNS
}

// parseResolvers returns the addresses in the nameserver lines of a resolv.conf.
func parseResolvers(text string) (list []netip.Addr) {
	for line := range strings.Lines(text) {
		field := strings.Fields(line)
		if len(field) < 2 || field[0] != "nameserver" || len(list) == maxNameservers {
			continue
		}
		if addr, err := netip.ParseAddr(field[1]); err == nil {
			list = append(list, addr.WithZone("").Unmap())
		}
	}
	return list
}

// resolverKind says where a resolver is; lan and tunnel say whether an address is on
// an attached network of either sort.
func resolverKind(addr netip.Addr, lan, tunnel func(netip.Addr) bool) farmhoundv1.ResolverKind {
	switch {
	case addr.IsLoopback():
		return farmhoundv1.ResolverKind_RESOLVER_KIND_LOCAL
	case tunnel(addr):
		return farmhoundv1.ResolverKind_RESOLVER_KIND_TUNNEL
	case lan(addr) || addr.IsLinkLocalUnicast():
		return farmhoundv1.ResolverKind_RESOLVER_KIND_LAN
	case slices.ContainsFunc(publicResolvers, func(p netip.Prefix) bool { return p.Contains(addr) }):
		return farmhoundv1.ResolverKind_RESOLVER_KIND_PUBLIC
	}
	return farmhoundv1.ResolverKind_RESOLVER_KIND_OTHER
}
