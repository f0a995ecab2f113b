// Package rhythm tells from nothing but the times of input whether a person or a
// machine made it.
//
// People pause on every scale: between keys, between words, to read, to think, to
// fetch coffee. What keeps a laptop awake pauses on one, or on two with nothing
// between them. A Trace keeps the strokes of one device for an hour at most and
// describes them. It knows that a key was pressed or a pointer moved, and never
// which or where. The package imports nothing of Farmhound.
package rhythm

import "slices"

const (
	// strokeGap, in milliseconds, ends a stroke: what follows closer is one movement
	// or one word.
	strokeGap = 250
	// burstGap ends a burst, in milliseconds.
	burstGap = 1000
	// horizon is how far back a Trace remembers, in milliseconds, and mostStrokes how much.
	horizon     = 3600_000
	mostStrokes = 512
)

// stroke is input without a pause.
type stroke struct {
	start        int64
	span         uint32
	events, keys uint16
}

func (s *stroke) end() int64 { return s.start + int64(s.span) }

// Trace is when input of one device came. The zero value is empty. It is for one
// goroutine at a time.
type Trace struct{ strokes []stroke }

// Add notes input at a time in milliseconds of a clock that does not go back; key is
// whether it was a key rather than a pointer. Input from before the last one counts
// as now.
func (t *Trace) Add(at int64, key bool) {
	n := len(t.strokes)
	if n > 0 {
		last := &t.strokes[n-1]
		if at-last.end() < strokeGap {
			last.span = uint32(min(max(at-last.start, int64(last.span)), horizon))
			last.events = min(last.events, 65534) + 1
			if key {
				last.keys = min(last.keys, 65534) + 1
			}
			return
		}
	}
	if n == mostStrokes {
		// Half at once, so that the rest is moved seldom.
		t.strokes = slices.Delete(t.strokes, 0, mostStrokes/2)
	}
	s := stroke{start: at, events: 1}
	if key {
		s.keys = 1
	}
	t.strokes = append(t.strokes, s)
}

// Forget drops what is older than an hour before a time, and the memory of a trace
// that is empty then.
func (t *Trace) Forget(now int64) {
	n := 0
	for n < len(t.strokes) && t.strokes[n].end() < now-horizon {
		n++
	}
	if n == len(t.strokes) {
		t.strokes = nil
		return
	}
	t.strokes = slices.Delete(t.strokes, 0, n)
}

// Empty reports whether nothing is remembered.
func (t *Trace) Empty() bool { return len(t.strokes) == 0 }

// burst is strokes without a pause of burstGap between them.
type burst struct {
	start, end            int64
	events, keys, strokes int
}

func burstsOf(strokes []stroke) []burst {
	var list []burst
	for i := range strokes {
		s := &strokes[i]
		n := len(list)
		if n == 0 || s.start-list[n-1].end >= burstGap {
			list = append(list, burst{start: s.start, end: s.end()})
			n++
		}
		b := &list[n-1]
		b.end = s.end()
		b.events += int(s.events)
		b.keys += int(s.keys)
		b.strokes++
	}
	return list
}
