package hands

import "google.golang.org/protobuf/proto"

// gaugePatience, in milliseconds, is how long a state is believed without being
// looked at again: an observation or two may come late.
const gaugePatience = 60_000

// gauge turns a state that is looked at now and then into seconds of a window. The
// zero value has not been looked at.
type gauge struct {
	// seen is whether the state is known, missed whether it was not at some time in
	// the window.
	seen, on, missed bool
	at               int64 // of the last look, or of the last drain
	sum              int64
}

// set notes the state at a time in milliseconds; nil means that it cannot be known.
func (g *gauge) set(on *bool, now int64) {
	g.advance(now)
	if on == nil {
		g.seen, g.missed = false, true
		return
	}
	g.on, g.seen = *on, true
}

// advance adds the time since the last look.
func (g *gauge) advance(now int64) {
	if g.seen && g.on {
		g.sum += min(now-g.at, gaugePatience)
	}
	g.at = now
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
