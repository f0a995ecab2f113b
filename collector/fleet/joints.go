package fleet

import (
	"iter"
	"slices"
)

// joint is something that two devices can have in common. It was observed together
// with an egress network, as what laptops say of themselves joins nobody without the
// collector's own observation beside it. Remote accounts alone have none: an operator's
// laptops may stand anywhere. They make no site, and count for a device only if it
// reports the account itself.
type joint struct {
	kind   string
	hash   key
	prefix string
}

// makesSite says whether a joint joins devices in a site by itself.
func (j joint) makesSite() bool {
	return j.prefix != "" && (j.kind == hashGateway || j.kind == hashAccessPoint || j.kind == hashPeripheral)
}

// fewJoints are so many that looking through all of them is faster than a map. An
// ordinary laptop has a dozen; one that makes up what it is plugged into has hundreds.
const fewJoints = 32

// join adds joints once.
func (e *entry) join(joints ...joint) {
	for _, j := range joints {
		if e.joins(j) {
			continue
		}
		e.joints = append(e.joints, j)
		if e.known != nil {
			e.known[j] = true
		}
	}
}

func (e *entry) joins(j joint) bool {
	if e.known == nil && len(e.joints) <= fewJoints {
		return slices.Contains(e.joints, j)
	}
	if e.known == nil {
		e.known = setOf(e.joints)
	}
	return e.known[j]
}

func setOf(joints []joint) map[joint]bool {
	set := make(map[joint]bool, 2*len(joints))
	for _, j := range joints {
		set[j] = true
	}
	return set
}

// move is of one device, out of groups and into others.
type move struct {
	left, joined []uint64
	// sites are, of those that are joined, the ones of joints that make sites.
	sites map[uint64]bool
}

// moved returns from where to where a device moves that was an entry, nil for none, and
// is another one. Where both have the same in common with others they share the list.
func (ix *index) moved(was, is *entry) (m move) {
	var before []joint
	if was != nil {
		before = was.joints
	}
	if slices.Equal(before, is.joints) {
		is.joints = before
		return move{}
	}
	for j := range without(before, is.joints) {
		m.left = append(m.left, ix.of(j))
	}
	for j := range without(is.joints, before) {
		id := ix.of(j)
		m.joined = append(m.joined, id)
		if j.makesSite() {
			if m.sites == nil {
				m.sites = make(map[uint64]bool)
			}
			m.sites[id] = true
		}
	}
	return m
}

// without yields those of some joints that are not among others.
func without(some, others []joint) iter.Seq[joint] {
	return func(yield func(joint) bool) {
		has := func(j joint) bool { return slices.Contains(others, j) }
		if len(others) > fewJoints {
			set := setOf(others)
			has = func(j joint) bool { return set[j] }
		}
		for _, j := range some {
			if !has(j) && !yield(j) {
				return
			}
		}
	}
}

// regroup moves a device from groups to others.
func (ix *index) regroup(s *slot, m move) {
	for _, id := range m.left {
		left := ix.groups[id].without(s)
		if left.len() == 0 {
			delete(ix.groups, id)
		} else {
			ix.groups[id] = left
		}
		if left.len() < 2 {
			delete(ix.shared, id)
		}
	}
	for _, id := range m.joined {
		joined := ix.groups[id].with(s)
		ix.groups[id] = joined
		if joined.len() == 2 && m.sites[id] {
			ix.shared[id] = true
		}
	}
}
