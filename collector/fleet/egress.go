package fleet

import (
	"net/netip"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// mostReportedVPN is the consumer VPN that public cases of laptop farms name most.
const mostReportedVPN = "astrill"

// egressNow describes where traffic leaves. Nil before any address was seen.
func (v *view) egressNow() *fleetv1.Egress {
	e := &fleetv1.Egress{TimeZone: v.pic.GetTimeZone(), Ways: v.ways()}
	last := v.egress[lastEgress(v.pic).GetId()]
	if last == nil && e.GetTimeZone() == "" && len(v.pic.GetTools()) == 0 && v.pic.GetNetwork() == nil {
		return nil
	}
	if last != nil {
		e.Address, e.Country, e.Region = last.GetAddress(), last.GetCountry(), last.GetRegion()
		e.Asn, e.AsName = last.GetAsn(), last.GetAsName()
		e.Hosting, e.Anonymiser, e.Company = last.GetHosting(), last.GetAnonymiser(), last.GetCompany()
		e.Foreign, e.HighRisk, e.ZoneMismatch = v.elsewhere(last, last.GetLastUnix())
		e.ZoneCountry = last.GetCountry()
		if physical := v.physicalNow(); physical != nil {
			v.twoWays(e, last, physical)
		}
		if !e.GetZoneMismatch() {
			e.ZoneCountry = ""
		}
	}
	for i := range v.active {
		d := &v.active[i]
		v.slip(e, d)
		if v.foreignDay(d) {
			e.ForeignDays++
		}
		if by := d.left; !by.GetCompany() && (by.GetHosting() || by.GetAnonymiser()) {
			e.HiddenDays++
		}
	}
	v.consumerVPN(e)
	if v.pic.GetPeerMss() > 0 {
		e.PeerMss = ptr(v.pic.GetPeerMss())
	}
	return e
}

// elsewhere says whether an egress is where the laptop should not be. The company's own
// stands where the company is, not the laptop.
func (v *view) elsewhere(x *fleetv1.EgressState, at int64) (foreign, highRisk, zoneMismatch bool) {
	if x.GetCompany() {
		return false, false, false
	}
	country := x.GetCountry()
	return v.foreign(country) && !v.travelled(country, at, at),
		v.f.highRisk[country] && !v.declared(country) && !v.f.home[country], v.zoneMismatch(x)
}

// foreignDay says whether the laptop was elsewhere for most reports of a day: by its own
// interface, or by where they arrived from unless that only hides it.
func (v *view) foreignDay(d *workday) bool {
	is := func(x *fleetv1.EgressState) bool {
		return x != nil && !x.GetCompany() && v.foreignOn(x.GetCountry(), d.date)
	}
	stood, left := d.stood, d.left
	return is(stood) || is(left) && (stood == nil || !v.explains(stood, left))
}

// explains says whether a laptop can stand at one egress while its traffic leaves by the
// other: that one hides laptops, and is in no country that is never explained. The
// laptop brought the first back itself, so that it clears nobody of what a collector saw.
func (v *view) explains(stands, leaves *fleetv1.EgressState) bool {
	leadsAway := hides(leaves) || !leaves.GetUntunnelled() && v.f.consumerTunnel(v.pic.GetNetwork())
	return leadsAway && !v.f.highRisk[leaves.GetCountry()] || stands.GetCountry() == leaves.GetCountry()
}

// consumerTunnel says whether all traffic leaves through a consumer VPN: address data do not know
// all of its exits.
func (f *Fleet) consumerTunnel(n *fleetv1.NetworkState) bool {
	return slices.ContainsFunc(n.GetTunnels(), func(t *fleetv1.TunnelState) bool {
		return t.GetDefaultRoute() && f.category(t.GetTool()) == "consumer-vpn"
	})
}

// twoWays describes a laptop whose traffic takes another way than its own interface.
func (v *view) twoWays(e *fleetv1.Egress, leaves, physical *fleetv1.EgressState) {
	var mismatch bool
	e.PhysicalForeign, e.PhysicalHighRisk, mismatch = v.elsewhere(physical, physical.GetPhysicalUnix())
	if tunnelled(v.pic.GetNetwork()) && v.explains(physical, leaves) {
		e.Foreign, e.HighRisk = false, false
		e.ZoneMismatch, e.ZoneCountry = mismatch, physical.GetCountry()
	}
	e.PhysicalAddress, e.PhysicalCountry, e.PhysicalRegion = physical.GetAddress(), physical.GetCountry(), physical.GetRegion()
	e.PhysicalAsName = physical.GetAsName()
	explained := leaves.GetCompany() || physical.GetCompany() ||
		slices.ContainsFunc(v.pic.GetNetwork().GetTunnels(), func(t *fleetv1.TunnelState) bool {
			return t.GetDefaultRoute() && v.f.mayUse(v.pic, t.GetTool(), v.person, v.now)
		})
	e.PathsDisagree = !explained && leaves.GetCountry() != "" && physical.GetCountry() != "" &&
		(leaves.GetCountry() != physical.GetCountry() || leaves.GetAsn() != physical.GetAsn())
}

// slip notes a day on which traffic left abroad by an address that hides nobody:
// what a VPN that drops for a moment shows. Days come latest first. A moment counts on
// one date only: on its own where the address was seen on no other.
func (v *view) slip(e *fleetv1.Egress, d *workday) {
	seen := ""
	for i := range d.each() {
		p := &d.parts[i]
		for _, x := range p.GetEgress() {
			if x.GetReports() == 0 {
				continue // its own interface stood there; nothing left by it
			}
			from := v.egress[x.GetId()]
			first, last := v.clock.date(from.GetFirstUnix()), v.clock.date(max(from.GetLastUnix(), from.GetPhysicalUnix()))
			if first == last && d.date != first || first != last && !p.main {
				continue
			}
			if from.GetCompany() || from.GetHosting() || from.GetAnonymiser() || !v.foreignOn(from.GetCountry(), d.date) {
				continue
			}
			if seen == "" || from.GetCountry() < seen {
				seen = from.GetCountry()
			}
		}
	}
	if seen == "" {
		return
	}
	if e.GetSlipDays() == 0 {
		e.SlipCountry, e.SlipHighRisk = seen, v.f.highRisk[seen]
	}
	e.SlipDays++
}

// mainEgress returns where the laptop stood for most reports of a day: by its own
// interface where that is known and can be, else by where they arrived from.
func (v *view) mainEgress(d *workday) *fleetv1.EgressState {
	stood, left := d.stood, d.left
	if stood != nil && (left == nil || v.explains(stood, left)) {
		return stood
	}
	return left
}

// mostOf returns the egress of a day with the highest of one count; nil where none has
// any.
func (v *view) mostOf(d *workday, count func(*fleetv1.DayEgress) uint32) *fleetv1.EgressState {
	var main *fleetv1.EgressState
	most := 0.0
	for i := range d.each() {
		p := &d.parts[i]
		for _, e := range p.GetEgress() {
			n := float64(count(e)) * p.share()
			if i+1 < d.n {
				other := &d.parts[i+1]
				n += float64(reportsBy(other.Day, e.GetId(), count)) * other.share()
			}
			x := v.egress[e.GetId()]
			if n > most || n > 0 && n == most && x.GetAddress() < main.GetAddress() {
				main, most = x, n
			}
		}
	}
	return main
}

func reportsBy(d *fleetv1.Day, egress uint32, count func(*fleetv1.DayEgress) uint32) uint32 {
	for _, e := range d.GetEgress() {
		if e.GetId() == egress {
			return count(e)
		}
	}
	return 0
}

// consumerVPN names a consumer VPN that carries the default route or runs now.
func (v *view) consumerVPN(e *fleetv1.Egress) {
	found := func(id string) {
		if v.f.category(id) != "consumer-vpn" || v.f.mayUse(v.pic, id, v.person, v.now) || e.GetMostReportedVpn() {
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
	if v.person.GetCountry() != "" && e.GetCountry() != v.person.GetCountry() &&
		(v.declared(e.GetCountry()) || v.travelled(e.GetCountry(), e.GetLastUnix(), e.GetLastUnix())) {
		return false
	}
	// Whoever is on approved travel may leave through home and keep the hours of the place.
	if slices.ContainsFunc(v.person.GetTravelCountries(), func(country string) bool {
		used, known := v.f.zones.usedIn(v.pic.GetTimeZone(), country)
		return known && used
	}) {
		return false
	}
	used, known := v.f.zones.usedIn(v.pic.GetTimeZone(), e.GetCountry())
	return known && !used
}

// placeHistory says where the laptop has been.
func (v *view) placeHistory() *fleetv1.PlaceHistory {
	h := &fleetv1.PlaceHistory{ZoneChanged: v.zoneMoved, PhaseHours: v.phaseHours}
	through := uint32(0) // days on which a tunnel led to somebody's line in the declared country
	h.Networks_20D, h.Moves = v.moves()
	for i := range v.active {
		d := &v.active[i]
		if d.atOffice() {
			h.OfficeDays++
		}
		main := v.mainEgress(d)
		if main.GetCountry() == "" || main.GetCompany() {
			continue
		}
		h.KnownDays++
		// A tunnel for an hour hides nothing of a day that mostly left without one.
		switch clean := main.GetUntunnelled() && !hides(main); {
		case clean && v.declaredPlace(main.GetCountry(), main.GetRegion()):
			h.DeclaredDays++
		case clean && main.GetCountry() == v.person.GetCountry():
			h.ElsewhereDays++
		case !clean && !hides(main) && main.GetCountry() == v.person.GetCountry():
			through++
		}
	}
	if there := h.GetDeclaredDays() + h.GetElsewhereDays() + through; there > 0 && v.distant() {
		h.DistantDays, h.DeclaredDays, h.ElsewhereDays = there, 0, 0
	}
	h.EverDeclared = slices.ContainsFunc(v.pic.GetCleanPlaces(), v.wasHome)
	v.openly(h)
	v.firstNetwork(h)
	if n := v.pic.GetNetwork(); n != nil {
		h.BusinessNeighbours, h.KvmNeighbours, h.BoardNeighbours = n.BusinessNeighbours, n.KvmNeighbours, n.BoardNeighbours
	}
	return h
}

// hiddenRarely is how many days openly abroad make up for one behind a tunnel: people
// abroad use a hotel's proxy or a VPN for a day, and who hides does so nearly always.
const hiddenRarely = 4

// openly says whether the laptop is abroad without hiding it. Before its first day of
// use the last report tells.
func (v *view) openly(h *fleetv1.PlaceHistory) {
	hidden, risky := uint32(0), false
	standsIn := func(country string, day uint32, straight bool) {
		switch {
		case !v.foreignOn(country, day):
		// Whoever hides there does not send everything from there.
		case !straight && v.f.highRisk[country] && !v.f.home[country]:
			risky = true
		default:
			h.OpenDays++
		}
	}
	look := func(left, stood *fleetv1.EgressState, day uint32) {
		switch open := left.GetUntunnelled() && !hides(left); {
		case left.GetCompany():
			// The company's own network hides nobody from the company.
			if stood != nil && !stood.GetCompany() && !hides(stood) {
				standsIn(stood.GetCountry(), day, false)
			}
		case left.GetCountry() == "":
		case open && (stood == nil || stood.GetCountry() == left.GetCountry()):
			standsIn(left.GetCountry(), day, true)
		// An exit abroad makes nobody look as if they were at home.
		case v.foreign(left.GetCountry()):
			if stood != nil && !hides(stood) {
				standsIn(stood.GetCountry(), day, false)
			}
		default:
			hidden++
		}
	}
	for i := range v.active {
		d := &v.active[i]
		look(d.left, d.stood, d.date)
	}
	if len(v.active) == 0 {
		look(v.egress[lastEgress(v.pic).GetId()], v.physicalNow(), v.clock.date(v.now.Unix()))
	}
	h.OpenlyAbroad = h.GetOpenDays() > 0 && !risky && hidden*hiddenRarely <= h.GetOpenDays()
}

// declaredPlace says whether a place is the declared one. Address data without
// regions can only speak of the country.
func (v *view) declaredPlace(country, region string) bool {
	if asked := (Place{Country: country, Region: region}); v.asked != asked {
		v.asked, v.answer = asked, v.compareDeclared(country, region)
	}
	return v.answer
}

func (v *view) compareDeclared(country, region string) bool {
	return country != "" && country == v.person.GetCountry() && !otherRegion(country, region, v.person.GetRegion())
}

// firstNetwork compares the first network with where the laptop was shipped.
func (v *view) firstNetwork(h *fleetv1.PlaceHistory) {
	first := v.pic.GetFirstNetwork()
	if first == nil {
		return
	}
	h.FirstNetworkAt = stamp(first.GetAtUnix())
	hidden := first.GetHiddenEgress() || first.GetTunnelled() && !first.GetPhysical()
	if first.GetCountry() != "" || first.Tunnelled != nil {
		// A tunnel beside which its own interface is seen in the declared country hides nothing.
		open := first.GetPhysical() && !first.GetHiddenEgress() && first.GetCountry() == v.person.GetCountry() && first.GetCountry() != ""
		h.HiddenFromDayOne = ptr(!open && (first.GetHiddenEgress() || first.GetTunnelled()))
	}
	country, region := v.shippedTo()
	// An address that hides the laptop does not say where it was.
	if country == "" || first.GetCountry() == "" || hidden {
		return
	}
	elsewhere := first.GetCountry() != country || otherRegion(country, first.GetRegion(), region)
	// Laptops are shipped to offices and picked up there.
	h.FirstNetworkElsewhere = ptr(elsewhere && !v.declaredPlace(first.GetCountry(), first.GetRegion()))
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
