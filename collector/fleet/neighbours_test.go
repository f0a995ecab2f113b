package fleet

import (
	"maps"
	"slices"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// onWire is a laptop in a test of neighbours: where it stands, and what it lies about.
type onWire struct {
	spot
	wire string // the local network on which it really is; its neighbours are those of the same
	// deaf laptops have an older agent, which knows nothing of neighbours.
	deaf bool
	// address is the hardware address it tells, its own where empty.
	address string
	// claims are addresses that it says it sees.
	claims []string
	from   int // day on which it comes
	until  int // day on which it goes; zero for never
	office int // every so manieth day it is at the office; zero for never
	// then is where it is after until; nowhere where nil.
	then *spot
}

// on returns where the laptop is on a day, and whether it is anywhere.
func (w onWire) on(day int) (onWire, bool) {
	if w.office > 0 && day%w.office == 0 {
		w.spot, w.wire = spot{network: "office", peer: office}, "office"
	}
	if w.then != nil && day >= w.until {
		return onWire{spot: *w.then}, true
	}
	return w, day >= w.from && (w.until == 0 || day < w.until)
}

// lives are what became of laptops.
type lives struct {
	pics    map[string]*fleetv1.Picture
	devices map[string]*fleetv1.Device
	now     time.Time
}

func (l lives) pictures() []*fleetv1.Picture {
	return slices.SortedFunc(maps.Values(l.pics), func(a, b *fleetv1.Picture) int { return compare(a.GetId(), b.GetId()) })
}

func addressOf(id string) string { return "address of " + id }

// neighbourly lives days of laptops side by side, as agents do that tell which of their
// neighbours the collector named.
func neighbourly(t *testing.T, f *Fleet, days int, laptops map[string]onWire) lives {
	t.Helper()
	l := lives{pics: map[string]*fleetv1.Picture{}, devices: map[string]*fleetv1.Device{}}
	pics, made := l.pics, map[string]*laptop{}
	ids := make([]string, 0, len(laptops))
	for id := range laptops {
		ids = append(ids, id)
		made[id] = newLaptop(id)
	}
	slices.Sort(ids)
	for d := range days {
		for h := range 6 {
			for _, id := range ids {
				w, there := laptops[id].on(d)
				if !there {
					continue
				}
				laptop := made[id]
				w.spot.enter(laptop)
				if !w.deaf {
					told := w.address
					if told == "" {
						told = addressOf(id)
					}
					laptop.seen.Network.OwnAddresses = []*farmhoundv1.OwnAddress{{Hash: digest(told)}}
					laptop.seen.Network.Neighbours = &farmhoundv1.Neighbours{FleetMembers: w.sees(f, id, d, laptops)}
				}
				begin := monday.AddDate(0, 0, d).Add(time.Duration(9+h) * time.Hour)
				laptop.hours = append(laptop.hours, hour(begin, 45))
				o := laptop.report(begin.Add(time.Hour))
				pics[id], _ = f.Apply(pics[id], o)
				l.now = o.ReceivedAt
			}
		}
	}
	for id, pic := range pics {
		l.devices[id] = f.Device(pic, l.now)
	}
	return l
}

// sees is what the agent tells: of whoever is on its wire those that the collector named,
// and what it lies.
func (w onWire) sees(f *Fleet, id string, day int, laptops map[string]onWire) (list [][]byte) {
	named := map[string]bool{}
	for b := range slices.Chunk(f.NeighbourCandidates(id), beginning) {
		named[string(b)] = true
	}
	on := []string{"a printer's address"}
	for other, o := range laptops {
		if o, there := o.on(day); there && other != id && o.wire == w.wire && w.wire != "" {
			on = append(on, addressOf(other))
		}
	}
	for _, address := range on {
		if hash := digest(address); named[string(hash[:beginning])] {
			list = append(list, hash)
		}
	}
	for _, address := range w.claims {
		list = append(list, digest(address))
	}
	slices.SortFunc(list, slices.Compare[[]byte])
	return list
}

// TestNeighbours: laptops that see each other are together whatever egress they take, and
// nobody is put beside another by what one laptop says.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	behind := func(network, exit string) spot { return spot{network: network, peer: exit, tunnel: "wireguard"} }
	room := func(exit string) onWire { return onWire{spot: behind("the spare room", exit), wire: "room"} }
	home := func(id string) onWire {
		return onWire{spot: spot{network: "home of " + id, peer: ohio}, wire: "wire of " + id}
	}
	tests := []struct {
		name    string
		days    int
		laptops map[string]onWire
		persons map[string]func(*fleetv1.Person)
		want    string // of d1
	}{
		{name: "behind two exits, never seen without, each beside the other", want: "2 [d1 d2]",
			laptops: map[string]onWire{"d1": room(exitOhio), "d2": room(california)}},
		{name: "of three one has an older agent", want: "2 [d1 d2]", laptops: map[string]onWire{
			"d1": room(exitOhio), "d2": room(california), "d3": {spot: behind("the spare room", berlin), deaf: true},
		}},
		{name: "clients that cannot see each other", want: "alone", laptops: map[string]onWire{
			"d1": {spot: behind("the spare room", exitOhio), wire: "port 1"}, "d2": {spot: behind("the spare room", california), wire: "port 2"},
		}},
		{name: "a visitor", days: 8, want: "alone", laptops: map[string]onWire{
			"d1": room(exitOhio), "d2": {spot: behind("the spare room", california), wire: "room", from: 3, until: 4},
		}},
		{name: "a household", want: "1 [d1 d2] household", persons: map[string]func(*fleetv1.Person){"d1": household("h"), "d2": household("h")},
			laptops: map[string]onWire{"d1": room(exitOhio), "d2": room(california)}},
		{name: "days beside each other at an office, other days behind tunnels at home", days: 12, want: "alone", laptops: map[string]onWire{
			"d1": {spot: behind("home of d1", exitOhio), wire: "wire of d1", office: 2},
			"d2": {spot: behind("home of d2", exitOhio), wire: "wire of d2", office: 2},
		}},
		{name: "a liar sees the victim", want: "alone", laptops: map[string]onWire{
			"d1": home("d1"), "d2": {spot: behind("home of d1", exitOhio), claims: []string{addressOf("d1")}},
		}},
		{name: "a liar with the victim's gateway sees the victim from the victim's own egress network", want: "alone", laptops: map[string]onWire{
			"d1": home("d1"), "d2": {spot: spot{network: "home of d2", peer: ohio}, claims: []string{addressOf("d1")}},
		}},
		{name: "a liar takes the address of one whom the victim sees", want: "2 [d1 d3]", laptops: map[string]onWire{
			"d1": room(exitOhio), "d3": room(california),
			"d2": {spot: behind("the spare room", berlin), address: addressOf("d3"), claims: []string{addressOf("d1"), addressOf("d3")}, from: 1},
		}},
		{name: "a liar's address is the victim's own", want: "2 [d1 d3]", laptops: map[string]onWire{
			"d1": room(exitOhio), "d3": room(california),
			"d2": {spot: behind("the spare room", berlin), address: addressOf("d1"), claims: []string{addressOf("d3")}, from: 1},
		}},
		{name: "a liar who knows the victim's printer, seen openly in another region", want: "alone", laptops: map[string]onWire{
			"d1": home("d1"), "d2": {spot: spot{network: "home of d1", peer: berlin}, address: "a printer's address", claims: []string{addressOf("d1")}},
		}},
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
				persons["serial-"+id] = p
			}
			devices := neighbourly(t, newFleet(persons), max(tt.days, 6), tt.laptops).devices
			if got := siteWords(devices["d1"].GetSite()); got != tt.want {
				t.Errorf("site %s, want %s", got, tt.want)
			}
			for _, id := range devices["d1"].GetSite().GetMembers() {
				if got := devices[id].GetSite().GetId(); got != devices["d1"].GetSite().GetId() {
					t.Errorf("site of %s is %q, of d1 %q", id, got, devices["d1"].GetSite().GetId())
				}
			}
		})
	}
}
