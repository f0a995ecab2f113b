package fleet

import (
	"math"
	"math/bits"
	"slices"
	"strings"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// kmPerMs is what light in fibre covers there and back in a millisecond.
	kmPerMs = 100
	// detour is by how much real paths are longer than the great circle, and slackMs
	// what the last mile and the laptop add even at their best.
	detour  = 2
	slackMs = 40
)

// distance says what round trips to the collector tell. Nil without any.
func (v *view) distance() *fleetv1.Distance {
	d := &fleetv1.Distance{}
	var minima []float64
	hours, latest := uint32(0), uint32(0)
	for i, day := range v.pic.GetDays() {
		us := day.GetRttMinUs()
		if us == 0 || int64(day.GetDay()) <= v.pic.GetLastReceivedUnix()/daySeconds-activeSpan {
			continue
		}
		hours |= day.GetRttHours()
		ms, date := float64(us)/1000, v.dates[i]
		if n := len(minima); n > 0 && date == latest {
			minima[n-1] = min(minima[n-1], ms)
			continue
		}
		minima, latest = append(minima, ms), date
	}
	if len(minima) == 0 {
		return nil
	}
	slices.Sort(minima)
	d.RttMinMs, d.RttMedianMs = ptr(minima[0]), ptr(median(minima))
	d.Days, d.Hours = uint32(len(minima)), uint32(bits.OnesCount32(hours))
	here := v.f.cfg.Company
	if here.Latitude == 0 && here.Longitude == 0 {
		return d
	}
	if there, ok := areaOf(v.person.GetCountry(), v.person.GetRegion()); ok {
		d.LikelyMaxMs = ptr(v.likelyHome(there))
		d.LikelyViaMaxMs = v.viaExits(there)
	}
	if last := v.egress[lastEgress(v.pic).GetId()]; last != nil && !last.GetCompany() {
		if there, ok := areaOf(last.GetCountry(), ""); ok {
			nearest := max(kilometres(here.Latitude, here.Longitude, there)-there.radius, 0)
			d.PossibleMinMs = ptr(math.Round(nearest / kmPerMs))
		}
	}
	return d
}

// likelyMs is what a way of so many kilometres takes there and back at its best.
func likelyMs(km float64) float64 { return math.Round(km/kmPerMs*detour + slackMs) }

// viaExits is the longest way from the declared place to the collector by an address that
// explains a longer one: a VPN's exit across the country makes every round trip long, and
// says nothing of where the laptop is. An open address abroad explains nothing: that it
// is far is what is asked.
func (v *view) viaExits(declared area) *float64 {
	var longest *float64
	var asked *fleetv1.EgressState
	by := func(exit *fleetv1.EgressState) {
		if exit == nil || exit == asked {
			return
		}
		asked = exit
		if ms, ok := v.viaExit(declared, exit); ok && (longest == nil || ms > *longest) {
			longest = ptr(ms)
		}
	}
	for i := range v.active {
		d := &v.active[i]
		if by(d.left); !d.left.GetCompany() {
			continue
		}
		// Through the company's network nobody measures: what was, was by the others.
		for j := range d.each() {
			for _, e := range d.parts[j].GetEgress() {
				if e.GetReports() > 0 {
					by(v.egress[e.GetId()])
				}
			}
		}
	}
	return longest
}

// viaExit is the longest way by one exit, if it explains any.
func (v *view) viaExit(declared area, exit *fleetv1.EgressState) (ms float64, ok bool) {
	hidden := hides(exit) || !exit.GetUntunnelled()
	if exit.GetCompany() || !hidden && (exit.GetCountry() != v.person.GetCountry() || v.declaredPlace(exit.GetCountry(), exit.GetRegion())) {
		return 0, false
	}
	stands := area{latitude: float64(exit.GetLatitude()), longitude: float64(exit.GetLongitude())}
	if stands == (area{}) {
		if stands, ok = areaOf(exit.GetCountry(), exit.GetRegion()); !ok {
			return 0, false
		}
	}
	here := v.f.cfg.Company
	return likelyMs(kilometres(declared.latitude, declared.longitude, stands) + declared.radius +
		kilometres(here.Latitude, here.Longitude, stands) + 2*stands.radius), true
}

// area is a country or region as a circle that holds it.
type area struct{ latitude, longitude, radius float64 }

// areaOf returns the circle of a region where it is known, else of its country.
func areaOf(country, region string) (area, bool) {
	if country == "US" {
		if a, ok := states[stateCode(region)]; ok {
			return a, true
		}
	}
	a, ok := countries[country]
	return a, ok
}

// kilometres is the great-circle distance to an area's middle.
func kilometres(latitude, longitude float64, to area) float64 {
	const earth = 6371
	rad := math.Pi / 180
	a, b := latitude*rad, to.latitude*rad
	h := math.Pow(math.Sin((b-a)/2), 2) + math.Cos(a)*math.Cos(b)*math.Pow(math.Sin((to.longitude-longitude)*rad/2), 2)
	return 2 * earth * math.Asin(math.Sqrt(min(h, 1)))
}

// stateCode returns the postal code of an American state written as code or name.
func stateCode(region string) string {
	region = strings.ToUpper(strings.TrimSpace(region))
	region = strings.TrimPrefix(region, "US-")
	if code, ok := stateNames[region]; ok {
		return code
	}
	return region
}

// otherRegion says whether two regions of a country lie apart for certain. Address
// data often names the state next door, so that only American states, whose places
// are known, can be told apart, and only where they do not border on each other.
func otherRegion(country, a, b string) bool {
	if country != "US" {
		return false
	}
	x, ok := states[stateCode(a)]
	y, ok2 := states[stateCode(b)]
	return ok && ok2 && kilometres(x.latitude, x.longitude, y) > x.radius+y.radius
}

// cutPlace splits COUNTRY or COUNTRY-REGION.
func cutPlace(place string) (country, region string, ok bool) {
	country, region, _ = strings.Cut(strings.TrimSpace(place), "-")
	country = strings.ToUpper(country)
	return country, region, len(country) == 2
}
