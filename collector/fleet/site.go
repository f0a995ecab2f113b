package fleet

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// crowd is how many devices with something in common can still be people's own:
	// more share an organisation's network or support account, or a number that is no
	// name at all.
	crowd = 64
	// restDays is how many days apart two days together may lie and still follow
	// each other: people rest, laptops too.
	restDays = 4
	// besideWitnesses and awayWitnesses are how many people's laptops must say that two
	// names are of one thing for a crowd to be counted over both: what is behind one
	// egress was seen there, an account is nothing but what laptops say.
	besideWitnesses, awayWitnesses = 1, 2
)

// member is one device at a site.
type member struct {
	*entry
	stay       stay // the one that joined it; zero where a peripheral did
	peripheral bool
}

// visit is one device from which more of a site is looked for: those at the network where
// it lives, and none there at an office or in another crowd, where people share desks.
type visit struct {
	*entry
	home  stay
	known bool
}

// gathering is a site on its way to being described.
type gathering struct {
	f       *Fleet
	self    *entry
	home    stay
	now     int64
	members map[string]member
	queue   []visit
	seen    map[joint]bool // with whether a crowd has it
	placed  map[key]bool   // addresses whose owners are all members
	joined  []joint        // what joins its members
	crowded bool           // the home network has more devices than a site
	shared  string
	// networks, peripherals and sights are whether members were joined by that.
	networks, peripherals, sights bool
}

// site describes who else is where the device is: at the network at which it
// spent most of the last days. Nil when alone.
func (f *Fleet) site(self *entry, now time.Time) *fleetv1.Site {
	g := f.gather(self, now)
	if g.crowded && g.home.office && len(g.members) == 0 {
		return &fleetv1.Site{
			Id: siteID(g.home.network), Members: []string{self.id}, People: crowd, Office: true,
			Since: stamp(g.home.first), JoinedBy: "an office's gateway and egress network, with more laptops than are listed",
		}
	}
	if len(g.members) == 0 {
		return nil
	}
	return g.describe()
}

// gather finds everybody who is connected with a device: what joins two joins both to
// whoever is joined to one of them, so that a site is the same seen from each member.
func (f *Fleet) gather(self *entry, now time.Time) *gathering {
	g := &gathering{f: f, self: self, now: now.Unix(), members: make(map[string]member), seen: make(map[joint]bool), placed: make(map[key]bool)}
	home, known := mainStay(self, g.now)
	g.home = home
	g.queue = append(g.queue, visit{self, home, known})
	for len(g.queue) > 0 && len(g.members) < crowd {
		v := g.queue[0]
		g.queue = g.queue[1:]
		among := v.home.office
		if v.known {
			among = g.byNetwork(v) || among
		}
		if !among {
			g.byPeripheral(v)
			g.bySight(v)
		}
	}
	return g
}

// add takes a device into the site, and looks for others from there.
func (g *gathering) add(e *entry, m member) bool {
	if _, known := g.members[e.id]; known || e.id == g.self.id {
		return false
	}
	m.entry = e
	g.members[e.id] = m
	home, known := m.stay, true
	if len(home.joints) == 0 {
		home, known = mainStay(e, g.now)
	}
	g.queue = append(g.queue, visit{e, home, known})
	return true
}

// mainStay returns the network at which a device was on most of the last days.
func mainStay(e *entry, now int64) (stay, bool) {
	var best stay
	found := false
	for _, s := range e.stays {
		if now-s.last > togetherSeconds {
			continue
		}
		a, b := s.recentDays(now), best.recentDays(now)
		if !found || a > b || a == b && s.last >= best.last {
			best, found = s, true
		}
	}
	return best, found
}

// since returns the days of a stay with bit 0 for today. What came later than now is
// left out: a day that is over is looked at when others' next one has begun.
func (s stay) since(now int64) uint64 {
	if ahead := s.last/daySeconds - now/daySeconds; ahead > 0 {
		return s.days >> min(ahead, 64)
	}
	return s.days << min(now/daySeconds-s.last/daySeconds, 64)
}

func (s stay) recentDays(now int64) int { return bits.OnesCount64(s.since(now) & 0xff) }

// lives says whether a place is more than a visit: a third of the device's last days.
func (e *entry) lives(s stay, now int64) bool {
	var all uint64
	for _, other := range e.stays {
		all |= other.since(now) & 0xff
	}
	return 3*s.recentDays(now) >= bits.OnesCount64(all)
}

// byNetwork gathers the devices that share the gateway or an access point and were
// seen, now or lately, behind the same egress network. Which egress a laptop takes
// today makes no difference: one glimpse without its tunnel tells where it stands. It
// returns whether that is among a crowd.
func (g *gathering) byNetwork(v visit) (among bool) {
	for _, j := range v.home.joints {
		if crowded, seen := g.seen[j]; seen {
			among = among || crowded
			continue
		}
		group, crowded := g.f.index.met(v.renames, j, besideWitnesses)
		g.seen[j] = crowded
		among = among || crowded
		g.crowded = g.crowded || crowded && v.id == g.self.id
		for _, e := range group {
			if crowded || e.id == v.id {
				continue
			}
			i := slices.IndexFunc(e.stays, func(s stay) bool {
				return slices.Contains(s.joints, j) && s.first <= g.now && g.now-s.last <= togetherSeconds && e.lives(s, g.now)
			})
			if i >= 0 && g.add(e, member{stay: e.stays[i]}) {
				g.networks = true
				g.joined = append(g.joined, j)
			}
		}
	}
	return among
}

// byPeripheral gathers the devices to which the same console or display was
// attached behind the same egress network.
func (g *gathering) byPeripheral(v visit) {
	for _, s := range v.serials {
		for _, j := range s.joints {
			own := v.id == g.self.id
			if _, seen := g.seen[j]; seen {
				continue
			}
			group, crowded := g.f.index.met(v.renames, j, besideWitnesses)
			g.seen[j] = crowded
			for _, e := range group {
				if e.id == v.id || !slices.Contains(e.joints, j) || g.now-e.last > togetherSeconds {
					continue
				}
				if own && e.people() != g.self.people() && g.shared == "" {
					g.shared = s.name
				}
				g.peripherals = true
				g.add(e, member{peripheral: true})
				g.joined = append(g.joined, j)
			}
		}
	}
}

// bySight gathers the devices that a device and they themselves say are beside each other,
// for as much of their days as makes a place more than a visit. Which network each of
// them says that is makes no difference, nor which egress it takes.
func (g *gathering) bySight(v visit) {
	for _, s := range v.sightings {
		if g.now-s.last > togetherSeconds || g.placed[s.name] {
			continue
		}
		placed := true
		for _, e := range g.f.index.owners(s.name) {
			if _, known := g.members[e.id]; known || e.id == g.self.id {
				continue
			}
			together, ok := g.f.index.mutual(v.entry, e, g.now)
			if !ok || !e.lives(together, g.now) || !v.lives(together, g.now) || contradicted(v.entry, e) {
				placed = false
				continue
			}
			g.sights = true
			g.add(e, member{stay: together})
			g.joined = append(g.joined, sighted(v.entry, e))
		}
		g.placed[s.name] = placed
	}
}

// lowest names the site: the smallest hash that joins it, gateways first, peripherals
// and what two devices are called together last.
func (g *gathering) lowest() joint {
	devices := []*entry{g.self}
	for _, m := range g.members {
		devices = append(devices, m.entry)
	}
	slices.SortFunc(devices, func(a, b *entry) int { return cmp.Compare(a.id, b.id) })
	kinds := []string{hashGateway, hashAccessPoint, hashPeripheral, hashSite}
	var lowest joint
	for _, j := range g.joined {
		j = oldest(j, devices)
		if lowest.kind == "" || cmp.Or(
			cmp.Compare(slices.Index(kinds, j.kind), slices.Index(kinds, lowest.kind)), slices.Compare(j.hash[:], lowest.hash[:])) < 0 {
			lowest = j
		}
	}
	return lowest
}

func siteID(j joint) string { return SitePrefix + j.hash.String() }

func (g *gathering) describe() *fleetv1.Site {
	s := &fleetv1.Site{Id: siteID(g.lowest()), Office: g.home.office, SharedPeripheral: g.shared, Members: []string{g.self.id}}
	people := map[string]bool{g.self.people(): true}
	unnamed := map[string]bool{}
	s.Household = g.self.household != ""
	consoles := map[string]bool{}
	if g.self.console {
		consoles[g.self.people()] = true
	}
	others := make([]member, 0, len(g.members))
	for id, m := range g.members {
		s.Members = append(s.Members, id)
		people[m.people()] = true
		if m.person == "" && m.household == "" && m.people() != g.self.people() {
			unnamed[m.people()] = true
		}
		if m.console {
			consoles[m.people()] = true
		}
		s.Household = s.Household && m.household == g.self.household
		others = append(others, m)
	}
	slices.Sort(s.Members)
	slices.SortFunc(others, func(a, b member) int { return cmp.Compare(a.id, b.id) })
	s.People, s.UnnamedPeople = uint32(len(people)), uint32(len(unnamed))
	s.ConsolePeople = uint32(len(consoles))
	g.together(s, others)
	s.TurnsDays = g.self.turns(others)
	s.JoinedBy = g.words()
	return s
}

// words says what joins the members.
func (g *gathering) words() string {
	var words []string
	switch byGateway := slices.ContainsFunc(g.joined, func(j joint) bool { return j.kind == hashGateway && j.prefix != "" }); {
	case g.networks && byGateway:
		words = append(words, "the same gateway and egress network")
	case g.networks:
		words = append(words, "the same access point and egress network")
	}
	if g.peripherals {
		words = append(words, "a shared peripheral behind the same egress network")
	}
	if g.sights {
		words = append(words, "each seeing the other on its network")
	}
	return strings.Join(words, "; ")
}

// together says since when and on which days the device was there with another person's,
// or, without one, with any other.
func (g *gathering) together(s *fleetv1.Site, others []member) {
	var theirs, anybody uint64
	first, anyFirst := int64(0), int64(0)
	for _, m := range others {
		if m.peripheral {
			continue
		}
		d := m.stay.since(g.now)
		anybody |= d
		if anyFirst == 0 || m.stay.first < anyFirst {
			anyFirst = m.stay.first
		}
		if m.people() != g.self.people() {
			theirs |= d
			if first == 0 || m.stay.first < first {
				first = m.stay.first
			}
		}
	}
	if theirs == 0 {
		theirs, first = anybody, anyFirst
	}
	if first == 0 {
		return
	}
	both := theirs
	if g.home.first != 0 {
		both &= g.home.since(g.now)
	}
	s.Since = stamp(max(first, g.home.first))
	today := g.now / daySeconds
	from, apart := int64(0), 0
	for back := int64(0); both != 0 && apart <= restDays; both, back = both>>1, back+1 {
		if both&1 == 0 {
			apart++
			continue
		}
		apart = 0
		if s.Days++; s.Days == 1 {
			s.TogetherTo = stamp((today - back + 1) * daySeconds)
		}
		from = today - back
	}
	s.TogetherFrom = stamp(from * daySeconds)
}

// turns counts the days on which the device and every other that was in use that
// day were used at different times.
func (e *entry) turns(others []member) uint32 {
	const enough = 2 // half hours of use
	count := uint32(0)
	for _, own := range e.days {
		if bits.OnesCount64(own.slots) < enough {
			continue
		}
		company, alternating := false, true
		for _, m := range others {
			slots := m.slotsOn(own.day)
			used := bits.OnesCount64(slots)
			if used < enough || m.people() == e.people() {
				continue
			}
			company = true
			both := bits.OnesCount64(slots & own.slots)
			if 5*both > min(used, bits.OnesCount64(own.slots)) {
				alternating = false
				break
			}
		}
		if company && alternating {
			count++
		}
	}
	return count
}

func (e *entry) slotsOn(day uint32) uint64 {
	i, ok := slices.BinarySearchFunc(e.days, day, func(d daySlots, day uint32) int { return cmp.Compare(d.day, day) })
	if !ok {
		return 0
	}
	return e.days[i].slots
}
