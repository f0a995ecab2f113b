package roster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/roster"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestDoubts(t *testing.T) {
	t.Parallel()
	declared := func(country string) *fleetv1.Person { return &fleetv1.Person{Country: country} }
	at := func(person *fleetv1.Person, egress *fleetv1.Egress, place *fleetv1.PlaceHistory) *fleetv1.Device {
		return &fleetv1.Device{Person: person, Egress: egress, Place: place}
	}
	home := at(declared("US"), &fleetv1.Egress{Country: "US"}, &fleetv1.PlaceHistory{KnownDays: 5, DeclaredDays: 5})
	abroad := at(declared("US"), &fleetv1.Egress{Country: "DE", Foreign: true}, &fleetv1.PlaceHistory{KnownDays: 5, OpenDays: 5})
	// Where it was last week counts beside where it is now.
	travelling := at(declared("US"), &fleetv1.Egress{Country: "DE", Foreign: true}, &fleetv1.PlaceHistory{KnownDays: 5, OpenDays: 2, DeclaredDays: 3})
	hidden := at(declared("US"), &fleetv1.Egress{Country: "DE", Foreign: true, Anonymiser: true}, &fleetv1.PlaceHistory{KnownDays: 5})
	unseen := at(declared("US"), nil, nil)
	far := &fleetv1.Device{Person: declared("US"), Distance: &fleetv1.Distance{RttMinMs: new(180.0), LikelyMaxMs: new(90.0)}}
	near := &fleetv1.Device{Person: declared("US"), Distance: &fleetv1.Distance{RttMinMs: new(20.0), LikelyMaxMs: new(90.0), PossibleMinMs: new(1.0)}}
	tooNear := &fleetv1.Device{Distance: &fleetv1.Distance{RttMinMs: new(10.0), PossibleMinMs: new(70.0)}}
	satellite := &fleetv1.Device{Person: declared("US"), Distance: &fleetv1.Distance{RttMinMs: new(600.0), LikelyMaxMs: new(90.0)}}
	region := func(declared, elsewhere uint32) *fleetv1.Device {
		return at(&fleetv1.Person{Country: "US", Region: "OH"}, nil, &fleetv1.PlaceHistory{KnownDays: 9, DeclaredDays: declared, ElsewhereDays: elsewhere})
	}
	shipped := func(elsewhere bool) *fleetv1.Device {
		return at(&fleetv1.Person{ShipTo: "US-OH"}, nil, &fleetv1.PlaceHistory{FirstNetworkElsewhere: proto.Bool(elsewhere)})
	}
	awake := func(phase any) *fleetv1.Device {
		place := &fleetv1.PlaceHistory{}
		switch x := phase.(type) {
		case int:
			place.PhaseHours = new(float64(x))
		case float64:
			place.PhaseHours = &x
		}
		return at(&fleetv1.Person{TimeZone: "Asia/Tokyo"}, nil, place)
	}
	offshore := &fleetv1.Device{Person: &fleetv1.Person{Country: "US", Offshore: true}}
	for name, test := range map[string]struct {
		home    []string
		place   string
		devices []*fleetv1.Device
		want    []roster.Doubt
	}{
		"nobody":                    {},
		"a case is no doubt":        {devices: []*fleetv1.Device{abroad, abroad}},
		"few among many":            {devices: []*fleetv1.Device{abroad, abroad, abroad, home, home, home, home}},
		"travellers were at home":   {devices: []*fleetv1.Device{travelling, travelling, travelling}},
		"hidden is not openly seen": {devices: []*fleetv1.Device{hidden, hidden, hidden}},
		"the unseen do not count": {
			devices: []*fleetv1.Device{abroad, abroad, abroad, home, unseen, unseen, unseen, unseen},
			want: []roster.Doubt{{
				Line: "country US", Laptops: 4, Otherwise: 3,
				Sentence: "3 of 4 laptops declared in country US are seen openly in another, 3 of them in DE; is the country right?",
			}},
		},
		"place": {
			place: "40, -83", devices: []*fleetv1.Device{far, far, tooNear, near, satellite, satellite},
			want: []roster.Doubt{{
				Line: "place 40, -83", Laptops: 4, Otherwise: 3,
				Sentence: "Round trips of 3 of 4 laptops do not fit where they are declared and seen and the collector's place 40, -83; is place right?",
			}},
		},
		"a farm's few of a region": {devices: []*fleetv1.Device{region(0, 3), region(0, 3), region(0, 3), region(0, 3), region(0, 3)}},
		"no place is told":         {devices: []*fleetv1.Device{far, far, far}},
		"region": {
			devices: []*fleetv1.Device{region(0, 3), region(0, 3), region(0, 1), region(0, 1), region(0, 1), region(0, 1), region(1, 1)},
			want: []roster.Doubt{{
				Line: "region US-OH", Laptops: 7, Otherwise: 6,
				Sentence: "6 of 7 laptops declared in region US-OH, and seen in that country, are seen elsewhere in it; is the region right?",
			}},
		},
		"shipped": {
			devices: []*fleetv1.Device{shipped(true), shipped(true), shipped(true), shipped(true), shipped(true), shipped(true), shipped(false)},
			want: []roster.Doubt{{
				Line: "ship_to US-OH", Laptops: 7, Otherwise: 6,
				Sentence: "6 of 7 laptops shipped to US-OH had their first network elsewhere; is ship_to right?",
			}},
		},
		"zone": {
			devices: []*fleetv1.Device{awake(-8), awake(7), awake(6), awake(6), awake(9.5), awake(-6), awake(5), awake(-2), awake(nil)},
			want: []roster.Doubt{{
				Line: "time_zone Asia/Tokyo", Laptops: 8, Otherwise: 6,
				Sentence: "6 of 8 laptops declared in zone Asia/Tokyo have their active day six hours or more apart from the working one; are time_zone and working hours right?",
			}},
		},
		"home countries": {
			home: []string{"DE", "FR"}, devices: []*fleetv1.Device{offshore, offshore, offshore},
			want: []roster.Doubt{{
				Line: "home_countries DE, FR", Laptops: 3, Otherwise: 3,
				Sentence: "3 of 3 laptops are declared outside of the home countries DE, FR, 3 of them in US, so that being abroad is not held against them; are home_countries right?",
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := roster.Survey{Home: test.home, Place: test.place}
			for _, d := range test.devices {
				s.Count(d)
			}
			if diff := cmp.Diff(test.want, s.Doubts()); diff != "" {
				t.Errorf("doubts (-want +got):\n%s", diff)
			}
			if s.Laptops() != len(test.devices) {
				t.Errorf("%d laptops were counted, want %d", s.Laptops(), len(test.devices))
			}
		})
	}
}
