package roster

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/collector/fleet"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Doubt is one line of what the company says that many laptops contradict together: more
// often a mistake in it than so many laptops elsewhere. It excuses none of them.
type Doubt struct {
	// Line is the column and what it says: country DE.
	Line string
	// Laptops are those that it is said of and of which it can be told whether it holds,
	// Otherwise those of them that are seen otherwise.
	Laptops, Otherwise int
	// Sentence says it whole.
	Sentence string
}

const (
	// fewestOtherwise are as many laptops as make a line doubtful: one or two are a case. Of
	// lines that few are said of, a farm's laptops can be most, so that it takes more.
	fewestOtherwise, fewestOfFew = 3, 6
	// doubtfulShare is one in so many of those that the line is said of.
	doubtfulShare = 2
	// strangeHours is by how much the active day lies apart from the working one where somebody
	// lives in another zone.
	strangeHours = 6
)

// Survey counts which lines of a roster, and of the configuration, laptops contradict.
type Survey struct {
	// Home are the configuration's home countries, and Place where the collector stands
	// by it, in words; both may be empty.
	Home  []string
	Place string

	laptops int
	lines   map[line]*standing
}

// line is what is said: a column and its value.
type line struct{ column, value string }

// standing is how a line stands up to what is seen.
type standing struct {
	laptops, otherwise int
	where              map[string]int // seen instead, where that can be said
}

// Laptops returns how many were counted.
func (s *Survey) Laptops() int { return s.laptops }

// Count takes a laptop in, as it is seen beside what is declared of it.
func (s *Survey) Count(d *fleetv1.Device) {
	s.laptops++
	person, place := d.GetPerson(), d.GetPlace()
	near := place.GetDeclaredDays() + place.GetElsewhereDays() + place.GetDistantDays() // days in the declared country
	if person.GetCountry() != "" && place.GetKnownDays() > 0 {
		e := d.GetEgress()
		open := e.GetForeign() && !e.GetHosting() && !e.GetAnonymiser() && !e.GetCompany()
		instead := ""
		if open {
			instead = e.GetCountry()
		}
		s.count("country", person.GetCountry(), near == 0 && (open || place.GetOpenDays() > 0), instead)
	}
	if person.GetRegion() != "" && place.GetDeclaredDays()+place.GetElsewhereDays() > 0 {
		s.count("region", person.GetCountry()+"-"+person.GetRegion(), place.GetDeclaredDays() == 0, "")
	}
	if person.GetShipTo() != "" && place != nil && place.FirstNetworkElsewhere != nil {
		s.count("ship_to", person.GetShipTo(), place.GetFirstNetworkElsewhere(), "")
	}
	if person.GetTimeZone() != "" && place != nil && place.PhaseHours != nil {
		s.count("time_zone", person.GetTimeZone(), math.Abs(place.GetPhaseHours()) >= strangeHours, "")
	}
	if len(s.Home) > 0 && person.GetCountry() != "" {
		s.count("home_countries", strings.Join(s.Home, ", "), person.GetOffshore(), person.GetCountry())
	}
	if misfits, told := misplaced(d.GetDistance()); told && s.Place != "" {
		s.count("place", s.Place, misfits, "")
	}
}

// misplaced says whether round trips are too long or too short for where the laptop is
// declared and seen; it tells nothing of one without both, or by a satellite.
func misplaced(d *fleetv1.Distance) (misfits, told bool) {
	ms := d.GetRttMinMs()
	if d == nil || d.RttMinMs == nil || ms >= fleet.SatelliteMs || d.LikelyMaxMs == nil && d.PossibleMinMs == nil {
		return false, false
	}
	long := d.LikelyMaxMs != nil && ms > max(d.GetLikelyMaxMs(), d.GetLikelyViaMaxMs())
	return long || d.PossibleMinMs != nil && ms < d.GetPossibleMinMs(), true
}

func (s *Survey) count(column, value string, otherwise bool, instead string) {
	if s.lines == nil {
		s.lines = make(map[line]*standing)
	}
	at := line{column, value}
	if s.lines[at] == nil {
		s.lines[at] = &standing{where: make(map[string]int)}
	}
	x := s.lines[at]
	x.laptops++
	if otherwise {
		x.otherwise++
	}
	if otherwise && instead != "" {
		x.where[instead]++
	}
}

// Doubts returns the lines that at least half of their laptops contradict, and at least
// three, of a region, a zone and where laptops were shipped six; those that most contradict
// first.
func (s *Survey) Doubts() []Doubt {
	var all []Doubt
	for at, x := range s.lines {
		fewest := fewestOtherwise
		if slices.Contains([]string{"region", "ship_to", "time_zone"}, at.column) {
			fewest = fewestOfFew
		}
		if x.otherwise >= fewest && x.otherwise*doubtfulShare >= x.laptops {
			all = append(all, Doubt{Line: at.column + " " + at.value, Laptops: x.laptops, Otherwise: x.otherwise, Sentence: x.sentence(at)})
		}
	}
	slices.SortFunc(all, func(a, b Doubt) int {
		return cmp.Or(cmp.Compare(b.Otherwise, a.Otherwise), strings.Compare(a.Line, b.Line))
	})
	return all
}

// sentence says what is seen and what follows from it.
func (x *standing) sentence(at line) string {
	of := fmt.Sprintf("%d of %d laptops", x.otherwise, x.laptops)
	switch at.column {
	case "country":
		return fmt.Sprintf("%s declared in country %s are seen openly in another%s; is the country right?", of, at.value, x.most())
	case "region":
		return fmt.Sprintf("%s declared in region %s, and seen in that country, are seen elsewhere in it; is the region right?", of, at.value)
	case "ship_to":
		return fmt.Sprintf("%s shipped to %s had their first network elsewhere; is ship_to right?", of, at.value)
	case "time_zone":
		return fmt.Sprintf("%s declared in zone %s have their active day six hours or more apart from the working one; are time_zone and working hours right?", of, at.value)
	case "home_countries":
		return fmt.Sprintf("%s are declared outside of the home countries %s%s, so that being abroad is not held against them; are home_countries right?", of, at.value, x.most())
	}
	return fmt.Sprintf("Round trips of %s do not fit where they are declared and seen and the collector's place %s; is place right?", of, at.value)
}

// most names what is seen instead most often.
func (x *standing) most() string {
	names := slices.SortedFunc(maps.Keys(x.where), func(a, b string) int {
		return cmp.Or(cmp.Compare(x.where[b], x.where[a]), strings.Compare(a, b))
	})
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them in %s", x.where[names[0]], names[0])
}
