package fleet

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const keptPeers = 16

// operator describes who controls the laptop with tools nobody approved, from
// elsewhere, over the last twenty days. Nil when nobody does.
func (v *view) operator() *fleetv1.Operator {
	today := v.now.Unix() / daySeconds
	o := &fleetv1.Operator{}
	days := make(map[uint32]bool)
	peers := make(map[peerID]*peerSum)
	for _, c := range v.contacts {
		if int64(c.GetDay()) <= today-activeSpan || c.seconds == 0 || c.GetNear() || v.f.mayControl(v.pic, c.Contact, v.person) {
			continue
		}
		date := v.contactDate(c.Contact)
		days[date] = true
		o.Sessions += c.GetSessions()
		id := peerID{c.GetPeer(), c.GetTool(), c.GetRelay()}
		if peers[id] == nil {
			peers[id] = &peerSum{days: make(map[uint32]bool)}
		}
		peers[id].add(c, date)
	}
	if len(days) == 0 {
		return nil
	}
	o.Days = uint32(len(days))
	last := int64(0)
	for _, p := range peers {
		last = max(last, p.last)
	}
	o.LastAt = stamp(last)
	v.peers(o, peers)
	v.routed(o, peers)
	o.ZoneChanged = v.zoneMoved
	o.AccountPeople = v.f.accountPeople(v.self, today)
	if v.phaseHours != nil {
		o.PhaseHours = ptr(*v.phaseHours)
	}
	return o
}

type peerID struct {
	address, tool string
	relay         bool
}

type peerSum struct {
	days        map[uint32]bool
	seconds     uint64
	direct      bool
	rttUs       uint32
	first, last int64
}

func (p *peerSum) add(c contact, date uint32) {
	p.days[date] = true
	p.seconds += c.seconds
	p.direct = p.direct || c.GetDirect()
	if us := c.GetRttMinUs(); us > 0 && (p.rttUs == 0 || us < p.rttUs) {
		p.rttUs = us
	}
	if p.first == 0 || c.GetFirstUnix() < p.first {
		p.first = c.GetFirstUnix()
	}
	p.last = max(p.last, c.GetLastUnix())
}

// peers lists the controlling addresses. Of a relayed session address and country
// are the relay's, and say nothing of who controls but how far the relay is.
func (v *view) peers(o *fleetv1.Operator, sums map[peerID]*peerSum) {
	for id, s := range sums {
		if id.address == "" {
			continue
		}
		p := &fleetv1.Peer{
			Address: id.address, Tool: id.tool, Days: uint32(len(s.days)), Hours: float64(s.seconds) / 3600,
			FirstSeenAt: stamp(s.first), LastSeenAt: stamp(s.last),
		}
		if s.rttUs > 0 {
			p.RttMinMs = ptr(float64(s.rttUs) / 1000)
		}
		if place, ok := v.placeOf(id.address); ok {
			p.AsName = place.ASName
			if s.direct {
				p.Country = place.Country
				p.Anonymised = place.Anonymiser() || place.Hosting
				p.AtDeclaredPlace = !p.GetAnonymised() && v.declaredPlace(place.Country, place.Region)
				p.Foreign = v.foreign(place.Country) && anyOf(s.days, func(day uint32) bool { return v.foreignOn(place.Country, day) })
			}
			if id.relay && place.Country != "" {
				p.RelayCountry = place.Country
				o.FarRelay = ptr(o.GetFarRelay() || v.farRelay(place))
			}
		}
		o.Foreign = o.GetForeign() || p.GetForeign()
		o.Anonymised = o.GetAnonymised() || p.GetAnonymised()
		o.Peers = append(o.Peers, p)
	}
	slices.SortFunc(o.Peers, func(a, b *fleetv1.Peer) int {
		return cmp.Or(cmp.Compare(b.GetHours(), a.GetHours()), cmp.Compare(a.GetAddress(), b.GetAddress()), cmp.Compare(a.GetTool(), b.GetTool()), cmp.Compare(a.GetRelayCountry(), b.GetRelayCountry()))
	})
	for _, p := range o.GetPeers() {
		o.PeerHours += p.GetHours()
	}
	o.Peers = o.GetPeers()[:min(len(o.GetPeers()), keptPeers)]
	for _, p := range o.GetPeers() {
		if p.RttMinMs != nil {
			o.RttMinMs = p.RttMinMs
			break
		}
	}
}

func anyOf(days map[uint32]bool, holds func(day uint32) bool) bool {
	for day := range days {
		if holds(day) {
			return true
		}
	}
	return false
}

// farRelay says whether a relay is abroad and far from where the laptop is
// declared to be: vendors relay near one of the two ends.
func (v *view) farRelay(relay Place) bool {
	const farKilometres = 3000
	home, ok := areaOf(v.person.GetCountry(), v.person.GetRegion())
	there, known := areaOf(relay.Country, relay.Region)
	return ok && known && v.foreign(relay.Country) && kilometres(home.latitude, home.longitude, there)-home.radius-there.radius > farKilometres
}

// zoneChanged says whether the laptop's zone was changed lately away from the
// declared one, not for a journey that is approved or within the country.
func (v *view) zoneChanged() bool {
	declared := v.person.GetTimeZone()
	if declared == "" {
		return false
	}
	for i, z := range v.pic.GetZones() {
		if i == 0 || v.now.Unix()-z.GetAtUnix() > activeSpan*daySeconds || placeless(z.GetZone()) || v.f.zones.sameClock(z.GetZone(), declared) {
			continue
		}
		at := func(country string) bool {
			used, known := v.f.zones.usedIn(z.GetZone(), country)
			return known && used
		}
		if !at(v.person.GetCountry()) && !slices.ContainsFunc(v.person.GetTravelCountries(), at) &&
			!slices.ContainsFunc(v.f.person(v.pic, time.Unix(z.GetAtUnix(), 0)).GetTravelCountries(), at) {
			return true
		}
	}
	return false
}

// phase is by how many hours the middle of the day's use lies from the middle of
// the declared working day (one o'clock where none is declared). Absent without a
// declared zone, with little use, or when use has no middle.
func (v *view) phase() *float64 {
	zone := v.person.GetTimeZone()
	if zone == "" {
		return nil
	}
	if v.f.zones.location(zone) == nil {
		return nil
	}
	const (
		enoughDays  = 5
		enoughSlots = 40  // twenty hours
		together    = 0.3 // length of the mean direction below which use is spread over the clock
	)
	var x, y float64
	days, slots := 0, 0
	for i := range v.active {
		d, before := &v.active[i], slots
		for j := range d.each() {
			p := &d.parts[j]
			var dx, dy float64
			for left := p.slots(); left != 0; left &= left - 1 {
				slot := bits.TrailingZeros64(left)
				slots++
				dx += directions[slot].x
				dy += directions[slot].y
			}
			// The sum is turned to the declared place's clock.
			offset := v.clock.ahead(int64(p.GetDay())*daySeconds + daySeconds/2)
			sin, cos := math.Sincos(float64(offset) * 2 * math.Pi / daySeconds)
			x += dx*cos - dy*sin
			y += dx*sin + dy*cos
		}
		if slots > before {
			days++
		}
	}
	if days < enoughDays || slots < enoughSlots || math.Hypot(x, y) < together*float64(slots) {
		return nil
	}
	middle := math.Atan2(y, x) * 12 / math.Pi
	return ptr(math.Round(wrapHours(middle-v.expectedMiddle())*100) / 100)
}

type direction struct{ x, y float64 }

// directions are the middles of the half hours of a day on a dial of 24 hours.
var directions = func() (table [64]direction) {
	for slot := range table {
		table[slot].y, table[slot].x = math.Sincos((float64(slot)/2 + 0.25) * math.Pi / 12)
	}
	return table
}()

func (v *view) expectedMiddle() float64 {
	if v.person.WorkStartMinute == nil || v.person.WorkEndMinute == nil {
		return 13
	}
	start, end := float64(v.person.GetWorkStartMinute()), float64(v.person.GetWorkEndMinute())
	if end <= start {
		end += 24 * 60
	}
	return (start + end) / 120
}

// wrapHours brings a difference of clock times into -12..12.
func wrapHours(h float64) float64 {
	h = math.Mod(h, 24)
	switch {
	case h > 12:
		return h - 24
	case h < -12:
		return h + 24
	}
	return h
}
