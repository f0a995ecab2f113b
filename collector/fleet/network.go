package fleet

import (
	"net/netip"
	"slices"
	"strings"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	keptNetworks    = 16
	keptEgresses    = 20
	keptDayEgresses = 12
	keptTunnels     = 8
	keptPlaces      = 12
)

// egress notes where the report arrived from: the collector's own observation,
// of the moment of arrival.
func (u *update) egress() {
	addr := u.peer()
	if !addr.IsValid() {
		return
	}
	before := lastEgress(u.pic)
	e := u.egressState(addr)
	u.place(e, addr)
	d := u.day(u.received / daySeconds)
	countEgress(d, e.GetId()).Reports++
	if us := u.roundTrip(e); us > 0 {
		if d.GetRttMinUs() == 0 || us < d.GetRttMinUs() {
			d.RttMinUs = us
		}
		d.RttHours |= 1 << (u.received % daySeconds / 3600)
	}
	if u.received >= u.pic.GetLastReceivedUnix() {
		u.pic.PeerMss = u.obs.PeerMSS
	}
	if before != nil && before != e && before.GetCountry() != "" && e.GetCountry() != "" &&
		(before.GetCountry() != e.GetCountry() || before.GetAsn() != e.GetAsn()) {
		u.event(u.received, "egress_changed", sentence("Traffic now leaves from %s, before from %s.", egressWords(e), egressWords(before)))
	}
}

// roundTrip returns what the report's round trip took, microseconds; 0 where that was not
// measured. Through the company's own network it measures the way there.
func (u *update) roundTrip(e *fleetv1.EgressState) uint32 {
	rtt := u.obs.PeerRTTMillis
	if rtt <= 0 || rtt >= 60000 || e.GetCompany() || !onInternet(u.peer()) {
		return 0
	}
	return max(uint32(rtt*1000), 1)
}

// peer returns the address the collector saw, invalid where it saw none.
func (u *update) peer() netip.Addr { return u.obs.Peer.Addr().Unmap().WithZone("") }

func egressWords(e *fleetv1.EgressState) string {
	words := e.GetAddress() + " in " + quote(e.GetCountry())
	if e.GetAsName() != "" {
		words += ", " + quote(e.GetAsName())
	}
	return words
}

// lastEgress returns the egress from which a report arrived last, nil before the first.
func lastEgress(pic *fleetv1.Picture) (last *fleetv1.EgressState) {
	for _, e := range pic.GetEgresses() {
		if e.GetLastUnix() > 0 && (last == nil || e.GetLastUnix() >= last.GetLastUnix()) {
			last = e
		}
	}
	return last
}

// egressState returns the egress of an address from which a report arrived, the latest
// last.
func (u *update) egressState(addr netip.Addr) *fleetv1.EgressState {
	e := u.egressOf(addr)
	if u.received >= e.GetLastUnix() {
		e.Address, e.LastUnix = addr.String(), u.received
	}
	u.sortEgresses()
	return e
}

// egressOf returns the egress of an address for changing. One IPv6 network is one
// egress: laptops there change their address every day.
func (u *update) egressOf(addr netip.Addr) *fleetv1.EgressState {
	list := u.pic.GetEgresses()
	i := slices.IndexFunc(list, func(e *fleetv1.EgressState) bool {
		known, err := netip.ParseAddr(e.GetAddress())
		return err == nil && sameEgress(known, addr)
	})
	if i < 0 {
		u.pic.LastEgressId++
		e := &fleetv1.EgressState{Id: u.pic.GetLastEgressId(), Address: addr.String(), FirstUnix: u.received}
		u.made(e)
		list, i = append(list, e), len(list)
		u.pic.Egresses = list
	}
	e := edit(&u.draft, list, i)
	e.FirstUnix = min(e.GetFirstUnix(), u.received)
	return e
}

// sortEgresses puts the latest last. Days forget what is no longer known.
func (u *update) sortEgresses() {
	list := u.pic.GetEgresses()
	latest := func(e *fleetv1.EgressState) int64 { return max(e.GetLastUnix(), e.GetPhysicalUnix()) }
	slices.SortStableFunc(list, func(a, b *fleetv1.EgressState) int { return compare(latest(a), latest(b)) })
	u.pic.Egresses = list[max(0, len(list)-keptEgresses):]
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
	e.Latitude, e.Longitude = float32(p.Latitude), float32(p.Longitude)
	// One that stands in a country of high risk says where the laptop is: they are near to whom they serve.
	e.Company = e.GetCompany() || securityGateway(p.ASName) && !u.f.highRisk[p.Country]
}

// securityGateways are providers whose proxies a company, and nobody else, has its laptops use.
var securityGateways = []string{"zscaler", "netskope", "cato networks", "iboss", "menlo security"}

func securityGateway(asName string) bool {
	name := strings.ToLower(asName)
	return slices.ContainsFunc(securityGateways, func(s string) bool { return strings.HasPrefix(name, s) })
}

// hides says whether an egress stands somewhere else than the laptop, or may.
func hides(e *fleetv1.EgressState) bool { return e.GetHosting() || e.GetAnonymiser() || e.GetCompany() }

// countEgress returns a day's counts of an egress. Those of more than are kept count
// nowhere.
func countEgress(d *fleetv1.Day, id uint32) *fleetv1.DayEgress {
	for _, e := range d.GetEgress() {
		if e.GetId() == id {
			return e
		}
	}
	e := &fleetv1.DayEgress{Id: id}
	if len(d.GetEgress()) < keptDayEgresses {
		d.Egress = append(d.Egress, e)
	}
	return e
}

// network replaces the network facts, and joins them with the egress the
// collector saw, if the report was observed where it arrived from.
func (u *update) network() {
	part := u.rep.GetNetwork()
	n := u.pic.GetNetwork()
	switch latest := u.takes(&u.pic.Orders.Network, part != nil); {
	case part != nil:
		n = u.networkPart()
		if latest {
			u.replaceNetwork(n)
		}
	case latest:
		u.pic.Network = nil // unknown from now on
		n = nil
	case u.order < u.pic.GetOrders().GetNetwork() || !u.works("network"):
		n = nil // the network of another moment, or of none
	}
	if part == nil && u.order < u.pic.GetOrders().GetNetwork() {
		// A later report told of the network first: this one's is not known.
		return
	}
	u.located(n)
}

// located notes where the laptop was, as far as network facts and egress tell.
func (u *update) located(n *fleetv1.NetworkState) {
	tunnel := tunnelled(n)
	addr := u.peer()
	if u.late {
		addr = netip.Addr{}
	}
	office := u.atOffice(n, addr)
	if office {
		u.day(u.at / daySeconds).Office = true
	}
	u.sighting(n, addr, office)
	u.neighbours(n, office)
	u.physical(n)
	if !addr.IsValid() {
		return
	}
	i := slices.IndexFunc(u.pic.GetEgresses(), func(e *fleetv1.EgressState) bool {
		known, err := netip.ParseAddr(e.GetAddress())
		return err == nil && sameEgress(known, addr)
	})
	if i < 0 {
		return
	}
	e := u.pic.GetEgresses()[i]
	if !tunnel {
		if !e.GetUntunnelled() {
			e = edit(&u.draft, u.pic.GetEgresses(), i)
			e.Untunnelled = true
		}
		u.cleanPlace(e)
	}
	u.firstNetwork(n, e, office, false)
}

// cleanPlace remembers places for longer than egresses are kept.
func (u *update) cleanPlace(e *fleetv1.EgressState) {
	if hides(e) || e.GetCountry() == "" {
		return
	}
	places := u.pic.GetCleanPlaces()
	i := slices.IndexFunc(places, func(p *fleetv1.CleanPlace) bool {
		return p.GetCountry() == e.GetCountry() && p.GetRegion() == e.GetRegion()
	})
	if i < 0 {
		p := &fleetv1.CleanPlace{Country: e.GetCountry(), Region: e.GetRegion()}
		u.made(p)
		places, i = append(places, p), len(places)
	}
	p := edit(&u.draft, places, i)
	p.LastUnix = max(p.GetLastUnix(), u.received)
	if us := u.roundTrip(e); us > 0 && (p.GetRttMinUs() == 0 || us < p.GetRttMinUs()) {
		p.RttMinUs = us
	}
	slices.SortStableFunc(places, func(a, b *fleetv1.CleanPlace) int { return compare(a.GetLastUnix(), b.GetLastUnix()) })
	u.pic.CleanPlaces = places[max(0, len(places)-keptPlaces):]
}

func (u *update) networkPart() *fleetv1.NetworkState {
	part := u.rep.GetNetwork()
	n := &fleetv1.NetworkState{
		OldestKey: part.GetKeyId(), NewestKey: part.GetKeyId(),
	}
	named := func(kind string, newest []byte, earlier []*farmhoundv1.EarlierHash) []byte {
		all := names(part.GetKeyId(), newest, earlier, func(hash []byte) key { return u.f.hash(kind, hash) })
		if len(all) > 0 {
			n.OldestKey = min(n.GetOldestKey(), all[len(all)-1].key)
		}
		return u.known(all)
	}
	n.Gateway = named(hashGateway, part.GetGatewayHash(), part.GetEarlierGateways())
	n.AccessPoint = named(hashAccessPoint, part.GetAccessPointHash(), part.GetEarlierAccessPoints())
	n.Lan = named(hashLAN, part.GetLanHash(), part.GetEarlierLans())
	for _, t := range part.GetTunnels()[:min(len(part.GetTunnels()), keptTunnels)] {
		n.Tunnels = append(n.Tunnels, &fleetv1.TunnelState{Tool: t.GetTool(), DefaultRoute: t.GetDefaultRoute()})
	}
	// A tunnel that carries the traffic counts however many do not.
	if !tunnelled(n) {
		for _, t := range part.GetTunnels()[len(n.GetTunnels()):] {
			if t.GetDefaultRoute() {
				n.Tunnels[keptTunnels-1] = &fleetv1.TunnelState{Tool: t.GetTool(), DefaultRoute: true}
				break
			}
		}
	}
	u.waysOut(n)
	u.addresses(part)
	n.Members = u.membersOf(part)
	if part.GetNeighbours() != nil {
		n.BusinessNeighbours = ptr(part.GetNeighbours().GetBusinessLaptops())
		n.KvmNeighbours = ptr(part.GetNeighbours().GetKvmMakers())
		n.BoardNeighbours = ptr(part.GetNeighbours().GetBoards())
	}
	return n
}

func (u *update) replaceNetwork(n *fleetv1.NetworkState) {
	before := u.pic.GetNetwork()
	u.pic.Network = n
	if before != nil && !sameNetwork(before, n) && inCommon(before, n) &&
		len(before.GetGateway())+len(before.GetLan()) > 0 && len(n.GetGateway())+len(n.GetLan()) > 0 {
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

// inCommon says whether two networks were reported under a fleet key in common: of
// others nobody knows whether they are one. Those told before keys were noted are.
func inCommon(before, n *fleetv1.NetworkState) bool {
	return before.GetNewestKey() == 0 || n.GetOldestKey() <= before.GetNewestKey() && before.GetOldestKey() <= n.GetNewestKey()
}

func tunnelled(n *fleetv1.NetworkState) bool {
	return slices.ContainsFunc(n.GetTunnels(), (*fleetv1.TunnelState).GetDefaultRoute)
}

// atOffice says whether the laptop is at an office: behind its gateway, or
// leaving from its addresses without a tunnel that would carry it there.
func (u *update) atOffice(n *fleetv1.NetworkState, addr netip.Addr) bool {
	if len(u.f.offices) > 0 && u.behindOffice(n.GetGateway()) {
		return true
	}
	return addr.IsValid() && u.f.cfg.Company.office(addr) && !tunnelled(n)
}

// behindOffice says whether a gateway is an office's, under whichever fleet key the
// company named it.
func (u *update) behindOffice(gateway []byte) bool {
	return called(u.pic, gateway, u.f.offices)
}

// firstNetwork remembers the first network that was not the company's: laptops
// are often set up at an office before they are shipped.
func (u *update) firstNetwork(n *fleetv1.NetworkState, e *fleetv1.EgressState, office, physical bool) {
	known := u.pic.GetFirstNetwork()
	if e.GetCompany() || office || known != nil && u.at/daySeconds > known.GetAtUnix()/daySeconds {
		return
	}
	first := &fleetv1.FirstNetwork{AtUnix: u.at, Country: e.GetCountry(), Region: e.GetRegion(), HiddenEgress: e.GetHosting() || e.GetAnonymiser()}
	first.Physical = physical
	if n != nil {
		first.Tunnelled = ptr(tunnelled(n))
	}
	if known != nil && known.GetAtUnix()/daySeconds == u.at/daySeconds {
		if known.Tunnelled != nil {
			first.Tunnelled = ptr(first.GetTunnelled() || known.GetTunnelled())
		}
		// An interface's own address says more than that of the other way out.
		better := known.GetPhysical() && !physical || known.GetPhysical() == physical && known.GetAtUnix() <= u.at
		if better && known.GetCountry() != "" || first.GetCountry() == "" {
			first.AtUnix, first.Country, first.Region = known.GetAtUnix(), known.GetCountry(), known.GetRegion()
			first.HiddenEgress, first.Physical = known.GetHiddenEgress(), known.GetPhysical()
		}
	}
	u.pic.FirstNetwork = first
}

// sighting notes the network together with its egress: what co-location rests on.
// Of a report that was spooled, or that came through a balancer, only the network is known.
func (u *update) sighting(n *fleetv1.NetworkState, addr netip.Addr, office bool) {
	if len(n.GetGateway())+len(n.GetAccessPoint()) == 0 {
		return
	}
	prefix := egressPrefix(addr)
	list := u.pic.GetNetworks()
	i := slices.IndexFunc(list, func(s *fleetv1.NetworkSighting) bool {
		return s.GetEgressPrefix() == prefix && string(s.GetGateway()) == string(n.GetGateway()) &&
			string(s.GetAccessPoint()) == string(n.GetAccessPoint())
	})
	if i < 0 {
		s := &fleetv1.NetworkSighting{
			Gateway: n.GetGateway(), AccessPoint: n.GetAccessPoint(), EgressPrefix: prefix, FirstUnix: u.at, LastUnix: u.at,
		}
		u.made(s)
		list, i = append(list, s), len(list)
	}
	s := edit(&u.draft, list, i)
	s.Days = seenOn(s.GetDays(), s.GetLastUnix()/daySeconds, u.at/daySeconds)
	if u.at >= s.GetLastUnix() {
		s.LastUnix, s.Office, s.Company = u.at, office, addr.IsValid() && u.f.cfg.Company.owns(addr)
	}
	s.FirstUnix = min(s.GetFirstUnix(), u.at)
	slices.SortStableFunc(list, func(a, b *fleetv1.NetworkSighting) int { return compare(a.GetLastUnix(), b.GetLastUnix()) })
	u.pic.Networks = list[max(0, len(list)-keptNetworks):]
}

// seenOn sets a day in a field of days whose bit 0 is the day last, and returns
// it with bit 0 for the later of the two.
func seenOn(days uint64, last, day int64) uint64 {
	if day >= last {
		return days<<min(day-last, 64) | 1
	}
	if back := last - day; back < 64 {
		return days | 1<<back
	}
	return days
}
