package network

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// view is what one observation found.
type view struct {
	links      []links.Link
	routes     []links.Route
	neighbours []neighbour
	defaults   map[string]bool   // interfaces through which a default route leaves
	owners     map[string]string // catalogue ids of the tools that own tunnels, by interface
}

// findDefaults finds the interfaces through which traffic leaves. VPNs put two
// halves before the default route, or rules before the main table: for the latter
// the kernel is asked which way it would go.
func (v *view) findDefaults(ctx context.Context, h host.Host) {
	v.defaults = map[string]bool{}
	halves := map[string]int{}
	for _, r := range v.routes {
		if r.Scoped {
			continue
		}
		switch r.To.Bits() {
		case 0:
			v.defaults[r.Interface] = true
		case 1:
			if halves[r.Interface]++; halves[r.Interface] == 2 {
				v.defaults[r.Interface] = true
			}
		}
	}
	if !h.Live() {
		return
	}
	for _, source := range []netip.Addr{sourceTo(ctx, farPlace4), sourceTo(ctx, farPlace6)} {
		for i := range v.links {
			l := &v.links[i]
			if source.IsValid() && slices.ContainsFunc(l.Prefixes, func(p netip.Prefix) bool { return p.Addr() == source }) {
				v.defaults[l.Name] = true
			}
		}
	}
}

// Far places, which no local network has for its own: a.root-servers.net.
const (
	farPlace4 = "198.41.0.4:9"
	farPlace6 = "[2001:503:ba3e::2:30]:9"
)

// sourceTo returns the address that the kernel would send from to a far place.
// Connecting a datagram socket sends nothing.
func sourceTo(ctx context.Context, far string) netip.Addr {
	network := "udp4"
	if strings.HasPrefix(far, "[") {
		network = "udp6"
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, far)
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}
	}
	return local.AddrPort().Addr().Unmap()
}

// interfaces describes those that are up, the ones that lead somewhere first.
func (v *view) interfaces() (list []*farmhoundv1.Interface) {
	for i := range v.links {
		l := &v.links[i]
		if !l.Up || l.Loopback {
			continue
		}
		out := &farmhoundv1.Interface{Kind: l.Kind, Mtu: uint32(max(l.MTU, 0)), DefaultRoute: v.defaults[l.Name]}
		for _, p := range l.Prefixes {
			addr := p.Addr()
			out.Ipv4 = out.Ipv4 || addr.Is4()
			out.Ipv6 = out.Ipv6 || addr.Is6() && addr.IsGlobalUnicast() && !addr.IsPrivate()
		}
		list = append(list, out)
	}
	slices.SortStableFunc(list, func(a, b *farmhoundv1.Interface) int {
		if a.DefaultRoute != b.DefaultRoute {
			if a.DefaultRoute {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Mtu, b.Mtu))
	})
	return list[:min(len(list), maxInterfaces)]
}

// resolverKinds returns the kinds of resolvers, without repeats.
func (v *view) resolverKinds(list []netip.Addr) (kinds []farmhoundv1.ResolverKind) {
	on := func(tunnel bool) func(netip.Addr) bool {
		return func(addr netip.Addr) bool {
			return slices.ContainsFunc(v.links, func(l links.Link) bool {
				return l.Up && !l.Loopback && (l.Tunnel != "") == tunnel && l.Holds(addr)
			})
		}
	}
	routed := func(addr netip.Addr) bool { return on(true)(addr) || v.throughTunnel(addr) }
	for _, addr := range list {
		if kind := resolverKind(addr, on(false), routed); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds[:min(len(kinds), maxResolvers)]
}

// throughTunnel reports whether the most exact route to an address other than a
// default route leaves through a tunnel.
func (v *view) throughTunnel(addr netip.Addr) bool {
	best := links.Route{}
	for _, r := range v.routes {
		if r.To.Bits() > 1 && r.To.Contains(addr) && r.To.Bits() > best.To.Bits() {
			best = r
		}
	}
	l := v.link(best.Interface)
	return l != nil && l.Tunnel != ""
}

func (v *view) link(name string) *links.Link {
	i := slices.IndexFunc(v.links, func(l links.Link) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &v.links[i]
}

// local returns the links to the network around the laptop: what is plugged in or
// wireless, and whatever carries the default route beside tunnels, such as a bridge.
func (v *view) local() (list []*links.Link) {
	gateway, found := v.localGateway()
	for i := range v.links {
		l := &v.links[i]
		wired := l.Kind == farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET || l.Kind == farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI
		if l.Local() && (wired || found && l.Name == gateway.Interface) {
			list = append(list, l)
		}
	}
	return list
}

// isNear reports whether an address is on one of the links, and not the laptop's own.
func isNear(local []*links.Link, addr netip.Addr) bool {
	near := addr.IsLinkLocalUnicast()
	for _, l := range local {
		for _, p := range l.Prefixes {
			if p.Addr() == addr {
				return false
			}
			near = near || p.Contains(addr)
		}
	}
	return near
}
