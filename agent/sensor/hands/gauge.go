package hands

import "google.golang.org/protobuf/proto"

// gaugePatience, in milliseconds, is how long a state is believed without being
// looked at again: a look that the agent stretches to a minute may come late.
const gaugePatience = 90_000

// gauge turns a state that is looked at now and then into seconds of a window. The
// zero value has not been looked at.
type gauge struct {
	// seen is whether the state is known, missed whether it was not at some time in
	// the window.
	seen, on, missed bool
	lookedAt         int64 // time of the last look, in milliseconds
	countedTo        int64 // the time up to which sum counts
	sum              int64
}

// set notes the state at a time in milliseconds; nil means that it cannot be known.
func (g *gauge) set(on *bool, now int64) {
	g.advance(now)
	g.lookedAt = now
	if on == nil {
		g.seen, g.missed = false, true
		return
	}
	g.on, g.seen = *on, true
}

// advance adds the time since it was last added. What the last look found holds for
// gaugePatience; after that it is not known.
func (g *gauge) advance(now int64) {
	if g.seen {
		until := min(now, g.lookedAt+gaugePatience)
		if g.on {
			g.sum += max(until-g.countedTo, 0)
		}
		g.missed = g.missed || until < now
	}
	g.countedTo = now
}

// drain returns the seconds in which the state held, nil where that is not known
// for all of the window, and begins the next window.
func (g *gauge) drain(now int64) *uint32 {
	g.advance(now)
	sum, whole := g.sum, g.seen && !g.missed
	g.sum, g.missed = 0, false
	if !whole {
		return nil
	}
	return proto.Uint32(uint32((sum + 500) / 1000))
}
