package fleet

import (
	"math"
	"math/bits"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// tooLongMs is by how much a round trip must exceed what is likely from the declared
	// place to be from somewhere else: ten thousand kilometres of glass.
	tooLongMs = 100
	// Where little is likely, less is too much: several times what the way can take.
	tooLongNearMs, tooLongTimes = 85, 2.5
	// SatelliteMs is what a way by a geostationary satellite takes at least, wherever
	// it is used.
	SatelliteMs = 450
	// plausibleDays and plausibleHours are over how many days and hours of the clock
	// no round trip may have been shorter: lines are busy at times, never always.
	plausibleDays, plausibleHours = 5, 8
)

// tooLong says whether a round trip of so many milliseconds is one from the other side of
// the world where at most likely ones were to be expected.
func tooLong(ms, likely float64) bool {
	return (ms >= likely+tooLongMs || ms >= likely+tooLongNearMs && ms >= likely*tooLongTimes) && ms < SatelliteMs
}

// distant says whether the laptop cannot be where ordinary addresses of the declared
// country say that it is: somebody's router there only passes its traffic on. A journey
// with a way home looks the same for as long as it lasts, so that none may be approved, and
// a single short round trip of the last days refutes it.
func (v *view) distant() bool {
	here := v.f.cfg.Company
	if here.Latitude == 0 && here.Longitude == 0 || len(v.person.GetTravelCountries()) > 0 {
		return false
	}
	declared, ok := areaOf(v.person.GetCountry(), v.person.GetRegion())
	if !ok {
		return false
	}
	shortest, hours := uint32(math.MaxUint32), uint32(0)
	days, latest := 0, uint32(0)
	oldest := v.pic.GetLastReceivedUnix()/daySeconds - activeSpan
	for i, day := range v.pic.GetDays() {
		us := day.GetRttMinUs()
		if us == 0 || int64(day.GetDay()) <= oldest {
			continue
		}
		if date := v.dates[i]; days == 0 || date != latest {
			days, latest = days+1, date
		}
		shortest, hours = min(shortest, us), hours|day.GetRttHours()
	}
	ms := float64(shortest) / 1000
	if days < plausibleDays || bits.OnesCount32(hours) < plausibleHours || !tooLong(ms, v.likelyHome(declared)) {
		return false
	}
	via := v.viaExits(declared)
	return via == nil || tooLong(ms, *via)
}

// likelyHome is the longest round trip that is likely from the declared place.
func (v *view) likelyHome(declared area) float64 {
	here := v.f.cfg.Company
	return likelyMs(kilometres(here.Latitude, here.Longitude, declared) + declared.radius)
}

// wasHome says whether the laptop was once at the declared place, as far as the addresses and
// the shortest round trip by each of them tell.
func (v *view) wasHome(p *fleetv1.CleanPlace) bool {
	if !v.declaredPlace(p.GetCountry(), p.GetRegion()) {
		return false
	}
	here := v.f.cfg.Company
	declared, ok := areaOf(v.person.GetCountry(), v.person.GetRegion())
	if !ok || here.Latitude == 0 && here.Longitude == 0 {
		return true
	}
	return !tooLong(float64(p.GetRttMinUs())/1000, v.likelyHome(declared))
}
