package fleet

import (
	"net/netip"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Kinds of marks that are no hashes.
const (
	markPeople = "people"
	markStand  = "stand"
)

// standsAt returns the egress networks at which a laptop stood lately: where its own
// interface was seen, or where it left openly by a network that hides nobody.
func standsAt(pic *fleetv1.Picture) (prefixes []string) {
	for _, x := range pic.GetEgresses() {
		at := x.GetPhysicalUnix()
		if x.GetUntunnelled() {
			at = max(at, x.GetLastUnix())
		}
		if at == 0 || at < pic.GetLastReceivedUnix()-togetherSeconds || hides(x) {
			continue
		}
		addr, err := netip.ParseAddr(x.GetAddress())
		prefix := egressPrefix(addr)
		if addr.Unmap().Is4() {
			prefix = addr.Unmap().String() // a carrier's customers are neighbours by number only
		}
		if err == nil && prefix != "" && !slices.Contains(prefixes, prefix) {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

// crowd says whether more devices have something in common than it can be people's own.
func (ix *index) crowd(j joint) bool {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return ix.groups[ix.of(j)].len() > crowd
}

// marks are what laptops of one hand have in common: the person, the network at which they
// live, where they stand, what is attached to them and who controls them. Desks at an
// office are none, and nothing is that a crowd has.
func (e *entry) marks(ix *index, now int64) []joint {
	marks := []joint{{kind: markPeople, prefix: e.people()}}
	for _, prefix := range e.stands {
		marks = append(marks, joint{kind: markStand, prefix: prefix})
	}
	for _, s := range e.stays {
		if !s.office && e.lives(s, now) && !slices.ContainsFunc(s.joints, ix.crowd) {
			marks = append(marks, e.renames.named(s.network)...)
		}
	}
	for _, s := range e.serials {
		for _, j := range s.joints {
			if !ix.crowd(j) {
				marks = append(marks, j)
			}
		}
	}
	for k := range e.accounts {
		account := joint{kind: hashAccount, hash: k}
		if e.controlled(k, now/daySeconds) && !ix.crowd(account) {
			marks = append(marks, e.renames.named(account)...)
		}
	}
	return marks
}

// hands counts in how many unconnected lots the others of a group are: two laptops with a
// mark in common are in one, and so are two that see each other. The lot in which the
// device itself is does not count.
func (ix *index) hands(self *entry, others []*entry, now int64) int {
	all := append([]*entry{self}, others...)
	lots := newLots(len(all))
	place, first := make(map[string]int, len(all)), make(map[joint]int)
	for i, e := range all {
		place[e.id] = i
		for _, m := range e.marks(ix, now) {
			if known, ok := first[m]; ok {
				lots.tie(known, i)
			} else {
				first[m] = i
			}
		}
	}
	for i, e := range all {
		for _, s := range e.sightings {
			for _, owner := range ix.owners(s.name) {
				at, in := place[owner.id]
				if !in || lots.of(at) == lots.of(i) {
					continue
				}
				if _, mutual := ix.mutual(e, owner, now); mutual {
					lots.tie(at, i)
				}
			}
		}
	}
	found := make(map[int]bool)
	for i := range all {
		found[lots.of(i)] = true
	}
	return len(found) - 1
}

// lots are disjoint sets of numbers, each named by one of its own.
type lots []int

func newLots(n int) lots {
	l := make(lots, n)
	for i := range l {
		l[i] = i
	}
	return l
}

func (l lots) of(i int) int {
	for l[i] != i {
		i = l[i]
	}
	return i
}

func (l lots) tie(i, j int) { l[l.of(i)] = l.of(j) }
