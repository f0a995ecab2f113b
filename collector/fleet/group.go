package fleet

// group is the devices that have one joint in common. Most joints are one device's: that
// costs no map.
type group struct {
	one  *entry // the only one
	more map[string]*entry
}

func (g group) len() int {
	if g.one != nil {
		return 1
	}
	return len(g.more)
}

// appendTo appends the devices, in no order.
func (g group) appendTo(list []*entry) []*entry {
	if g.one != nil {
		return append(list, g.one)
	}
	for _, e := range g.more {
		list = append(list, e)
	}
	return list
}

// with returns the group with a device, in the place of what it was before.
func (g group) with(e *entry) group {
	switch {
	case g.len() == 0 || g.one != nil && g.one.id == e.id:
		return group{one: e}
	case g.one != nil:
		return group{more: map[string]*entry{g.one.id: g.one, e.id: e}}
	}
	g.more[e.id] = e
	return g
}

// without returns the group without a device as it was, and as it is without that.
func (g group) without(e *entry) group {
	switch {
	case g.one == e:
		return group{}
	case g.more[e.id] == e:
		delete(g.more, e.id)
		if len(g.more) == 1 {
			for _, last := range g.more {
				return group{one: last}
			}
		}
	}
	return g
}
