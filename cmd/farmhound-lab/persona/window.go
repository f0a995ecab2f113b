package persona

import (
	"time"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func timeAt(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

func (l *life) isAwake(at int64) bool {
	for _, w := range l.awake {
		if w.from <= at && at < w.to {
			return true
		}
	}
	return false
}

// restBefore is when the laptop went to rest before it woke at a moment.
func (l *life) restBefore(woke int64) int64 {
	rest := woke
	for _, w := range l.awake {
		if w.from >= woke {
			break
		}
		rest = w.to
	}
	return rest
}

func (l *life) inUse(at int64) bool {
	for i := range l.work {
		if w := &l.work[i]; w.from <= at && at < w.to {
			return true
		}
	}
	return false
}

// sleepWindows are the windows of a long sleep, which count nothing but it.
func sleepWindows(from, to int64) []*farmhoundv1.Window {
	var out []*farmhoundv1.Window
	for from < to {
		n := uint32(min(to-from, longestWindow))
		out = append(out, &farmhoundv1.Window{StartedAt: stamp(from), Seconds: n, ControlKnown: true, AsleepSeconds: proto.Uint32(n)})
		from += int64(n)
	}
	return out
}

// window counts what happened from one moment to another, awake throughout.
func (a *agent) window(from, to int64) *farmhoundv1.Window {
	s := span{from, to}
	whole := float64(s.seconds())
	at := a.life.stayAt(from)
	w := &farmhoundv1.Window{
		StartedAt: stamp(from), Seconds: uint32(s.seconds()), ControlKnown: true, AsleepSeconds: proto.Uint32(0),
		Control: a.controlSeconds(s),
	}
	u := a.use(s)
	w.ActiveSeconds = proto.Uint32(uint32(u.active))
	w.AssistiveSeconds = proto.Uint32(uint32(u.assistive))
	if a.laptop.senses.media {
		w.CallSeconds = proto.Uint32(uint32(u.call))
	}
	if a.laptop.senses.hardware {
		w.OnAcSeconds = proto.Uint32(uint32(whole * a.mains(at)))
		lid := uint32(0)
		if at.shut {
			lid = w.Seconds
		}
		w.LidClosedSeconds = proto.Uint32(lid)
	}
	if a.laptop.senses.hands {
		w.Input, w.Rhythm = a.input(u), a.rhythm(u)
	}
	return a.seen(w, u)
}

// mains is the share of a window on mains power.
func (a *agent) mains(s *stay) float64 {
	switch {
	case s.mains >= 1:
		return 1
	case a.d.chance(s.mains):
		return 1
	default:
		return a.d.between(0, 0.5)
	}
}

func (a *agent) controlSeconds(s span) []*farmhoundv1.ControlSeconds {
	var out []*farmhoundv1.ControlSeconds
	for i := range a.life.control {
		c := &a.life.control[i]
		seconds := s.overlap(c.span)
		if seconds == 0 {
			continue
		}
		var of *farmhoundv1.ControlSeconds
		for _, known := range out {
			if known.GetTool() == c.tool {
				of = known
			}
		}
		if of == nil {
			of = &farmhoundv1.ControlSeconds{Tool: c.tool}
			out = append(out, of)
		}
		of.Seconds = uint32(min(int64(of.Seconds)+seconds, s.seconds()))
		if c.near {
			of.NearSeconds = uint32(min(int64(of.NearSeconds)+seconds, int64(of.Seconds)))
		}
		if c.measured {
			of.BytesIn += c.received(seconds)
			of.BytesOut += c.sent(seconds)
		}
	}
	return out
}

// use is what was done in a window, in seconds.
type use struct {
	active, assistive, call float64
	input                   [5]float64 // built-in, attached, KVM-like, injected, session
	variation               float64
	beats                   float64
	period                  int64
}

// use adds up the work of a window, with the unevenness of a real hour.
func (a *agent) use(s span) use {
	var u use
	for _, c := range a.life.calls {
		u.call += float64(s.overlap(c))
	}
	for i := range a.life.work {
		w := &a.life.work[i]
		seconds := float64(s.overlap(w.span))
		if seconds == 0 {
			continue
		}
		active := seconds * clamp(a.d.around(w.active, 0.12))
		u.active += active
		if w.assistive {
			u.assistive += active
		}
		typed := active * clamp(a.d.around(w.input, 0.08))
		for i, share := range [...]float64{w.hands.builtIn, w.hands.attached, w.hands.kvm, w.hands.injected, w.hands.session} {
			u.input[i] += typed * share
		}
		u.variation = w.variation
	}
	whole := float64(s.seconds())
	u.call = min(u.call, whole)
	if over := u.active / (0.98 * whole); over > 1 { // two at once are not twice as active
		u.active, u.assistive = u.active/over, u.assistive/over
		for i := range u.input {
			u.input[i] /= over
		}
	}
	for _, b := range a.life.beats {
		seconds := float64(s.overlap(b.span))
		if seconds == 0 {
			continue
		}
		// It keeps still while somebody is at work.
		u.beats += max(seconds-u.active, 0) / float64(b.period)
		u.period = b.period
	}
	return u
}

func clamp(share float64) float64 { return min(max(share, 0), 0.98) }

func (a *agent) input(u use) *farmhoundv1.InputSeconds {
	return &farmhoundv1.InputSeconds{
		BuiltIn: uint32(u.input[0]), Attached: uint32(u.input[1]), KvmLike: uint32(u.input[2]), Injected: uint32(u.input[3]),
		Session: uint32(u.input[4]), Jiggler: uint32(u.beats),
	}
}

// rhythm describes the pauses between input; nil with too little of it.
func (a *agent) rhythm(u use) *farmhoundv1.Rhythm {
	typed := 0.0
	for _, seconds := range u.input {
		typed += seconds
	}
	bursts := typed / a.d.between(3, 7)
	if bursts >= 10 {
		gap := 3600 * 1000 / (bursts * a.d.between(4, 8))
		return &farmhoundv1.Rhythm{Bursts: uint32(bursts), MedianGapMs: uint32(gap), GapCv: round(max(a.d.around(u.variation, 0.25), 0.3))}
	}
	if u.beats >= 10 {
		period := uint32(u.period * 1000)
		return &farmhoundv1.Rhythm{Bursts: uint32(u.beats), MedianGapMs: period, GapCv: round(a.d.between(0.01, 0.04)), PeriodMs: period}
	}
	return nil
}
