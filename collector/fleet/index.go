package fleet

import (
	"net/netip"
	"sync"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// togetherSeconds is how long ago a device may have been seen at a place to
	// still be kept there.
	togetherSeconds = 7 * daySeconds
	slotDays        = 20
)

// joint is something that two devices can have in common and that was observed
// together with an egress network: what laptops say of themselves joins nobody
// without the collector's own observation beside it.
type joint struct {
	kind   string
	hash   key
	prefix string
}

// index knows which devices have something in common. Entries are replaced as a
// whole and never changed, so that readers keep what they found without a lock.
type index struct {
	mu      sync.RWMutex
	entries map[string]*entry
	joints  map[joint]map[string]*entry
}

// entry is what others may need to know of one device.
type entry struct {
	id        string
	person    string // empty where unknown
	household string
	stays     []stay
	serials   []serial
	accounts  []key
	days      []daySlots // oldest first
	joints    []joint
}

// stay is one network at which the device was within togetherSeconds of its last report.
type stay struct {
	gateway, accessPoint joint // zero where unknown
	first, last          int64
	days                 uint64 // bit 0 is the day of last
	office               bool
}

// serial is a peripheral with a serial of its own.
type serial struct {
	name   string
	joints []joint
}

type daySlots struct {
	day   uint32
	slots uint64
}

func newIndex() *index {
	return &index{entries: make(map[string]*entry), joints: make(map[joint]map[string]*entry)}
}

// enter replaces a device's entry, touching only the groups it leaves or enters.
func (f *Fleet) enter(pic *fleetv1.Picture, at time.Time) {
	e := f.entryOf(pic, at)
	ix := f.index
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if old := ix.entries[e.id]; old != nil {
		for _, j := range old.joints {
			if group := ix.joints[j]; group[e.id] == old {
				delete(group, e.id)
				if len(group) == 0 {
					delete(ix.joints, j)
				}
			}
		}
	}
	ix.entries[e.id] = e
	for _, j := range e.joints {
		if ix.joints[j] == nil {
			ix.joints[j] = make(map[string]*entry, 1)
		}
		ix.joints[j][e.id] = e
	}
}

// size returns how many devices have something in common.
func (ix *index) size(j joint) int {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return len(ix.joints[j])
}

// group appends the devices that have something in common.
func (ix *index) group(to []*entry, j joint) []*entry {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	for _, e := range ix.joints[j] {
		to = append(to, e)
	}
	return to
}

// entryOf draws from a picture what others may need to know.
func (f *Fleet) entryOf(pic *fleetv1.Picture, at time.Time) *entry {
	e := &entry{id: pic.GetId()}
	person := f.person(pic, at)
	e.person, e.household = person.GetId(), person.GetHousehold()
	since := pic.GetLastReceivedUnix() - togetherSeconds
	for _, n := range pic.GetNetworks() {
		if n.GetLastUnix() < since || n.GetEgressPrefix() == "" {
			continue
		}
		s := stay{first: n.GetFirstUnix(), last: n.GetLastUnix(), days: n.GetDays(), office: n.GetOffice()}
		if k, ok := toKey(n.GetGateway()); ok {
			s.gateway = joint{hashGateway, k, n.GetEgressPrefix()}
			e.join(s.gateway)
		}
		if k, ok := toKey(n.GetAccessPoint()); ok {
			s.accessPoint = joint{hashAccessPoint, k, n.GetEgressPrefix()}
			e.join(s.accessPoint)
		}
		e.stays = append(e.stays, s)
	}
	f.enterSerials(e, pic, since)
	for _, c := range pic.GetContacts() {
		if k, ok := toKey(c.GetAccount()); ok && !c.GetNear() && !f.approved(c.GetTool(), person, at) {
			if e.join(joint{hashAccount, k, ""}) {
				e.accounts = append(e.accounts, k)
			}
		}
	}
	for _, d := range pic.GetDays() {
		if d.GetSlots() != 0 && int64(d.GetDay()) > at.Unix()/daySeconds-slotDays {
			e.days = append(e.days, daySlots{d.GetDay(), d.GetSlots()})
		}
	}
	return e
}

// enterSerials joins peripherals' serials with the egress networks beside which
// they were attached. A company's own egress stands for no place.
func (f *Fleet) enterSerials(e *entry, pic *fleetv1.Picture, since int64) {
	var prefixes []string
	for _, p := range pic.GetPeripherals() {
		k, ok := toKey(p.GetSerial())
		if !ok || p.GetLastUnix() < since {
			continue
		}
		if prefixes == nil {
			prefixes = recentPrefixes(pic, since)
		}
		s := serial{name: p.GetName()}
		for _, prefix := range prefixes {
			j := joint{hashPeripheral, k, prefix}
			e.join(j)
			s.joints = append(s.joints, j)
		}
		e.serials = append(e.serials, s)
	}
}

func recentPrefixes(pic *fleetv1.Picture, since int64) []string {
	const most = 3
	prefixes := []string{}
	all := pic.GetEgresses()
	for i := len(all) - 1; i >= 0 && len(prefixes) < most; i-- {
		if all[i].GetCompany() || all[i].GetLastUnix() < since {
			continue
		}
		if addr, err := netip.ParseAddr(all[i].GetAddress()); err == nil {
			if p := egressPrefix(addr); p != "" {
				prefixes = append(prefixes, p)
			}
		}
	}
	return prefixes
}

// join adds a joint once and says whether it was new.
func (e *entry) join(j joint) bool {
	for _, known := range e.joints {
		if known == j {
			return false
		}
	}
	e.joints = append(e.joints, j)
	return true
}

// people returns the name under which a device's person counts: a declared
// household counts once, and nobody knows that two unknown people are one.
func (e *entry) people() string {
	switch {
	case e.household != "":
		return "household " + e.household
	case e.person != "":
		return "person " + e.person
	}
	return "device " + e.id
}
