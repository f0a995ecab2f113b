package fleet

import (
	"math/bits"
	"net/netip"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	keptNetworks    = 16
	keptEgresses    = 20
	keptDayEgresses = 4
	keptTunnels     = 8
)

// egress notes where the report arrived from: the collector's own observation,
// of the moment of arrival.
func (u *update) egress() {
	addr := u.obs.Peer.Addr().Unmap().WithZone("")
	if !addr.IsValid() {
		return
	}
	d := u.day(u.received / daySeconds)
	if rtt := u.obs.PeerRTTMillis; rtt > 0 && rtt < 60000 {
		us := max(uint32(rtt*1000), 1)
		if d.GetRttMinUs() == 0 || us < d.GetRttMinUs() {
			d.RttMinUs = us
		}
		d.RttHours |= 1 << (u.received % daySeconds / 3600)
	}
	u.pic.PeerMss = u.obs.PeerMSS
	before := u.currentEgress()
	e := u.egressState(addr)
	u.place(e, addr)
	e.LastUnix = u.received
	countEgress(d, e.GetId())
	if before != nil && before != e && before.GetCountry() != "" && e.GetCountry() != "" &&
		(before.GetCountry() != e.GetCountry() || before.GetAsn() != e.GetAsn()) {
		u.event(u.received, "egress_changed", sentence("Traffic now leaves from %s, before from %s.", egressWords(e), egressWords(before)))
	}
	u.dropEgresses()
}

func egressWords(e *fleetv1.EgressState) string {
	words := e.GetAddress() + " in " + quote(e.GetCountry())
	if e.GetAsName() != "" {
		words += ", " + quote(e.GetAsName())
	}
	return words
}

// currentEgress returns the egress seen last, nil before the first.
func (u *update) currentEgress() *fleetv1.EgressState { return lastEgress(u.pic) }

func lastEgress(pic *fleetv1.Picture) *fleetv1.EgressState {
	var last *fleetv1.EgressState
	for _, e := range pic.GetEgresses() {
		if last == nil || e.GetLastUnix() >= last.GetLastUnix() {
			last = e
		}
	}
	return last
}

func (u *update) egressState(addr netip.Addr) *fleetv1.EgressState {
	text := addr.String()
	for i, e := range u.pic.GetEgresses() {
		if e.GetAddress() == text {
			// The latest stands last, so that equal times keep their order.
			u.pic.Egresses = append(slices.Delete(u.pic.GetEgresses(), i, i+1), e)
			return e
		}
	}
	u.pic.LastEgressId++
	e := &fleetv1.EgressState{Id: u.pic.GetLastEgressId(), Address: text, FirstUnix: u.received}
	u.pic.Egresses = append(u.pic.GetEgresses(), e)
	return e
}

// place keeps what address data says now; history keeps what it said then.
func (u *update) place(e *fleetv1.EgressState, addr netip.Addr) {
	e.Company = u.f.cfg.Company.owns(addr)
	if u.f.cfg.Places == nil || !onInternet(addr) {
		return
	}
	p, ok := u.f.cfg.Places.Place(addr)
	if !ok {
		return
	}
	e.Country, e.Region, e.Asn, e.AsName = p.Country, p.Region, p.ASN, p.ASName
	e.Hosting, e.Anonymiser = p.Hosting, p.Anonymiser()
}

func countEgress(d *fleetv1.Day, id uint32) {
	for _, e := range d.GetEgress() {
		if e.GetId() == id {
			e.Reports++
			return
		}
	}
	if len(d.GetEgress()) < keptDayEgresses {
		d.Egress = append(d.Egress, &fleetv1.DayEgress{Id: id, Reports: 1})
	}
}

// dropEgresses keeps the latest; days forget what is no longer known.
func (u *update) dropEgresses() {
	for len(u.pic.GetEgresses()) > keptEgresses {
		u.pic.Egresses = slices.Delete(u.pic.GetEgresses(), 0, 1)
	}
}

// network replaces the network facts, and joins them with the egress the
// collector saw, if the report was observed where it arrived from.
func (u *update) network() {
	if part := u.rep.GetNetwork(); part != nil && u.fresh {
		u.networkPart()
	}
	n := u.pic.GetNetwork()
	d := u.day(u.at / daySeconds)
	if tunnelled(n) {
		d.Tunnelled = true
	}
	if u.late {
		return
	}
	addr := u.obs.Peer.Addr()
	office := u.atOffice(n, addr)
	d.Office = d.GetOffice() || office
	if e := u.currentEgress(); e != nil && u.obs.Peer.IsValid() && !tunnelled(n) {
		e.Untunnelled = true
	}
	u.firstNetwork(n)
	u.sighting(n, addr, office)
}

func (u *update) networkPart() {
	part := u.rep.GetNetwork()
	n := &fleetv1.NetworkState{
		Gateway:     u.f.hashed(hashGateway, part.GetGatewayHash()),
		AccessPoint: u.f.hashed(hashAccessPoint, part.GetAccessPointHash()),
		Lan:         u.f.hashed(hashLAN, part.GetLanHash()),
		SinceUnix:   u.at,
	}
	for _, t := range part.GetTunnels()[:min(len(part.GetTunnels()), keptTunnels)] {
		n.Tunnels = append(n.Tunnels, &fleetv1.TunnelState{Tool: t.GetTool(), DefaultRoute: t.GetDefaultRoute()})
	}
	if part.GetNeighbours() != nil {
		n.BusinessNeighbours = ptr(part.GetNeighbours().GetBusinessLaptops())
		n.KvmNeighbours = ptr(part.GetNeighbours().GetKvmMakers())
	}
	before := u.pic.GetNetwork()
	u.pic.Network = n
	if before == nil {
		return
	}
	if sameNetwork(before, n) {
		n.SinceUnix = before.GetSinceUnix()
		return
	}
	if len(before.GetGateway())+len(before.GetLan()) > 0 && len(n.GetGateway())+len(n.GetLan()) > 0 {
		u.day(u.at/daySeconds).Moves++
		u.event(u.at, "network_changed", "The laptop is on another network.")
	}
}

// sameNetwork compares gateways where both are known, local prefixes otherwise.
func sameNetwork(a, b *fleetv1.NetworkState) bool {
	if len(a.GetGateway()) > 0 && len(b.GetGateway()) > 0 {
		return string(a.GetGateway()) == string(b.GetGateway())
	}
	return string(a.GetLan()) == string(b.GetLan())
}

func tunnelled(n *fleetv1.NetworkState) bool {
	return slices.ContainsFunc(n.GetTunnels(), (*fleetv1.TunnelState).GetDefaultRoute)
}

// atOffice says whether the laptop is at an office: behind its gateway, or
// leaving from its addresses without a tunnel that would carry it there.
func (u *update) atOffice(n *fleetv1.NetworkState, addr netip.Addr) bool {
	if k, ok := toKey(n.GetGateway()); ok && u.f.offices[k] {
		return true
	}
	return addr.IsValid() && u.f.cfg.Company.office(addr) && !tunnelled(n)
}

// firstNetwork remembers the first network that was not the company's: laptops
// are often set up at an office before they are shipped.
func (u *update) firstNetwork(n *fleetv1.NetworkState) {
	e := u.currentEgress()
	if e == nil || e.GetCompany() || !u.obs.Peer.IsValid() || u.day(u.at/daySeconds).GetOffice() {
		return
	}
	first := u.pic.GetFirstNetwork()
	if first == nil {
		first = &fleetv1.FirstNetwork{AtUnix: u.at}
		u.pic.FirstNetwork = first
	}
	if u.at/daySeconds != first.GetAtUnix()/daySeconds {
		return
	}
	if first.GetCountry() == "" {
		first.Country, first.Region = e.GetCountry(), e.GetRegion()
		first.HiddenEgress = e.GetHosting() || e.GetAnonymiser()
	}
	if n != nil {
		first.Tunnelled = ptr(first.GetTunnelled() || tunnelled(n))
	}
}

// sighting notes the network together with its egress: what co-location rests on.
func (u *update) sighting(n *fleetv1.NetworkState, addr netip.Addr, office bool) {
	if len(n.GetGateway())+len(n.GetAccessPoint()) == 0 || !u.obs.Peer.IsValid() {
		return
	}
	prefix := egressPrefix(addr)
	var s *fleetv1.NetworkSighting
	for i, known := range u.pic.GetNetworks() {
		if known.GetEgressPrefix() == prefix && string(known.GetGateway()) == string(n.GetGateway()) &&
			string(known.GetAccessPoint()) == string(n.GetAccessPoint()) {
			s = known
			u.pic.Networks = append(slices.Delete(u.pic.GetNetworks(), i, i+1), s)
			break
		}
	}
	if s == nil {
		s = &fleetv1.NetworkSighting{
			Gateway: n.GetGateway(), AccessPoint: n.GetAccessPoint(), EgressPrefix: prefix,
			FirstUnix: u.received, LastUnix: u.received,
		}
		u.pic.Networks = append(u.pic.GetNetworks(), s)
		if len(u.pic.GetNetworks()) > keptNetworks {
			u.pic.Networks = slices.Delete(u.pic.GetNetworks(), 0, 1)
		}
	}
	if passed := u.received/daySeconds - s.GetLastUnix()/daySeconds; passed > 0 {
		s.Days = s.GetDays() << min(passed, bits.UintSize)
	}
	s.Days |= 1
	s.LastUnix = max(s.GetLastUnix(), u.received)
	s.Office = office
	s.Company = u.f.cfg.Company.owns(addr)
}
