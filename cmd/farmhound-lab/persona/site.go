package persona

import (
	"fmt"
	"net/netip"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// site is one local network with its way to the internet.
type site struct {
	carrier *carrier
	gateway string
	point   string // access point; empty without Wi-Fi
	lan     netip.Prefix
	leases  []lease
	six     bool
	// others, laptops and consoles are what else is on it: all that answers, makers
	// of business laptops, makers of remote consoles.
	others, laptops, consoles int
	mtu                       uint32
	satellite                 bool // geostationary
	// apart is whether its clients are kept apart from each other.
	apart bool
	// exit is where its router's VPN leaves; invalid without one.
	exit netip.Addr
}

// lease is the address a site has from a moment on.
type lease struct {
	from int64
	addr netip.Addr
}

// egress is the address the site had at a moment.
func (s *site) egress(at int64) netip.Addr {
	addr := s.leases[0].addr
	for _, l := range s.leases {
		if l.from <= at {
			addr = l.addr
		}
	}
	return addr
}

// tunnel is a VPN that carries the default route, or an overlay that does not.
type tunnel struct {
	tool, kind   string
	mtu          uint32
	defaultRoute bool
	exit         netip.Addr // where traffic leaves; invalid for an overlay
	locked       bool       // nothing gets past it, not even from the interface below
}

// home draws a household's network.
func (w *World) home(d draw, c *carrier) *site {
	s := &site{
		carrier: c, gateway: mac(d, w.stock.routers...), point: mac(d, w.stock.routers...),
		lan:    pick(d, w.stock.lans...),
		six:    c.trade == broadband && d.chance(0.3),
		others: d.whole(2, 14), mtu: 1500,
	}
	if d.chance(0.2) {
		s.laptops = d.whole(0, 1)
	}
	if d.chance(0.12) {
		s.mtu = 1492 // PPPoE
	}
	w.leases(d, s, pick(d, 0, 0, 0, 1, 2))
	return s
}

// leases gives a site its address, and others later.
func (w *World) leases(d draw, s *site, changes int) {
	at := w.start.Unix()
	s.leases = []lease{{at, s.address(d)}}
	for range changes {
		at += int64(d.between(2, float64(w.opts.Days)) * daySeconds)
		if at < w.end.Unix() {
			s.leases = append(s.leases, lease{at, s.address(d)})
		}
	}
}

func (s *site) address(d draw) netip.Addr {
	if s.six {
		return s.carrier.address6(d)
	}
	if s.carrier.trade == cellular {
		// Many customers of a mobile carrier share few addresses.
		return offset(s.carrier.prefix.Addr(), d.whole(1, 3))
	}
	return s.carrier.address(d)
}

var (
	lans = []netip.Prefix{
		netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("192.168.0.0/24"),
		netip.MustParsePrefix("192.168.178.0/24"), netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("192.168.50.0/24"),
		netip.MustParsePrefix("192.168.68.0/22"),
	}
	// Makers' prefixes of hardware addresses.
	routerMakers = []string{"3c:37:12", "50:c7:bf", "a0:63:91", "f0:9f:c2", "04:d4:c4", "e0:46:ee", "70:3a:cb"}
)

func mac(d draw, makers ...string) string {
	n := d.Uint32()
	return fmt.Sprintf("%s:%02x:%02x:%02x", pick(d, makers...), byte(n>>16), byte(n>>8), byte(n))
}

// network describes the network as the agent sees it from a stay, but for what is hashed.
func (s *stay) network(keyID uint32) *farmhoundv1.Network {
	kind, mtu := farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI, s.at.mtu
	if s.wired {
		kind = farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET
	}
	n := &farmhoundv1.Network{
		KeyId:      keyID,
		Interfaces: []*farmhoundv1.Interface{{Kind: kind, Mtu: mtu, DefaultRoute: true, Ipv4: true, Ipv6: s.at.six}},
		Resolvers:  []farmhoundv1.ResolverKind{farmhoundv1.ResolverKind_RESOLVER_KIND_LAN},
	}
	if t := s.tunnel; t != nil {
		n.Tunnels = []*farmhoundv1.Tunnel{{Tool: t.tool, Kind: t.kind, DefaultRoute: t.defaultRoute, Mtu: t.mtu}}
		n.Interfaces = append(n.Interfaces, &farmhoundv1.Interface{
			Kind: farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL, Mtu: t.mtu, DefaultRoute: t.defaultRoute, Ipv4: true,
		})
		if t.defaultRoute {
			n.Interfaces[0].DefaultRoute = false
			n.Resolvers = []farmhoundv1.ResolverKind{farmhoundv1.ResolverKind_RESOLVER_KIND_TUNNEL}
		}
	}
	return n
}

// peer is the address that the collector sees.
func (s *stay) peer(at int64) netip.Addr {
	if s.tunnel != nil && s.tunnel.defaultRoute {
		return s.tunnel.exit
	}
	return s.at.egress(at)
}
