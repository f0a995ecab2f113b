package network

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// resolverFiles hold the resolvers in use: the C library's, and those behind
// systemd's stub.
var resolverFiles = [...]string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

// system is what the sense keeps between observations on Linux.
type system struct{ owners owners }

func newSystem(h host.Host) system { return system{owners: newOwners(h)} }

// view is what one observation found.
type view struct {
	links    []links.Link
	routes   []links.Route
	defaults map[string]bool   // interfaces through which a default route leaves
	owners   map[string]string // catalogue ids of the tools that own tunnels, by interface
}

// Observe fills Network.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	found, err := links.List(s.host)
	if err != nil {
		return err
	}
	routes, err := links.Routes(s.host)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("look at the network: %w", err)
	}
	v := &view{links: found, routes: routes}
	v.findDefaults(ctx, s.host)

	use := s.config.Load()
	out := &farmhoundv1.Network{Interfaces: v.interfaces(), Resolvers: v.resolvers(s.host)}
	details := []string{}
	if out.Tunnels, err = s.tunnels(ctx, use, v); err != nil {
		details = append(details, err.Error())
	}
	if use.keys.Empty() {
		details = append(details, detailNoKey)
	} else {
		v.hash(s.host, use.keys, out)
	}
	if p := s.prober.Load(); p != nil {
		p.Want(v.paths())
		out.Egress = p.Known()
	}
	into.Network = out
	return host.Hidden(details...)
}

// findDefaults finds the interfaces through which traffic leaves. VPNs put two
// halves before the default route, or rules before the main table: for the latter
// the kernel is asked which way it would go.
func (v *view) findDefaults(ctx context.Context, h host.Host) {
	v.defaults = map[string]bool{}
	halves := map[string]int{}
	for _, r := range v.routes {
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

// resolvers returns the kinds of the resolvers in use, without repeats.
func (v *view) resolvers(h host.Host) (kinds []farmhoundv1.ResolverKind) {
	on := func(tunnel bool) func(netip.Addr) bool {
		return func(addr netip.Addr) bool {
			return slices.ContainsFunc(v.links, func(l links.Link) bool {
				return l.Up && !l.Loopback && (l.Tunnel != "") == tunnel && l.Holds(addr)
			})
		}
	}
	routed := func(addr netip.Addr) bool { return on(true)(addr) || v.throughTunnel(addr) }
	for _, file := range resolverFiles {
		data, err := h.ReadFile(file, 64<<10)
		if err != nil {
			continue
		}
		for _, addr := range parseResolvers(string(data)) {
			if kind := resolverKind(addr, on(false), routed); !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
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

// hash fills the hashes of the local network that carries the default route. A
// tunnel over it does not change where the laptop is.
func (v *view) hash(h host.Host, keys fleetkey.Ring, out *farmhoundv1.Network) {
	gateway, ok := v.localGateway()
	if !ok {
		return
	}
	l := v.link(gateway.Interface)
	for _, p := range l.Prefixes {
		if !p.Contains(gateway.Gateway) {
			continue
		}
		if value, ok := fleetkey.Prefix(p); ok && !p.Addr().IsLinkLocalUnicast() {
			out.LanHash, out.KeyId, _ = keys.Hash(fleetkey.LANPrefix, value)
			out.EarlierLans = keys.Earlier(fleetkey.LANPrefix, value)
		}
	}
	if value, ok := fleetkey.MAC(hardwareAddress(h, gateway)); ok {
		out.GatewayHash, out.KeyId, _ = keys.Hash(fleetkey.GatewayMAC, value)
		out.EarlierGateways = keys.Earlier(fleetkey.GatewayMAC, value)
	}
}

// localGateway returns the preferred default route that leaves through a network
// nearby, IPv4 before IPv6.
func (v *view) localGateway() (best links.Route, found bool) {
	for _, r := range v.routes {
		if r.To.Bits() != 0 || !r.Gateway.IsValid() {
			continue
		}
		if l := v.link(r.Interface); l == nil || !l.Local() {
			continue
		}
		better := !found || r.Gateway.Is4() && best.Gateway.Is6() ||
			r.Gateway.Is4() == best.Gateway.Is4() && r.Metric < best.Metric
		if better {
			best, found = r, true
		}
	}
	return best, found
}
