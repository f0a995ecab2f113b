package fleet

import (
	"net/netip"
	"slices"
	"strings"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// physicalPath returns the address of the physical interface where traffic takes
// another way: a tunnel, or a proxy. Invalid where there is one way, or none is known.
// A second physical interface that nothing leaves through is no other way.
func physicalPath(paths []EgressPath, peer netip.Addr) netip.Addr {
	direct := false
	for _, p := range paths {
		direct = direct || p.Default && physicalKind(p.Kind)
	}
	var other netip.Addr
	tunnelled := throughTunnel(paths, peer)
	for _, p := range paths {
		if !physicalKind(p.Kind) || !onInternet(p.Address) || direct && !p.Default {
			continue
		}
		leaves := peer
		if !peer.IsValid() || peer.Is4() != p.Address.Is4() {
			// Two families cannot be compared; the default route's own answer can.
			leaves = byDefault(paths, p.Address.Is4())
			switch {
			case tunnelled && (!leaves.IsValid() || p.Default):
				leaves = peer // the tunnel takes the peer's family alone
			case !leaves.IsValid() && peer.IsValid():
				continue
			}
		}
		switch {
		case leaves.IsValid() && sameEgress(leaves, p.Address) && (!p.Default || peer.IsValid()):
			return netip.Addr{}
		case !other.IsValid() || peer.IsValid() && p.Address.Is4() == peer.Is4():
			other = p.Address
		}
	}
	return other
}

// throughTunnel says whether the collector's peer is where a tunnel's default route was
// seen to leave.
func throughTunnel(paths []EgressPath, peer netip.Addr) bool {
	return peer.IsValid() && slices.ContainsFunc(paths, func(p EgressPath) bool {
		return p.Default && p.Kind == farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL && sameEgress(p.Address, peer)
	})
}

// keptWays is what a report may hold.
const keptWays = 16

// waysOut notes under which addresses the ways out were seen.
func (u *update) waysOut(n *fleetv1.NetworkState) {
	for _, p := range u.obs.Paths[:min(len(u.obs.Paths), keptWays)] {
		n.Ways = append(n.Ways, &fleetv1.WayOut{Address: p.Address.String(), Kind: p.Kind, Tool: p.Tool, DefaultRoute: p.Default})
	}
	// Of a report that waited, nobody knows by which way it would have come then.
	if addr := physicalPath(u.obs.Paths, u.peer()); addr.IsValid() && !u.late {
		n.Physical = addr.String()
	}
}

// ways describes the ways out.
func (v *view) ways() (list []*fleetv1.Way) {
	for _, w := range v.pic.GetNetwork().GetWays() {
		way := &fleetv1.Way{Address: w.GetAddress(), DefaultRoute: w.GetDefaultRoute()}
		if name, known := strings.CutPrefix(w.GetKind().String(), "INTERFACE_KIND_"); known && w.GetKind() != 0 {
			way.Kind = strings.ToLower(name)
		}
		if w.GetTool() != "" {
			way.Tool = v.f.toolName(w.GetTool())
		}
		if place, ok := v.placeOf(w.GetAddress()); ok {
			way.Country, way.AsName = place.Country, place.ASName
		}
		list = append(list, way)
	}
	return list
}

// byDefault returns under which address the default route was seen in one family.
func byDefault(paths []EgressPath, four bool) netip.Addr {
	for _, p := range paths {
		if p.Default && p.Address.Is4() == four {
			return p.Address
		}
	}
	return netip.Addr{}
}

// physicalKind reports whether an interface is the laptop's own rather than a tunnel's.
// A virtual one that was asked over is how a laptop in a namespace or behind a bridge
// of its own reaches the network.
func physicalKind(k farmhoundv1.InterfaceKind) bool {
	return k != farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL && k != farmhoundv1.InterfaceKind_INTERFACE_KIND_UNSPECIFIED
}

// physical notes where the laptop stands while its traffic takes another way: the
// collector saw that address too, and no tunnel covers it.
func (u *update) physical(n *fleetv1.NetworkState) {
	addr, err := netip.ParseAddr(n.GetPhysical())
	if err != nil || u.late {
		return
	}
	e := u.egressOf(addr)
	if u.received >= e.GetPhysicalUnix() {
		e.Address, e.PhysicalUnix = addr.String(), u.received
	}
	u.sortEgresses()
	u.place(e, addr)
	d := u.day(u.received / daySeconds)
	countEgress(d, e.GetId()).Physical++
	plausible := u.plausible(e, n)
	office := plausible && (u.atOffice(n, netip.Addr{}) || u.f.cfg.Company.office(addr))
	u.sighting(n, addr, office)
	if !plausible {
		return
	}
	e.Untunnelled = true
	u.cleanPlace(e)
	if office {
		u.day(u.at / daySeconds).Office = true
	}
	u.firstNetwork(n, e, office, true)
}

// plausible says whether what the laptop brought back can be where it stands: the
// collector saw nobody, or an egress that hides laptops, or one that a consumer VPN leads to, or one in the same country.
func (u *update) plausible(stands *fleetv1.EgressState, n *fleetv1.NetworkState) bool {
	peer := u.peer()
	if !peer.IsValid() {
		return true
	}
	for _, e := range u.pic.GetEgresses() {
		if known, err := netip.ParseAddr(e.GetAddress()); err == nil && sameEgress(known, peer) {
			return hides(e) || u.f.consumerTunnel(n) || e.GetCountry() == stands.GetCountry()
		}
	}
	return false
}

// physicalNow returns where the laptop stands while its traffic takes another way,
// nil where that is one way or not known.
func (v *view) physicalNow() *fleetv1.EgressState {
	addr, err := netip.ParseAddr(v.pic.GetNetwork().GetPhysical())
	if err != nil {
		return nil
	}
	for _, e := range v.pic.GetEgresses() {
		known, err := netip.ParseAddr(e.GetAddress())
		if err == nil && e.GetPhysicalUnix() > 0 && sameEgress(known, addr) {
			return e
		}
	}
	return nil
}
