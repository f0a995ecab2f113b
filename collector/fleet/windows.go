package fleet

import (
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// aheadSeconds is how far ahead of the collector's clock a window may end.
	aheadSeconds = 26 * 3600
	// slack is what two windows may overlap or lie apart by rounding to seconds.
	slack        = 2
	keptSpans    = 24
	keptControls = 12
	slotSeconds  = 1800
	// longestPlaced is the longest window of which all half hours are said to be used: an
	// hour's and what its timer is late.
	longestPlaced = 4000
	cvScale       = 10000
)

// windows counts every window into the UTC days it lies on, whenever it arrives.
// The counted spans of a day are remembered, so that a window counts once however
// often and in whatever order it is delivered.
func (u *update) windows() {
	oldest := (u.received/daySeconds - keptDays + 1) * daySeconds
	for _, w := range u.rep.GetWindows() {
		start := w.GetStartedAt().AsTime().Unix()
		// What lies beyond its report had not happened yet.
		end := min(start+int64(w.GetSeconds()), u.observed+slack)
		if end <= start || end > u.received+aheadSeconds || start < oldest {
			u.pic.WindowsRefused++
			continue
		}
		if w.AsleepSeconds != nil {
			u.slept(start, end, w.GetAsleepSeconds())
		}
		for from := start; from < end; {
			number := from / daySeconds
			to := min(end, (number+1)*daySeconds)
			u.portion(w, start, from, to)
			from = to
		}
	}
}

// portion counts the part of a window that lies on one day.
func (u *update) portion(w *farmhoundv1.Window, start, from, to int64) {
	number := from / daySeconds
	d := u.day(number)
	length := to - from
	news := addSpan(d, uint32(from-number*daySeconds), uint32(to-number*daySeconds))
	if news <= 0 {
		return
	}
	if length > 5*slack && length-news <= slack {
		news = length
	}
	whole := int64(w.GetSeconds()) // with what was cut off
	p := piece{
		w: w, d: d, from: from, to: to, seconds: news, first: from == start,
		// Shares are differences of a running total, so that the parts of a window
		// add up to the whole.
		share: func(n uint32) uint32 {
			n64 := min(int64(n), whole)
			part := n64*(to-start)/whole - n64*(from-start)/whole
			return uint32(part * news / length)
		},
	}
	u.count(p)
}

// piece is the part of a window that counts for one day.
type piece struct {
	w        *farmhoundv1.Window
	d        *fleetv1.Day
	from, to int64
	seconds  int64
	first    bool
	share    func(uint32) uint32
}

func (u *update) count(p piece) {
	w, d, length := p.w, p.d, uint32(p.seconds)
	active, known := uint32(0), w.ActiveSeconds != nil
	if known {
		active = p.share(w.GetActiveSeconds())
		d.ActivityKnownSeconds += length
		d.ActiveSeconds += active
	}
	controlled := uint32(0)
	if w.GetControlKnown() || len(w.GetControl()) > 0 { // what was counted is known
		inUse := active
		if !known {
			// Nobody can say when it was used: at most while it was awake.
			inUse = length - min(p.share(w.GetAsleepSeconds()), length)
		}
		d.ControlKnownSeconds += length
		d.ActiveControlKnownSeconds += inUse
		controlled = countControl(p, inUse)
	}
	input := countInput(p)
	countState(p, active, known)
	if !known {
		active = max(input, controlled)
	}
	countSlots(p, active)
	countRhythm(p)
	u.hung(p)
}

// hung notes a window far longer than any agent counts over while its laptop was
// awake: the agent was held.
func (u *update) hung(p piece) {
	awake := int64(p.w.GetSeconds()) - int64(p.w.GetAsleepSeconds())
	if p.first && p.w.AsleepSeconds != nil && awake >= silenceSeconds {
		start := p.w.GetStartedAt().AsTime().Unix()
		u.silence(&fleetv1.Silence{FromUnix: start, ToUnix: start + awake, Held: true})
	}
}

// countControl adds control by tool and returns the longest. Input under control
// is use, so that the two overlap as far as they can.
func countControl(p piece, inUse uint32) uint32 {
	longest, wanted := uint32(0), uint64(0)
	for _, c := range p.w.GetControl() {
		wanted += uint64(min(inUse, p.share(c.GetSeconds())))
	}
	// Two tools at once are no more use than there was: each has its part of it.
	used := func(seconds uint32) uint32 {
		seconds = min(inUse, seconds)
		if wanted > uint64(inUse) {
			seconds = uint32(uint64(seconds) * uint64(inUse) / wanted)
		}
		return seconds
	}
	for _, c := range p.w.GetControl() {
		seconds := min(p.share(c.GetSeconds()), uint32(p.seconds))
		if seconds == 0 {
			continue
		}
		longest = max(longest, seconds)
		total := controlOf(p.d, c.GetTool())
		if total == nil {
			continue
		}
		near := min(p.share(c.GetNearSeconds()), seconds)
		total.Seconds += seconds
		total.NearSeconds += near
		total.ActiveSeconds += used(seconds - near)
		total.ActiveNearSeconds += used(near)
	}
	return longest
}

func controlOf(d *fleetv1.Day, tool string) *fleetv1.DayControl {
	for _, c := range d.GetControl() {
		if c.GetTool() == tool {
			return c
		}
	}
	if len(d.GetControl()) >= keptControls {
		return nil
	}
	c := &fleetv1.DayControl{Tool: tool}
	d.Control = append(d.Control, c)
	slices.SortFunc(d.Control, func(a, b *fleetv1.DayControl) int { return compare(a.GetTool(), b.GetTool()) })
	return c
}

// countInput adds input by origin and returns the seconds with input, beats left out.
func countInput(p piece) uint32 {
	in := p.w.GetInput()
	if in == nil {
		return 0
	}
	if p.d.Input == nil {
		p.d.Input = &fleetv1.DayInput{}
	}
	day := p.d.GetInput()
	builtIn, attached, kvm := p.share(in.GetBuiltIn()), p.share(in.GetAttached()), p.share(in.GetKvmLike())
	injected, session := p.share(in.GetInjected()), p.share(in.GetSession())
	day.BuiltIn += builtIn
	day.Attached += attached
	day.KvmLike += kvm
	day.Injected += injected
	day.Session += session
	day.Jiggler += p.share(in.GetJiggler())
	if calls := p.w.CallSeconds; calls != nil {
		seconds := p.share(*calls)
		p.d.CallSeconds += seconds
		// Judged on the window's own figures: a share of one second rounds to nothing.
		all := uint64(in.GetBuiltIn()) + uint64(in.GetAttached()) + uint64(in.GetKvmLike()) + uint64(in.GetInjected()) + uint64(in.GetSession())
		if all > 0 && 2*uint64(in.GetInjected()) >= all {
			p.d.CallInjectedSeconds += seconds
		}
	}
	return min(builtIn+attached+kvm+injected+session, uint32(p.seconds))
}

func countState(p piece, active uint32, known bool) {
	w, d, length := p.w, p.d, uint32(p.seconds)
	if w.LidClosedSeconds != nil {
		d.LidKnownSeconds += length
		d.LidClosedSeconds += p.share(w.GetLidClosedSeconds())
	}
	if w.OnAcSeconds != nil {
		d.AcKnownSeconds += length
		d.AcSeconds += p.share(w.GetOnAcSeconds())
	}
	if w.AsleepSeconds != nil {
		d.AsleepKnownSeconds += length
		d.AsleepSeconds += p.share(w.GetAsleepSeconds())
	}
	if w.AssistiveSeconds != nil {
		seconds := p.share(w.GetAssistiveSeconds())
		if known {
			length, seconds = active, min(active, seconds)
		}
		d.AssistiveKnownSeconds += length
		d.AssistiveSeconds += seconds
	}
}

// countSlots marks the half hours in which the laptop was in use. A window too
// long to place marks none.
func countSlots(p piece, active uint32) {
	length := p.to - p.from
	if length > longestPlaced || int64(active)*5 < length || active == 0 {
		return
	}
	midnight := int64(p.d.GetDay()) * daySeconds
	for slot := (p.from - midnight) / slotSeconds; slot <= (p.to-1-midnight)/slotSeconds; slot++ {
		p.d.Slots |= 1 << slot
	}
}

// beats are the periods, in milliseconds, of the jigglers built into remote consoles.
var beats = [...]uint32{15000, 20000, 60000}

func countRhythm(p piece) {
	r := p.w.GetRhythm()
	if r == nil || !p.first {
		return
	}
	const enough = 10
	if r.GetBursts() >= enough {
		p.d.RhythmCvSum += uint64(min(max(r.GetGapCv(), 0), 100) * cvScale)
		p.d.RhythmWindows++
		// By the hour, whatever the length of windows: one of an hour in which a machine
		// and a person take turns is a person's.
		hour := uint32(1) << ((p.from - int64(p.d.GetDay())*daySeconds) / 3600)
		p.d.RhythmHours |= hour
		if !machineRhythm(r) {
			p.d.PersonHours |= hour
		}
	}
	in := p.w.GetInput()
	if in.GetKvmLike() == 0 && in.GetJiggler() == 0 {
		return
	}
	for _, beat := range beats {
		if diff := int64(r.GetPeriodMs()) - int64(beat); diff <= int64(beat)*3/100 && -diff <= int64(beat)*3/100 {
			if p.d.GetBeatMs() == 0 || beat < p.d.GetBeatMs() {
				p.d.BeatMs = beat
			}
		}
	}
}

// machineRhythm reports whether pauses are a machine's. A person pauses on every
// scale, from between two keys to a coffee; a machine that draws its pauses at random
// still draws them from one.
func machineRhythm(r *farmhoundv1.Rhythm) bool {
	const (
		even      = 0.15
		oneScale  = 0.35
		restingOn = 24
	)
	return r.GetGapCv() < even || r.PauseSpread != nil && r.GetPauses() >= restingOn && r.GetPauseSpread() < oneScale
}

// addSpan marks seconds of a day as counted and returns how many were not yet.
func addSpan(d *fleetv1.Day, from, to uint32) int64 {
	spans := d.GetCounted()
	news := int64(to) - int64(from)
	merged := make([]uint32, 0, len(spans)+2)
	i := 0
	for ; i < len(spans) && spans[i+1]+slack < from; i += 2 {
		merged = append(merged, spans[i], spans[i+1])
	}
	for ; i < len(spans) && spans[i] <= to+slack; i += 2 {
		if lo, hi := max(spans[i], from), min(spans[i+1], to); hi > lo {
			news -= int64(hi - lo)
		}
		from, to = min(from, spans[i]), max(to, spans[i+1])
	}
	merged = append(merged, from, to)
	merged = append(merged, spans[i:]...)
	for len(merged) > 2*keptSpans {
		merged = closeSmallestGap(merged)
	}
	d.Counted = merged
	return news
}

// closeSmallestGap gives up what is least: a window that later arrives for the
// gap is not counted.
func closeSmallestGap(spans []uint32) []uint32 {
	smallest := 1
	for i := 3; i+1 < len(spans); i += 2 {
		if spans[i+1]-spans[i] < spans[smallest+1]-spans[smallest] {
			smallest = i
		}
	}
	return slices.Delete(spans, smallest, smallest+2)
}
