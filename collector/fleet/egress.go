package fleet

import (
	"net/netip"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// mostReportedVPN is the consumer VPN that public cases of laptop farms name most.
const mostReportedVPN = "astrill"

// egressNow describes where traffic leaves. Nil before any address was seen.
func (v *view) egressNow() *fleetv1.Egress {
	e := &fleetv1.Egress{TimeZone: v.pic.GetTimeZone()}
	last := lastEgress(v.pic)
	if last == nil && e.GetTimeZone() == "" && len(v.pic.GetTools()) == 0 && v.pic.GetNetwork() == nil {
		return nil
	}
	if last != nil {
		e.Address, e.Country, e.Region = last.GetAddress(), last.GetCountry(), last.GetRegion()
		e.Asn, e.AsName = last.GetAsn(), last.GetAsName()
		e.Hosting, e.Anonymiser, e.Company = last.GetHosting(), last.GetAnonymiser(), last.GetCompany()
		// The company's own egress stands where the company is, not the laptop.
		if !last.GetCompany() {
			e.Foreign = v.foreign(last.GetCountry())
			e.HighRisk = e.GetForeign() && v.f.highRisk[last.GetCountry()]
			e.ZoneMismatch = v.zoneMismatch(last)
		}
	}
	for _, d := range v.active {
		main := v.mainEgress(d)
		if main == nil || main.GetCompany() {
			continue
		}
		if v.foreign(main.GetCountry()) {
			e.ForeignDays++
		}
		if main.GetHosting() || main.GetAnonymiser() {
			e.HiddenDays++
		}
	}
	v.consumerVPN(e)
	if v.pic.GetPeerMss() > 0 {
		e.PeerMss = ptr(v.pic.GetPeerMss())
	}
	return e
}

// mainEgress returns the egress of most reports of a day.
func (v *view) mainEgress(d *fleetv1.Day) *fleetv1.EgressState {
	var main *fleetv1.DayEgress
	for _, e := range d.GetEgress() {
		if main == nil || e.GetReports() > main.GetReports() {
			main = e
		}
	}
	return v.egress[main.GetId()]
}

// consumerVPN names a consumer VPN that carries the default route or runs now.
func (v *view) consumerVPN(e *fleetv1.Egress) {
	found := func(id string) {
		if v.f.category(id) != "consumer-vpn" || v.f.approved(id, v.person, v.now) || e.GetMostReportedVpn() {
			return
		}
		e.ConsumerVpn = v.f.toolName(id)
		e.MostReportedVpn = id == mostReportedVPN
	}
	for _, t := range v.pic.GetTools() {
		if t.GetPresent() && t.GetRunning() {
			found(t.GetId())
		}
	}
	for _, t := range v.pic.GetNetwork().GetTunnels() {
		if t.GetDefaultRoute() {
			found(t.GetTool())
		}
	}
}

// zoneMismatch says whether the laptop's clock cannot be right where its address
// is. A laptop that keeps its declared home zone on approved travel is at home in
// two places.
func (v *view) zoneMismatch(e *fleetv1.EgressState) bool {
	if e.GetCountry() == "" || v.pic.GetTimeZone() == "" {
		return false
	}
	if v.person.GetCountry() != "" && e.GetCountry() != v.person.GetCountry() && v.declared(e.GetCountry()) {
		return false
	}
	used, known := v.f.zones.usedIn(v.pic.GetTimeZone(), e.GetCountry())
	return known && !used
}

// placeHistory says where the laptop has been.
func (v *view) placeHistory() *fleetv1.PlaceHistory {
	h := &fleetv1.PlaceHistory{}
	now := v.now.Unix()
	gateways := make(map[string]bool)
	for _, n := range v.pic.GetNetworks() {
		if now-n.GetLastUnix() <= activeSpan*daySeconds {
			id := string(n.GetGateway())
			if id == "" {
				id = string(n.GetAccessPoint())
			}
			gateways[id] = true
		}
	}
	h.Networks_20D = uint32(len(gateways))
	for _, d := range v.pic.GetDays() {
		if int64(d.GetDay()) > now/daySeconds-activeSpan {
			h.Moves += d.GetMoves()
		}
	}
	for _, d := range v.active {
		if d.GetOffice() {
			h.OfficeDays++
		}
		main := v.mainEgress(d)
		if main.GetCountry() == "" || main.GetCompany() {
			continue
		}
		h.KnownDays++
		if !d.GetTunnelled() && v.atDeclared(main) {
			h.DeclaredDays++
		}
	}
	for _, e := range v.pic.GetEgresses() {
		h.EverDeclared = h.GetEverDeclared() || e.GetUntunnelled() && v.atDeclared(e)
	}
	v.firstNetwork(h)
	if n := v.pic.GetNetwork(); n != nil {
		h.BusinessNeighbours, h.KvmNeighbours = n.BusinessNeighbours, n.KvmNeighbours
	}
	return h
}

// atDeclared says whether an egress is cleanly at the declared place. Address
// data without regions can only speak of the country.
func (v *view) atDeclared(e *fleetv1.EgressState) bool {
	if e.GetCompany() || e.GetHosting() || e.GetAnonymiser() || e.GetCountry() == "" || e.GetCountry() != v.person.GetCountry() {
		return false
	}
	return !otherRegion(e.GetCountry(), e.GetRegion(), v.person.GetRegion())
}

// firstNetwork compares the first network with where the laptop was shipped.
func (v *view) firstNetwork(h *fleetv1.PlaceHistory) {
	first := v.pic.GetFirstNetwork()
	if first == nil {
		return
	}
	if first.GetCountry() != "" || first.Tunnelled != nil {
		h.HiddenFromDayOne = ptr(first.GetHiddenEgress() || first.GetTunnelled())
	}
	country, region := v.shippedTo()
	// An address that hides the laptop does not say where it was.
	if country == "" || first.GetCountry() == "" || first.GetHiddenEgress() || first.GetTunnelled() {
		return
	}
	h.FirstNetworkElsewhere = ptr(first.GetCountry() != country || otherRegion(country, first.GetRegion(), region))
}

// shippedTo returns where the laptop was sent, as far as the roster says.
func (v *view) shippedTo() (country, region string) {
	if to := v.person.GetShipTo(); to != "" {
		country, region, _ = cutPlace(to)
		return country, region
	}
	return v.person.GetCountry(), v.person.GetRegion()
}

func (v *view) placeOf(address string) (Place, bool) {
	addr, err := netip.ParseAddr(address)
	if err != nil || v.f.cfg.Places == nil || !onInternet(addr) {
		return Place{}, false
	}
	return v.f.cfg.Places.Place(addr)
}
