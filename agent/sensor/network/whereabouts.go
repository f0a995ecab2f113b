package network

import (
	"cmp"
	"net/netip"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// hash fills the hashes of the laptop's own addresses, and of the local network that
// carries the default route: a tunnel over it does not change where the laptop is. It returns the link to that network, nil
// where there is none, and whether nothing is missing that could be known soon.
func (v *view) hash(keys fleetkey.Ring, out *farmhoundv1.Network) (l *links.Link, complete bool) {
	if out.OwnAddresses = v.own(keys); len(out.OwnAddresses) > 0 {
		out.KeyId = keys.Newest()
	}
	gateway, ok := v.localGateway()
	if !ok {
		return nil, true
	}
	l = v.link(gateway.Interface)
	if p, ok := localPrefix(l.Prefixes, gateway.Gateway); ok {
		if value, ok := fleetkey.Prefix(p); ok {
			out.LanHash, out.KeyId, _ = keys.Hash(fleetkey.LANPrefix, value)
			out.EarlierLans = keys.Earlier(fleetkey.LANPrefix, value)
		}
	}
	m, complete := v.gatewayMAC(gateway)
	if complete {
		out.GatewayHash, out.KeyId, _ = keys.Hash(fleetkey.GatewayMAC, m[:])
		out.EarlierGateways = keys.Earlier(fleetkey.GatewayMAC, m[:])
	}
	return l, complete
}

// tell fills the hashes of the access point.
func (m mac) tell(keys fleetkey.Ring, out *farmhoundv1.Network) {
	out.AccessPointHash, out.KeyId, _ = keys.Hash(fleetkey.AccessPoint, m[:])
	out.EarlierAccessPoints = keys.Earlier(fleetkey.AccessPoint, m[:])
}

// linkBits are the bits of IPv6 that name a link.
const linkBits = 64

// localPrefix returns the network that names where a link leads: the gateway's own, or
// where that is link-local, as routers of IPv6 are, the one that hosts on the link have
// addresses of. A network of its own (RFC 4193) stays when the provider's changes; of
// several the lowest is taken, so that the order does not matter. A single address, as
// DHCP hands out, stands for the 64 bits that every link has.
func localPrefix(prefixes []netip.Prefix, gateway netip.Addr) (best netip.Prefix, ok bool) {
	rank := func(p netip.Prefix) int {
		switch {
		case p.Contains(gateway):
			return 0
		case p.Addr().IsPrivate():
			return 1
		}
		return 2
	}
	for _, p := range prefixes {
		if !p.Addr().IsGlobalUnicast() || p.Addr().Is4() != gateway.Is4() {
			continue
		}
		if p.Addr().Is6() && p.Bits() > linkBits {
			p = netip.PrefixFrom(p.Addr(), linkBits)
		}
		if p = p.Masked(); p.Addr().Is4() && !p.Contains(gateway) {
			continue
		}
		if !ok || cmp.Or(cmp.Compare(rank(p), rank(best)), p.Addr().Compare(best.Addr()), cmp.Compare(p.Bits(), best.Bits())) < 0 {
			best, ok = p, true
		}
	}
	return best, ok
}

// gatewayMAC returns the hardware address of a gateway, if it is in the neighbour table.
func (v *view) gatewayMAC(gateway links.Route) (m mac, ok bool) {
	l := v.link(gateway.Interface)
	for _, n := range v.neighbours {
		if n.addr == gateway.Gateway && l != nil && n.on(l) {
			return n.mac, true
		}
	}
	return m, false
}

// on reports whether a neighbour is on a link.
func (n *neighbour) on(l *links.Link) bool {
	if n.name != "" {
		return n.name == l.Name
	}
	return n.device == l.Index
}

// localGateway returns the preferred default route that leaves through a network
// nearby, IPv4 before IPv6.
func (v *view) localGateway() (best links.Route, found bool) {
	return v.gatewayOn((*links.Link).Local)
}

// gatewayOn returns the preferred default route through one of some links.
func (v *view) gatewayOn(some func(*links.Link) bool) (best links.Route, found bool) {
	for _, r := range v.routes {
		if r.To.Bits() != 0 || !r.Gateway.IsValid() {
			continue
		}
		if l := v.link(r.Interface); l == nil || !some(l) {
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
