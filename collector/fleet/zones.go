package fleet

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// zoneTable tells which time zones are in use where. Offsets are read from the
// program's time zone database and remembered.
type zoneTable struct{ offsets, locations sync.Map }

// halves are a zone's offsets in January and July: zones that share both show
// the same clock all year, whatever their name.
type halves struct{ january, july int }

// usedIn says whether a zone's clock is shown in a country. known is false when
// either is not in the tables: an abbreviation, UTC, a new country.
func (z *zoneTable) usedIn(zone, country string) (used, known bool) {
	zones, ok := countryZones[country]
	if !ok || placeless(zone) {
		return false, false
	}
	if slices.Contains(zones, zone) {
		return true, true
	}
	own, ok := z.halves(zone)
	if !ok {
		return false, false
	}
	for _, other := range zones {
		if h, ok := z.halves(other); ok && h == own {
			return true, true
		}
	}
	return false, true
}

// placeless says whether a zone names no place: an abbreviation, UTC or an offset.
func placeless(zone string) bool {
	return !strings.Contains(zone, "/") || strings.HasPrefix(zone, "Etc/")
}

// sameClock says whether two zones show the same time all year.
func (z *zoneTable) sameClock(a, b string) bool {
	if a == b {
		return true
	}
	x, ok := z.halves(a)
	y, ok2 := z.halves(b)
	return ok && ok2 && x == y
}

func (z *zoneTable) halves(zone string) (halves, bool) {
	if h, ok := z.offsets.Load(zone); ok {
		return h.(halves), true
	}
	loc := z.location(zone)
	if loc == nil {
		return halves{}, false
	}
	year := 2026 // any year after the zones' last changes; fixed, so that replays agree
	var h halves
	_, h.january = time.Date(year, 1, 15, 0, 0, 0, 0, loc).Zone()
	_, h.july = time.Date(year, 7, 15, 0, 0, 0, 0, loc).Zone()
	z.offsets.Store(zone, h)
	return h, true
}

// location returns a zone's clock, nil for what is no zone. Names that are none are
// not remembered: laptops could send any number of them.
func (z *zoneTable) location(zone string) *time.Location {
	if loc, ok := z.locations.Load(zone); ok {
		return loc.(*time.Location)
	}
	if zone == "" || zone == "Local" {
		return nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil
	}
	z.locations.Store(zone, loc)
	return loc
}
