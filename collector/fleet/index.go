package fleet

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
	"sync"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// togetherSeconds is how long ago a device may have been seen at a place to
	// still be kept there.
	togetherSeconds = 7 * daySeconds
	// knownSeconds is how long an egress network stands for the network behind which
	// it was seen: two laptops that leave through different tunnels were both seen
	// without them once.
	knownSeconds = 28 * daySeconds
	slotDays     = 20
	// manyNames bounds under how many names a thing is looked for that others tie.
	manyNames = 4 * keptNames
)

// index knows which devices have something in common. Entries are replaced as a
// whole and never changed, so that readers keep what they found without a lock.
type index struct {
	mu    sync.RWMutex
	slots map[string]*slot
	// groups are by the hash of their joint, so that a fleet's millions are no pointers.
	groups map[uint64]group
	seed   maphash.Seed
	// shared are the joints that make sites and that more than one device has, seeing the
	// devices that saw others.
	shared map[uint64]bool
	seeing map[string]bool
}

// slot is a device's place in the index: the groups it is in hold that, so that a report
// after which it has the same in common with others changes no group.
type slot struct {
	*entry
	// near are the claims that it is told others for, as they were at nearAt.
	near   []joint
	nearAt int64
}

// entry is what others may need to know of one device.
type entry struct {
	id        string
	laptop    string // serial; empty where unknown
	person    string // empty where unknown
	household string
	last      int64 // last received
	stays     []stay
	past      []stay // places where it lived and is no more
	serials   []serial
	accounts  map[key]int64 // the last day on which each controlled the device
	days      []daySlots    // oldest first
	joints    []joint
	known     map[joint]bool // the same, where they are many, while they are gathered
	renames   renames
	console   bool // a remote console with a keyboard is attached
	// addresses are its own, sightings what it saw of others', claims are those of joints
	// that join nobody by themselves, and exits where its traffic left openly.
	addresses []address
	sightings []sighting
	claims    []joint
	exits     []exit
	// stands are egress networks at which it stood, of those alone whose traffic left by an
	// exit that may be everybody's.
	stands []string
}

// stay is one network at which the device was within togetherSeconds of its last
// report, behind whatever egress.
type stay struct {
	network     joint // without an egress network
	joints      []joint
	first, last int64
	days        uint64 // bit 0 is the day of last
	office      bool
}

// serial is a peripheral with a serial of its own.
type serial struct {
	name        string
	joints      []joint
	first, last int64
}

type daySlots struct {
	day   uint32
	slots uint64
}

func newIndex() *index {
	return &index{
		slots: make(map[string]*slot), groups: make(map[uint64]group), seed: maphash.MakeSeed(),
		shared: make(map[uint64]bool), seeing: make(map[string]bool),
	}
}

func (ix *index) of(j joint) uint64 { return maphash.Comparable(ix.seed, j) }

// enter replaces a device's entry, touching only the groups it leaves or enters.
func (f *Fleet) enter(pic *fleetv1.Picture, at time.Time) {
	e := f.entryOf(pic, f.person(pic, at), f.contacts(pic), at)
	e.claimNear(pic)
	e.keepPast(pic)
	e.known = nil
	f.index.replace(e)
}

func (ix *index) replace(e *entry) {
	was := ix.entry(e.id)
	moved := ix.moved(was, e) // while others report
	ix.mu.Lock()
	defer ix.mu.Unlock()
	s := ix.slots[e.id]
	if s == nil {
		s = &slot{}
		ix.slots[e.id] = s
	}
	if s.entry != was {
		moved = ix.moved(s.entry, e)
	}
	s.entry = e
	ix.regroup(s, moved)
	if len(e.sightings) > 0 {
		ix.seeing[e.id] = true
	} else {
		delete(ix.seeing, e.id)
	}
}

// entry returns what is known of a device, nil for nothing.
func (ix *index) entry(device string) *entry {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	if s := ix.slots[device]; s != nil {
		return s.entry
	}
	return nil
}

// group returns the devices that can be met under any of the names of a thing, by id;
// none and crowded where there are more than can be people's own.
func (ix *index) group(names ...joint) (group []*entry, crowded bool) {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	for _, j := range names {
		g := ix.groups[ix.of(j)]
		if g.len() > crowd {
			return nil, true
		}
		group = g.appendTo(group)
	}
	slices.SortFunc(group, func(a, b *entry) int { return compare(a.id, b.id) })
	if group = slices.Compact(group); len(group) > crowd {
		return nil, true
	}
	return group, false
}

// met returns the devices that have a thing in common with one that knows it by j and
// by what its own renames tell; none and crowded where a crowd has it, counted over
// every name of it. While a fleet key is exchanged a crowd is spread over two names,
// which only the laptops that have both keys can tie: that many people's laptops as
// there are to be witnesses must, as what one laptop says excuses nobody else unless
// the collector sees them side by side.
func (ix *index) met(own renames, j joint, witnesses int) (group []*entry, crowded bool) {
	names := own.named(j)
	for known := 0; known < len(names); {
		devices, crowded := ix.group(names...)
		if crowded {
			return nil, true
		}
		if known == 0 {
			group = devices
		}
		known = len(names)
		if room := manyNames - known; room > 0 {
			further := tied(devices, names, witnesses)
			names = append(names, further[:min(len(further), room)]...)
		}
	}
	return group, false
}

// tied returns the further names that devices know a thing by, what most tell first.
func tied(devices []*entry, names []joint, witnesses int) (further []joint) {
	tellers := make(map[joint]map[string]bool)
	for _, e := range devices {
		for _, known := range names {
			for _, j := range e.renames.others(known) {
				if slices.Contains(names, j) {
					continue
				}
				if tellers[j] == nil {
					tellers[j] = make(map[string]bool)
				}
				tellers[j][e.people()] = true
			}
		}
	}
	for j, people := range tellers {
		if len(people) >= witnesses {
			further = append(further, j)
		}
	}
	slices.SortFunc(further, func(a, b joint) int {
		return cmp.Or(cmp.Compare(len(tellers[b]), len(tellers[a])), slices.Compare(a.hash[:], b.hash[:]))
	})
	return further
}

// entryOf draws from a picture what others may need to know.
func (f *Fleet) entryOf(pic *fleetv1.Picture, person *fleetv1.Person, contacts []contact, at time.Time) *entry {
	e := &entry{id: pic.GetId(), laptop: pic.GetSerial(), person: person.GetId(), household: person.GetHousehold(), last: pic.GetLastReceivedUnix(), renames: renamesOf(pic)}
	for _, n := range pic.GetNetworks() {
		e.stayAt(n)
	}
	e.stays = slices.DeleteFunc(e.stays, func(s stay) bool {
		left := s.last < e.last-togetherSeconds
		if left && !s.office && bits.OnesCount64(s.days) >= formerDays {
			e.past = append(e.past, s)
		}
		return left
	})
	for _, s := range e.stays {
		e.join(s.joints...)
	}
	for _, p := range pic.GetPeripherals() {
		e.console = e.console || p.GetKind() == kindKVM && p.GetKeyboard() && p.GetPresent() && pic.GetHardware() != nil
		k, ok := toKey(p.GetSerial())
		if !ok || !p.GetPresent() && p.GetLastUnix() < e.last-togetherSeconds {
			continue
		}
		s := serial{name: p.GetName(), first: p.GetFirstUnix(), last: p.GetLastUnix()}
		if p.GetPresent() {
			s.last = max(s.last, pic.GetHardwareSeenUnix())
		}
		for _, prefix := range p.GetEgressPrefixes() {
			s.joints = e.renames.joints(s.joints, hashPeripheral, k, prefix)
		}
		e.join(s.joints...)
		e.serials = append(e.serials, s)
	}
	for _, c := range contacts {
		k, ok := toKey(c.GetAccount())
		if !ok || c.GetNear() || f.mayControl(pic, c.Contact, person) {
			continue
		}
		var names [keptNames]joint
		e.join(e.renames.joints(names[:0], hashAccount, k, "")...)
		if c.seconds > 0 {
			if e.accounts == nil {
				e.accounts = make(map[key]int64, 1)
			}
			e.accounts[k] = max(e.accounts[k], int64(c.GetDay()))
		}
	}
	e.leave(&view{f: f, pic: pic, person: person, now: at})
	e.neighbourhood(pic)
	e.days = make([]daySlots, 0, slotDays+1)
	for _, d := range pic.GetDays() {
		if d.GetSlots() != 0 && int64(d.GetDay()) > at.Unix()/daySeconds-slotDays {
			e.days = append(e.days, daySlots{d.GetDay(), d.GetSlots()})
		}
	}
	return e
}

// stayAt adds a sighting to the stay at its network. The company's own egress is
// everybody's and shows no place: there the laptop was, but beside nobody.
func (e *entry) stayAt(n *fleetv1.NetworkSighting) {
	gateway, hasGateway := toKey(n.GetGateway())
	point, hasPoint := toKey(n.GetAccessPoint())
	network := joint{kind: hashGateway, hash: gateway}
	if !hasGateway {
		network = joint{kind: hashAccessPoint, hash: point}
	}
	i := slices.IndexFunc(e.stays, func(s stay) bool { return s.network == network })
	if i < 0 {
		i = len(e.stays)
		e.stays = append(e.stays, stay{network: network, first: n.GetFirstUnix()})
	}
	s := &e.stays[i]
	s.first = min(s.first, n.GetFirstUnix())
	// Sightings come by their last day.
	s.days = s.days<<min(max(n.GetLastUnix()/daySeconds-s.last/daySeconds, 0), 64) | n.GetDays()
	s.last = max(s.last, n.GetLastUnix())
	s.office = s.office || n.GetOffice()
	if n.GetEgressPrefix() == "" || n.GetCompany() && !n.GetOffice() || n.GetLastUnix() < e.last-knownSeconds {
		return
	}
	if hasGateway {
		s.joints = e.renames.joints(s.joints, hashGateway, gateway, n.GetEgressPrefix())
	}
	if hasPoint {
		s.joints = e.renames.joints(s.joints, hashAccessPoint, point, n.GetEgressPrefix())
	}
}

// controlled says whether a remote account controlled the device on the days that make
// an operator. Only that is evidence about others: who claims an account to accuse
// another is accused by it as much, and as long.
func (e *entry) controlled(account key, today int64) bool {
	return e.accounts[e.renames.firstOf(account)] > today-activeSpan
}

// people returns the name under which a device's person counts: a declared
// household counts once, so does a laptop that was re-imaged, and nobody knows that
// two unknown people are one.
func (e *entry) people() string {
	switch {
	case e.household != "":
		return "household " + e.household
	case e.person != "":
		return "person " + e.person
	case e.laptop != "":
		return "laptop " + e.laptop
	}
	return "device " + e.id
}
