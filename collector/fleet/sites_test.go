package fleet

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// told puts a site into words: members with when they came and what ties them, then who left.
func told(v *SiteView) string {
	if v == nil {
		return "none"
	}
	day := func(m *fleetv1.SiteMember) string {
		on := func(t time.Time) int { return int(t.Sub(monday) / (24 * time.Hour)) }
		return fmt.Sprintf("%s %d-%d", m.GetDevice(), on(m.GetCameAt().AsTime()), on(m.GetLastSeenAt().AsTime()))
	}
	words := []string{fmt.Sprintf("%s %q of %d", v.Row.GetKind(), v.Row.GetName(), v.Row.GetPeople())}
	for _, m := range v.Members {
		var ties []string
		for _, t := range m.GetTies() {
			ties = append(ties, t.GetKind()+" "+strings.Join(t.GetWith(), " "))
		}
		words = append(words, day(m)+" ("+strings.Join(ties, ", ")+")")
	}
	for _, m := range v.Former {
		words = append(words, "was: "+day(m))
	}
	return strings.Join(words, "; ")
}

// TestSiteOf: a site says who is there since when, why, and who was there.
func TestSiteOf(t *testing.T) {
	t.Parallel()
	spare := spot{network: "the spare room", peer: ohio}
	away, far := spot{network: "elsewhere", peer: berlin}, spot{network: "far away", peer: berlin}
	behind := spot{network: "the spare room", peer: exitOhio, tunnel: "wireguard"}
	at := func(s spot, wire string) onWire { return onWire{spot: s, wire: wire} }
	from := func(w onWire, from, until int) onWire {
		w.from, w.until = from, until
		return w
	}
	tests := []struct {
		name    string
		laptops map[string]onWire
		persons map[string]func(*fleetv1.Person)
		same    map[string]string
		want    string
	}{
		{name: "alone", laptops: map[string]onWire{"d1": at(spare, "")}, want: "none"},
		{name: "one came later", laptops: map[string]onWire{"d1": at(spare, ""), "d2": from(at(spare, ""), 9, 0)},
			want: `shared "" of 2; d1 0-19 (gateway d2, access_point d2); d2 9-19 (gateway d1, access_point d1)`},
		{name: "one moved away, one fell silent, one was on a visit", laptops: map[string]onWire{
			"d1": at(spare, ""), "d2": at(spare, ""), "d3": {spot: spare, until: 6, then: &away}, "d4": from(at(spare, ""), 2, 8), "d5": {spot: spare, until: 2, then: &far},
		}, want: `shared "" of 2; d1 0-19 (gateway d2, access_point d2); d2 0-19 (gateway d1, access_point d1); was: d4 2-7; was: d3 0-5`},
		{name: "behind tunnels", laptops: map[string]onWire{"d1": at(behind, "room"), "d2": at(spot{network: "the spare room", peer: california, tunnel: "wireguard"}, "room")},
			want: `shared "" of 2; d1 0-19 (neighbours d2); d2 0-19 (neighbours d1)`},
		{name: "a monitor", laptops: map[string]onWire{"d1": at(spot{network: "up", peer: ohio, monitor: "u2715"}, ""), "d2": at(spot{network: "down", peer: ohio, monitor: "u2715"}, "")},
			want: `shared "" of 2; d1 0-19 (peripheral d2); d2 0-19 (peripheral d1)`},
		{name: "a household", persons: map[string]func(*fleetv1.Person){"d1": household("Smith"), "d2": household("Smith")},
			laptops: map[string]onWire{"d1": at(spare, ""), "d2": at(spare, "")},
			want:    `household "Smith" of 1; d1 0-19 (gateway d2, access_point d2); d2 0-19 (gateway d1, access_point d1)`},
		{name: "an office with a name", laptops: map[string]onWire{"d1": at(spot{network: "office", peer: office}, ""), "d2": at(spot{network: "office", peer: office}, "")},
			want: `office "Columbus" of 2; d1 0-19 (gateway d2, access_point d2); d2 0-19 (gateway d1, access_point d1)`},
		{name: "an office that is known by its gateway", laptops: map[string]onWire{"d1": at(spot{network: "Dayton", peer: california}, ""), "d2": at(spot{network: "Dayton", peer: california}, "")},
			want: `office "Dayton" of 2; d1 0-19 (gateway d2, access_point d2); d2 0-19 (gateway d1, access_point d1)`},
		{name: "one person's", same: map[string]string{"d2": "p-d1"}, laptops: map[string]onWire{"d1": at(spare, ""), "d2": at(spare, "")},
			want: `own "" of 1; d1 0-19 (gateway d2, access_point d2); d2 0-19 (gateway d1, access_point d1)`},
		{name: "connected by one in the middle", laptops: map[string]onWire{
			"d1": at(spot{network: "up", peer: ohio, monitor: "u2715"}, ""), "d2": at(spot{network: "down", peer: ohio, monitor: "u2715"}, "wire"),
			"d3": at(spot{network: "down", peer: exitOhio, tunnel: "wireguard"}, "wire"),
		}, want: `shared "" of 3; d1 0-19 (peripheral d2); d2 0-19 (peripheral d1, neighbours d3); d3 0-19 (neighbours d2)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			persons := people{}
			for id := range tt.laptops {
				p := ohioan("p-" + id)
				if change := tt.persons[id]; change != nil {
					change(p)
				}
				if same := tt.same[id]; same != "" {
					p.Id = same
				}
				persons["serial-"+id] = p
			}
			named := func(c *Config) {
				dayton := NamedOffice{Name: "Dayton", Gateways: [][]byte{digest("gateway Dayton")}}
				c.Company.OfficeGateways = dayton.Gateways
				c.Company.Named = []NamedOffice{dayton, {Name: "Columbus", Networks: c.Company.Offices}}
			}
			f := newFleet(persons, named)
			w := neighbourly(t, f, 20, tt.laptops)
			views := map[string]*SiteView{}
			for _, id := range []string{"d1", "d2"} {
				views[id] = f.SiteOf(id, w.now)
			}
			if got := told(views["d1"]); got != tt.want {
				t.Errorf("site\n  %s\nwant\n  %s", got, tt.want)
			}
			if tt.want == "none" {
				return
			}
			if diff := cmp.Diff(views["d1"], views["d2"], protocmp.Transform()); diff != "" {
				t.Errorf("another site for the other member (-d1 +d2):\n%s", diff)
			}
			all := f.Sites(w.now)
			if len(all) != 1 || all[0].Row.GetId() != views["d1"].Row.GetId() || len(all[0].Members) != len(views["d1"].Members) {
				t.Errorf("listed are %d sites, want this one", len(all))
			}
			if got := w.devices["d1"].GetSite().GetId(); got != views["d1"].Row.GetId() {
				t.Errorf("the device's site is %s, this one %s", got, views["d1"].Row.GetId())
			}
			// A collector that starts anew knows the same, in whatever order it reads.
			anew := newFleet(persons, named)
			pics := w.pictures()
			slices.Reverse(pics)
			for _, pic := range pics {
				anew.Restore(pic)
			}
			if diff := cmp.Diff(views["d1"], anew.SiteOf("d1", w.now), protocmp.Transform()); diff != "" {
				t.Errorf("after a restart (-before +after):\n%s", diff)
			}
		})
	}
}

// TestSites: every site once, and nobody who is alone or in a crowd.
func TestSites(t *testing.T) {
	t.Parallel()
	f := newFleet(nil)
	for i := range 200 {
		l := newLaptop(fmt.Sprint("d", i))
		switch {
		case i < 20: // rooms of five
			spot{network: fmt.Sprint("room ", i/5), peer: ohio}.enter(l)
		case i < 90:
			spot{network: "a crowd's", peer: california}.enter(l)
		}
		f.Apply(nil, l.report(monday))
	}
	var sizes []int
	for _, v := range f.Sites(monday.Add(time.Hour)) {
		sizes = append(sizes, len(v.Members))
		if v.Row.GetLaptops() != uint32(len(v.Members)) || v.Row.GetPeople() != 5 {
			t.Errorf("%s: %d laptops of %d people, want 5 of 5", v.Row.GetId(), v.Row.GetLaptops(), v.Row.GetPeople())
		}
	}
	if !slices.Equal(sizes, []int{5, 5, 5, 5}) {
		t.Errorf("sites of %v, want four of five", sizes)
	}
}

// TestSitesWhileReporting: sites are listed and shown while laptops move between them.
func TestSitesWhileReporting(t *testing.T) {
	t.Parallel()
	f := newFleet(nil)
	var reporting, looking sync.WaitGroup
	done := make(chan struct{})
	for i := range 6 {
		reporting.Go(func() {
			l := newLaptop(fmt.Sprint("d", i))
			var pic *fleetv1.Picture
			for h := range 60 {
				spot{network: fmt.Sprint("room ", (h/5+i)%3), peer: ohio, monitor: fmt.Sprint("monitor ", h%2)}.enter(l)
				l.seen.Network.OwnAddresses = []*farmhoundv1.OwnAddress{{Hash: digest(addressOf(l.id))}}
				l.seen.Network.Neighbours = &farmhoundv1.Neighbours{FleetMembers: [][]byte{digest(addressOf(fmt.Sprint("d", (i+1)%6))), digest(addressOf(fmt.Sprint("d", (i+5)%6)))}}
				pic, _ = f.Apply(pic, l.report(monday.Add(time.Duration(h)*time.Hour)))
			}
		})
	}
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for _, v := range f.Sites(monday.Add(60 * time.Hour)) {
					f.SiteOf(v.Members[0].GetDevice(), monday.Add(60*time.Hour))
				}
				f.NeighbourCandidates("d1")
			}
		})
	}
	reporting.Wait()
	close(done)
	looking.Wait()
	all := f.Sites(monday.Add(60 * time.Hour))
	if len(all) != 1 || len(all[0].Members) != 6 {
		t.Errorf("%d sites in the end, want one of six who see each other", len(all))
	}
	if n := len(f.index.shared); n > len(f.index.groups) {
		t.Errorf("%d shared joints of %d", n, len(f.index.groups))
	}
	for id := range f.index.shared {
		if f.index.groups[id].len() < 2 {
			t.Error("a joint of one device is taken for shared")
		}
	}
}
