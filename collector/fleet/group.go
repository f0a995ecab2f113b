package fleet

// group is the devices that have one joint in common. Most joints are one device's: that
// costs no map.
type group struct {
	one  *slot // the only one
	more map[*slot]bool
}

func (g group) len() int {
	if g.one != nil {
		return 1
	}
	return len(g.more)
}

// appendTo appends what is known of the devices, in no order.
func (g group) appendTo(list []*entry) []*entry {
	if g.one != nil {
		return append(list, g.one.entry)
	}
	for s := range g.more {
		list = append(list, s.entry)
	}
	return list
}

// with returns the group with a device.
func (g group) with(s *slot) group {
	switch {
	case g.len() == 0 || g.one == s:
		return group{one: s}
	case g.one != nil:
		return group{more: map[*slot]bool{g.one: true, s: true}}
	}
	g.more[s] = true
	return g
}

// without returns the group without a device.
func (g group) without(s *slot) group {
	if g.one == s {
		return group{}
	}
	delete(g.more, s)
	if len(g.more) == 1 {
		for last := range g.more {
			return group{one: last}
		}
	}
	return g
}
