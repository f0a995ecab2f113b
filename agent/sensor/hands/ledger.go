package hands

import (
	"math/bits"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/sensor/hands/rhythm"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// origin is where input came from.
type origin uint8

const (
	// unplaced input is somebody's, but nobody can say whose: see places.
	unplaced origin = iota
	builtIn
	attached
	kvmLike
	injected
	session
	origins
)

const (
	// mostSources bounds how many devices are kept apart, mostSeconds a window.
	mostSources = 48
	mostSeconds = 90_000
	// lingers is for how long after input a laptop counts as used, in seconds.
	lingers = 30
)

// seconds is a set of seconds of one window, numbered from its beginning.
type seconds []uint64

func (s *seconds) add(n int64) {
	if n < 0 || n >= mostSeconds {
		return
	}
	for int(n/64) >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[n/64] |= 1 << (n % 64)
}

func (s *seconds) addAll(other seconds) {
	for len(*s) < len(other) {
		*s = append(*s, 0)
	}
	for i, word := range other {
		(*s)[i] |= word
	}
}

func (s seconds) has(n int64) bool { return int(n/64) < len(s) && s[n/64]&(1<<(n%64)) != 0 }

func (s seconds) count() (n uint32) {
	for _, word := range s {
		n += uint32(bits.OnesCount64(word))
	}
	return n
}

// without counts the seconds that are not in other.
func (s seconds) without(other seconds) (n uint32) {
	for i, word := range s {
		if i < len(other) {
			word &^= other[i]
		}
		n += uint32(bits.OnesCount64(word))
	}
	return n
}

// source is one device, or one way by which software makes input.
type source struct {
	origin origin
	trace  rhythm.Trace
	during seconds
	gone   bool
}

// ledger counts input in a window. Input is reduced to when, from which source and
// whether it was a key; more is not kept. It is safe for concurrent use.
type ledger struct {
	// clock is in milliseconds and stands still while the laptop sleeps.
	clock func() int64

	mu      sync.Mutex
	began   int64
	sources map[string]*source
}

func newLedger(clock func() int64) *ledger {
	return &ledger{clock: clock, began: clock(), sources: map[string]*source{}}
}

// monotonic is the clock of the running machine.
func monotonic() func() int64 {
	start := time.Now()
	return func() int64 { return time.Since(start).Milliseconds() }
}

// open returns the source of a name, which is only for telling sources apart. A
// source that comes again, by the same name, goes on. Beyond mostSources, those of
// one origin are one.
func (l *ledger) open(name string, o origin) *source {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sources) >= mostSources && l.sources[name] == nil {
		name = "others " + string('0'+rune(o))
	}
	s := l.sources[name]
	if s == nil {
		s = &source{}
		l.sources[name] = s
	}
	s.origin, s.gone = o, false
	return s
}

// close says that nothing more comes from a source.
func (l *ledger) close(s *source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.gone = true
}

// note counts input that came at a time.
func (l *ledger) note(s *source, at int64, key bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.trace.Add(at, key)
	s.during.add((at - l.began) / 1000)
}

// fill counts input that came all the time between two moments, of which not more is
// known.
func (l *ledger) fill(s *source, from, to int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to < l.began {
		return
	}
	for at := max(from, l.began); at <= to; at += 1000 {
		s.during.add((at - l.began) / 1000)
	}
	s.during.add((to - l.began) / 1000)
}

// sight is how much of the input is seen.
type sight uint8

const (
	blind sight = iota
	// activity is when the last input came and no more.
	activity
	// placed is when, and by which device, but not how: now and then it is asked which
	// were used lately.
	placed
	whole
)

// count fills the fields of a window that rest on input, and begins the next window.
// What was seen is what could be throughout.
func (l *ledger) count(w *farmhoundv1.Window, seen sight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	t := tally{began: l.began}
	for _, s := range l.sources {
		t.add(s, now)
	}
	if seen >= activity {
		w.ActiveSeconds = proto.Uint32(t.active((now - l.began + 999) / 1000))
	}
	if seen >= placed {
		t.fillInput(w)
	}
	if seen == whole {
		t.fillRhythm(w)
	}
	for name, s := range l.sources {
		s.during = s.during[:0]
		s.trace.Forget(now)
		if s.gone && s.trace.Empty() {
			delete(l.sources, name)
		}
	}
	l.began = now
}

// tally sums up the sources of one window.
type tally struct {
	began int64
	by    [origins]seconds
	all   seconds // without beats
	beats seconds
	// beat is of the machine that made most of the beats; traces are of what people do,
	// machines of what beats.
	beat             rhythm.Judgement
	most             uint32
	judged           rhythm.Judgement
	traces, machines []*rhythm.Trace
}

func (t *tally) add(s *source, now int64) {
	if len(s.during) == 0 {
		return
	}
	j := s.trace.Judge(now)
	rest := s.during
	if j.Verdict == rhythm.Machine {
		t.machines = append(t.machines, &s.trace)
		var own seconds
		own, rest = t.split(s, j)
		t.beats.addAll(own)
		if n := own.count(); n > t.most {
			t.most, t.beat = n, j
		}
	} else {
		t.traces = append(t.traces, &s.trace)
		if j.Pauses > t.judged.Pauses {
			t.judged = j
		}
	}
	t.by[s.origin].addAll(rest)
	t.all.addAll(rest)
}

// split parts the seconds in which a source beat from those in which somebody used
// it: what was before it began to beat, and bursts far richer than a beat.
func (t *tally) split(s *source, j rhythm.Judgement) (beats, rest seconds) {
	s.trace.Bursts(t.began, func(start, end int64, events int) {
		own := start >= j.From && events <= j.Most
		for n := max(start-t.began, 0) / 1000; n <= (end-t.began)/1000; n++ {
			if s.during.has(n) && own {
				beats.add(n)
			} else if s.during.has(n) {
				rest.add(n)
			}
		}
	})
	return beats, rest
}

func (t *tally) fillInput(w *farmhoundv1.Window) {
	if t.by[unplaced].count() == 0 {
		w.Input = &farmhoundv1.InputSeconds{
			BuiltIn: t.by[builtIn].count(), Attached: t.by[attached].count(), KvmLike: t.by[kvmLike].count(),
			Injected: t.by[injected].count(), Session: t.by[session].count(),
			Jiggler: t.beats.without(t.all),
		}
	}
}

func (t *tally) fillRhythm(w *farmhoundv1.Window) {
	// The rhythm is that of who made more of the input.
	traces, j := t.traces, t.judged
	if t.beats.count() > t.all.count() || len(traces) == 0 {
		traces, j = t.machines, t.beat
	}
	d, ok := rhythm.Describe(t.began, traces...)
	if !ok {
		return
	}
	w.Rhythm = &farmhoundv1.Rhythm{
		Bursts: uint32(d.Bursts), PointerBursts: uint32(d.PointerBursts),
		MedianGapMs: d.MedianGap, GapCv: min(d.Variation, 1000), PeriodMs: t.beat.Period,
	}
	if j.Pauses > 0 {
		w.Rhythm.PauseSpread, w.Rhythm.Pauses = proto.Float64(min(j.Spread, 1000)), uint32(j.Pauses)
	}
}

// active counts the seconds with input, beats left out, and those up to lingers
// after it.
func (t *tally) active(length int64) (n uint32) {
	last := int64(-lingers - 1)
	for at := range length {
		if t.all.has(at) {
			last = at
		}
		if at-last <= lingers {
			n++
		}
	}
	return n
}
