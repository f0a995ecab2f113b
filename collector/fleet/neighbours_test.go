package fleet

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
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
	said    [][]Observation // by day
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
		l.said = append(l.said, nil)
		for h := range 6 {
			for _, id := range ids {
				w, there := laptops[id].on(d)
				if !there {
					continue
				}
				laptop := made[id]
				w.enter(laptop)
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
				clear(laptop.told) // each says everything, and leans on none before
				l.said[d] = append(l.said[d], o)
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
		{name: "a liar who was near enough to hear the victim's printer and laptop, behind an exit: nothing tells", want: "2 [d1 d2]", laptops: map[string]onWire{
			"d1": home("d1"), "d2": {spot: behind("home of d1", exitOhio), address: "a printer's address", claims: []string{addressOf("d1")}},
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

// ringed is what an agent with a ring of keys tells of its own address and of one that is
// beside it, if the collector named it.
func ringed(t *testing.T, f *Fleet, l *laptop, other string, keys ...uint32) {
	t.Helper()
	ring, value := ringOf(t, keys...), digest(addressOf(l.id))
	own := &farmhoundv1.OwnAddress{Earlier: ring.Earlier(fleetkey.NeighbourMAC, value)}
	n := l.seen.GetNetwork()
	own.Hash, n.KeyId, _ = ring.Hash(fleetkey.NeighbourMAC, value)
	n.OwnAddresses = []*farmhoundv1.OwnAddress{own}
	named := slices.Collect(slices.Chunk(f.NeighbourCandidates(l.id), beginning))
	is := func(hash []byte) bool {
		return slices.ContainsFunc(named, func(b []byte) bool { return bytes.Equal(b, hash[:beginning]) })
	}
	n.Neighbours = &farmhoundv1.Neighbours{Reachable: 1}
	for _, id := range keys {
		if hash, _, _ := ringOf(t, id).Hash(fleetkey.NeighbourMAC, digest(addressOf(other))); is(hash) {
			n.Neighbours.FleetMembers = [][]byte{hash}
			return
		}
	}
}

// TestNeighboursInRotation: new keys, taken up at different times, part nobody who is
// together, and the old ones' retirement does not either.
func TestNeighboursInRotation(t *testing.T) {
	t.Parallel()
	type plan map[string][]phase
	live := func(t *testing.T, keys plan) (words []string) {
		persons := people{"serial-d1": ohioan("p1"), "serial-d2": ohioan("p2")}
		f, pics := newFleet(persons), map[string]*fleetv1.Picture{}
		laptops := map[string]*laptop{"d1": newLaptop("d1"), "d2": newLaptop("d2")}
		for day := range 20 {
			var now time.Time
			for h := range 4 {
				for i, id := range []string{"d1", "d2"} {
					l := laptops[id]
					spot{network: "the spare room", peer: []string{exitOhio, california}[i], tunnel: "wireguard"}.enter(l)
					// Gateways are not what is looked at: each laptop's is another.
					l.seen.Network.GatewayHash, l.seen.Network.AccessPointHash = digest("its "+id), nil
					s := control(fmt.Sprint(id, day, h), "anydesk", shenyang, monday, until(monday.Add(time.Hour)))
					account(t, "one operator", keysOn(keys[id], day)...).put(s)
					ringed(t, f, l, laptops[[]string{"d2", "d1"}[i]].id, keysOn(keys[id], day)...)
					at := monday.AddDate(0, 0, day).Add(time.Duration(9+h) * time.Hour)
					l.hours = append(l.hours, hour(at, 40))
					pics[id], _ = f.Apply(pics[id], l.report(at.Add(time.Hour), s))
					now = at.Add(time.Hour + time.Second)
				}
			}
			s := f.Device(pics["d1"], now).GetSite()
			words = append(words, fmt.Sprint(siteWords(s), " ", s.GetId(), " ", s.GetDays()))
		}
		return words
	}
	both := []phase{{0, []uint32{1}}}
	want := live(t, plan{"d1": both, "d2": both})
	if want[19][:11] != "2 [d1 d2] s" {
		t.Fatalf("without a rotation they are %s", want[19])
	}
	for name, keys := range map[string]plan{
		"at once":        {"d1": {{0, []uint32{1}}, {5, []uint32{2, 1}}}, "d2": {{0, []uint32{1}}, {5, []uint32{2, 1}}}},
		"one days later": {"d1": {{0, []uint32{1}}, {5, []uint32{2, 1}}}, "d2": {{0, []uint32{1}}, {9, []uint32{2, 1}}}},
		"twice, and the first retired": {
			"d1": {{0, []uint32{1}}, {4, []uint32{2, 1}}, {8, []uint32{3, 2, 1}}, {14, []uint32{3, 2}}},
			"d2": {{0, []uint32{1}}, {6, []uint32{2, 1}}, {11, []uint32{3, 2, 1}}, {15, []uint32{3, 2}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, live(t, keys)); diff != "" {
				t.Errorf("site by day (-one key +rotated):\n%s", diff)
			}
		})
	}
}

// TestNeighboursInDisorder: what was told of neighbours, in whatever order it comes within
// a day and however often, makes the same sites.
func TestNeighboursInDisorder(t *testing.T) {
	t.Parallel()
	room := func(exit string) onWire {
		return onWire{spot: spot{network: "the spare room", peer: exit, tunnel: "wireguard"}, wire: "room"}
	}
	persons := people{"serial-d1": ohioan("p1"), "serial-d2": ohioan("p2"), "serial-d3": ohioan("p3")}
	w := neighbourly(t, newFleet(persons), 8, map[string]onWire{"d1": room(exitOhio), "d2": room(california), "d3": room(berlin)})
	want := newFleet(persons)
	for _, pic := range w.pictures() {
		want.Restore(pic)
	}
	for seed := range uint64(8) {
		chance, f := rand.New(rand.NewPCG(seed, 1)), newFleet(persons)
		pics := map[string]*fleetv1.Picture{}
		for _, day := range w.said {
			day = slices.Concat(day, day[:5])
			chance.Shuffle(len(day), func(i, j int) { day[i], day[j] = day[j], day[i] })
			for _, o := range day {
				pics[o.Device], _ = f.Apply(pics[o.Device], o)
			}
		}
		if diff := cmp.Diff(want.SiteOf("d1", w.now), f.SiteOf("d1", w.now), protocmp.Transform()); diff != "" {
			t.Fatalf("site (-in order +shuffled):\n%s", diff)
		}
	}
}

// TestNeighbourCandidates: laptops look for those that they may stand beside, and for
// nobody in a crowd.
func TestNeighbourCandidates(t *testing.T) {
	t.Parallel()
	type one struct {
		spot
		addresses int // eight at most in a report; none for an older agent
		account   string
		days      int // how long ago
	}
	many := func(n int, like func(i int) one) (list []one) {
		for i := range n {
			list = append(list, like(i))
		}
		return list
	}
	apart := func(i int, peer string) spot { return spot{network: fmt.Sprint("home ", i), peer: peer} }
	self := one{spot: spot{network: "spare", peer: ohio, monitor: "u2715"}, addresses: 1, account: "operator"}
	for _, tt := range []struct {
		name   string
		self   one
		others []one
		want   int // addresses
	}{
		{name: "nobody", self: self},
		{name: "behind one egress network", self: self, others: many(3, func(i int) one { return one{spot: apart(i, ohio), addresses: 2} }), want: 6},
		{name: "behind a carrier's, with a crowd", self: self, others: many(80, func(i int) one { return one{spot: apart(i, ohio), addresses: 1} })},
		{name: "in the crowd one with the same gateway", self: self, others: append(many(80, func(i int) one { return one{spot: apart(i, ohio), addresses: 1} }),
			one{spot: spot{network: "spare", peer: exitOhio, tunnel: "wireguard"}, addresses: 1}), want: 1},
		{name: "one with the same monitor", self: self, others: []one{{spot: spot{network: "other", peer: berlin, monitor: "u2715"}, addresses: 1}}, want: 1},
		{name: "one with the same account", self: self, others: []one{{spot: apart(1, berlin), account: "operator", addresses: 1}}, want: 1},
		{name: "one with nothing in common", self: self, others: []one{{spot: apart(1, berlin), addresses: 1}}},
		{name: "one that was last heard a month ago", self: self, others: []one{{spot: self.spot, addresses: 1, days: 30}}},
		{name: "an older agent is told nobody", self: one{spot: self.spot}, others: []one{{spot: self.spot, addresses: 1}}},
		{name: "of an older agent nobody is told", self: self, others: []one{{spot: self.spot}}},
		{name: "at an office", self: one{spot: spot{network: "office", peer: office}, addresses: 1}, others: []one{{spot: spot{network: "office", peer: office}, addresses: 1}}},
		{name: "behind the company's exit", self: one{spot: spot{network: "a", peer: concentr, tunnel: "wireguard"}, addresses: 1},
			others: []one{{spot: spot{network: "b", peer: concentr, tunnel: "wireguard"}, addresses: 1}}},
		{name: "no more than an acknowledgement holds", self: self, others: many(60, func(i int) one { return one{spot: apart(i, ohio), addresses: 8} }), want: mostCandidates},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(nil)
			for i, o := range append(tt.others, tt.self) {
				l := newLaptop(fmt.Sprint("d", i))
				o.enter(l)
				for n := range o.addresses {
					l.seen.Network.OwnAddresses = append(l.seen.Network.OwnAddresses, &farmhoundv1.OwnAddress{Hash: digest(fmt.Sprint("address ", i, n))})
				}
				at := monday.AddDate(0, 0, -o.days)
				var sessions []*farmhoundv1.RemoteSession
				if o.account != "" {
					s := control(l.id, "anydesk", shenyang, at.Add(-time.Hour))
					account(t, o.account, 1).put(s)
					sessions = append(sessions, s)
				}
				f.Apply(nil, l.report(at, sessions...))
			}
			if got := len(f.NeighbourCandidates(fmt.Sprint("d", len(tt.others)))); got != tt.want*beginning {
				t.Errorf("%d bytes, want %d of %d", got, beginning, tt.want)
			}
		})
	}
	if newFleet(nil).NeighbourCandidates("nobody") != nil {
		t.Error("a device that is not known is told something")
	}
}

// TestGatewaysCannotBeTried: who claims one gateway after another is told for few of them
// whether somebody is there.
func TestGatewaysCannotBeTried(t *testing.T) {
	t.Parallel()
	f := newFleet(nil)
	for i := range 50 {
		l := newLaptop(fmt.Sprint("home", i))
		spot{network: fmt.Sprint("home ", i), peer: berlin}.enter(l)
		l.seen.Network.OwnAddresses = []*farmhoundv1.OwnAddress{{Hash: digest(addressOf(l.id))}}
		f.Apply(nil, l.report(monday))
	}
	var pic *fleetv1.Picture
	curious, learned := newLaptop("curious"), map[string]bool{}
	for i := range 50 {
		spot{network: fmt.Sprint("home ", i), peer: ohio}.enter(curious)
		curious.seen.Network.OwnAddresses = []*farmhoundv1.OwnAddress{{Hash: digest(addressOf(curious.id))}}
		pic, _ = f.Apply(pic, curious.report(monday.Add(time.Duration(i+1)*10*time.Minute)))
		for b := range slices.Chunk(f.NeighbourCandidates(curious.id), beginning) {
			learned[string(b)] = true
		}
	}
	// Two are taken up in eight hours, of as many networks as a picture keeps.
	if n := len(learned); n == 0 || n > 1+keptNetworks {
		t.Errorf("in eight hours it learned behind %d of 50 gateways somebody is", n)
	}
}

// TestDesksInACrowd: at an office that nobody registered, people share monitors and see
// each other, and are none's farm.
func TestDesksInACrowd(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]string{crowd / 2: "32", crowd + 6: "alone"} {
		laptops := map[string]onWire{}
		for i := range size {
			id := fmt.Sprint("d", i)
			laptops[id] = onWire{
				spot: spot{network: "an office of which nobody told", peer: california, monitor: fmt.Sprint("desk ", i/2)}, wire: "the office",
				claims: []string{addressOf(fmt.Sprint("d", i^1))},
			}
		}
		w := neighbourly(t, newFleet(nil), 2, laptops)
		got := "alone"
		if s := w.devices["d1"].GetSite(); s != nil {
			got = fmt.Sprint(s.GetPeople())
		}
		if got != want {
			t.Errorf("one of %d is at a site of %s, want %s", size, got, want)
		}
	}
}
