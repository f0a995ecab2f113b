package persona

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// life is everything that happens to one laptop, laid out before its agent looks.
// The lists are in order of time.
type life struct {
	awake   []wake
	work    []work
	control []control
	calls   []span
	beats   []beat
	stays   []stay
	tools   []installed
	zones   []zone
}

// span is a stretch of time in Unix seconds; to is the first second after it.
type span struct{ from, to int64 }

func (s span) seconds() int64 { return max(s.to-s.from, 0) }

func (s span) within(o span) span { return span{max(s.from, o.from), min(s.to, o.to)} }

func (s span) overlap(o span) int64 { return s.within(o).seconds() }

// wake is a stretch in which the laptop is awake.
type wake struct {
	span
	// off is whether it was switched off before, so that its agent starts anew.
	off bool
}

// hands are shares of input by where it comes from.
type hands struct{ builtIn, attached, kvm, injected, session float64 }

// work is a stretch in which somebody uses the laptop.
type work struct {
	span
	// active is the share of the time in which something is done, input the share
	// of that with input.
	active, input float64
	hands         hands
	// variation is the coefficient of variation of pauses between input.
	variation float64
	// assistive is whether assistive technology runs.
	assistive bool
}

// control is one session from elsewhere.
type control struct {
	span
	*link
	id   string
	peer netip.Addr
	// rtt is the smallest round trip of this session in milliseconds.
	rtt float64
	// near is whether the peer is on the laptop's own network.
	near bool
}

// link is a way of controlling a laptop.
type link struct {
	tool        string
	kind        farmhoundv1.SessionKind
	class       farmhoundv1.PeerClass
	path        farmhoundv1.SessionPath
	established farmhoundv1.EstablishedBy
	// measured is whether the laptop's system tells round trips and bytes.
	measured bool
	// account is who controls, where the tool names it.
	account string
	// logon is the kind of logon session that comes with it, if any.
	logon farmhoundv1.LogonKind
}

// beat is a stretch with a jiggler at work.
type beat struct {
	span
	period int64 // seconds
}

// stay is where and how the laptop stands from a moment on.
type stay struct {
	from int64
	at   *site
	// wired is whether it is on a cable.
	wired bool
	// desk is what is plugged in.
	desk *desk
	shut bool
	// mains is the share of the time on mains power.
	mains  float64
	tunnel *tunnel
}

// zone is the time zone that is set from a moment on.
type zone struct {
	from int64
	name string
}

// installed is a tool that is there from a moment on, until to unless that is zero.
type installed struct {
	*tool
	from, to int64
}

// settle puts everything in order of time.
func (l *life) settle() {
	slices.SortStableFunc(l.awake, func(a, b wake) int { return cmp.Compare(a.from, b.from) })
	l.awake = joinWakes(l.awake)
	slices.SortStableFunc(l.work, func(a, b work) int { return cmp.Compare(a.from, b.from) })
	slices.SortStableFunc(l.control, func(a, b control) int { return cmp.Compare(a.from, b.from) })
	slices.SortStableFunc(l.calls, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	slices.SortStableFunc(l.stays, func(a, b stay) int { return cmp.Compare(a.from, b.from) })
	slices.SortStableFunc(l.zones, func(a, b zone) int { return cmp.Compare(a.from, b.from) })
	slices.SortStableFunc(l.tools, func(a, b installed) int { return cmp.Compare(a.id, b.id) })
	l.keepAwake()
}

// joinWakes makes overlapping stretches one.
func joinWakes(all []wake) []wake {
	var out []wake
	for _, w := range all {
		if w.seconds() == 0 {
			continue
		}
		if n := len(out); n > 0 && w.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, w.to)
			continue
		}
		out = append(out, w)
	}
	return out
}

// keepAwake cuts what is done on a laptop to the time it is awake. Sessions and
// work end when it goes to rest; jigglers go on when it wakes.
func (l *life) keepAwake() {
	cut := func(s *span) bool {
		for _, w := range l.awake {
			if part := s.within(w.span); part.seconds() > 0 {
				*s = part
				return true
			}
		}
		return false
	}
	l.work = slices.DeleteFunc(l.work, func(w work) bool { return !cut(&w.span) })
	for i := range l.work {
		cut(&l.work[i].span)
	}
	l.control = slices.DeleteFunc(l.control, func(c control) bool { return !cut(&c.span) })
	for i := range l.control {
		cut(&l.control[i].span)
	}
	l.calls = slices.DeleteFunc(l.calls, func(c span) bool { return !cut(&c) })
	for i := range l.calls {
		cut(&l.calls[i])
	}
	var beats []beat
	for _, b := range l.beats {
		for _, w := range l.awake {
			if part := b.within(w.span); part.seconds() > 0 {
				beats = append(beats, beat{part, b.period})
			}
		}
	}
	l.beats = beats
}

// stayAt returns where the laptop stands at a moment.
func (l *life) stayAt(at int64) *stay {
	i, _ := slices.BinarySearchFunc(l.stays, at+1, func(s stay, at int64) int { return cmp.Compare(s.from, at) })
	return &l.stays[max(i-1, 0)]
}

func (l *life) zoneAt(at int64) string {
	i, _ := slices.BinarySearchFunc(l.zones, at+1, func(z zone, at int64) int { return cmp.Compare(z.from, at) })
	return l.zones[max(i-1, 0)].name
}

// clocks are the time zones that were loaded.
type clocks map[string]*time.Location

func (c clocks) load(name string) *time.Location {
	if loc, ok := c[name]; ok {
		return loc
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		loc = time.UTC
	}
	c[name] = loc
	return loc
}
