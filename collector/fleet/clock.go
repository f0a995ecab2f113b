package fleet

import (
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// jumpSeconds is the smallest change of a clock that is called a jump: network
	// time services correct less than that all the time.
	jumpSeconds = 120
	// silenceSeconds is the shortest silence that is remembered. An agent's
	// longest window is an hour.
	silenceSeconds = 3 * 3600
	keptRuns       = 8
	keptSilences   = 8
	keptTrustDays  = 5
)

// clock holds the laptop's clock against the collector's. A report arrives after
// it was observed, spooled ones much later, so that only a clock that is ahead
// shows: nothing arrives before it happened.
func (u *update) clock(observed int64) {
	c := u.pic.GetClock()
	delay := u.received - observed
	if c.GetDay() != 0 {
		if jump := max(-delay, 0) - max(-usualDelay(c), 0); jump >= jumpSeconds {
			u.jumped(jump)
		}
	}
	switch today := uint32(u.received / daySeconds); {
	case c.GetDay() == today:
		c.DelayToday = min(c.GetDelayToday(), delay)
	case c.GetDay() == 0:
		c.Day, c.DelayToday = today, delay
	case c.GetDay() < today:
		c.DelayBefore, c.BeforeKnown = c.GetDelayToday(), true
		c.Day, c.DelayToday = today, delay
	}
	// On its first day a laptop delivers what it spooled before it could deliver at
	// all: what is usual shows from the next one on.
	usual := int64(0)
	if c.GetBeforeKnown() {
		usual = max(usualDelay(c), 0)
	}
	u.late = delay > usual+lateSeconds
}

// usualDelay is the smallest delay of the last two days with reports: late
// reports and a clock that was wrong for a while do not move it.
func usualDelay(c *fleetv1.ClockState) int64 {
	if c.GetBeforeKnown() {
		return min(c.GetDelayToday(), c.GetDelayBefore())
	}
	return c.GetDelayToday()
}

func (u *update) jumped(seconds int64) {
	d := u.day(u.received / daySeconds)
	d.ClockJumpSeconds = max(d.GetClockJumpSeconds(), uint32(min(seconds, 1<<31)))
}

// repeated says whether a picture holds a report already. What lies further back
// than is remembered was applied, or was lost for good.
func repeated(pic *fleetv1.Picture, rep *farmhoundv1.Report) bool {
	for _, b := range pic.GetBoots() {
		if b.GetId() != rep.GetBootId() {
			continue
		}
		if rep.GetSequence() > b.GetSequence() {
			return false
		}
		back := b.GetSequence() - rep.GetSequence()
		return back == 0 || back > 64 || b.GetApplied()>>(back-1)&1 == 1
	}
	return false
}

// run follows the runs of the agent. Where nothing is known of acknowledgements, two
// that take turns under one identity show in it.
func (u *update) run(observed int64) {
	id, sequence := u.rep.GetBootId(), u.rep.GetSequence()
	u.runBegan = sequence == 1 && u.rep.GetHealth() != nil
	boots := room(u.pic.GetBoots())
	at := slices.IndexFunc(boots, func(b *fleetv1.Boot) bool { return b.GetId() == id })
	if at < 0 {
		b := &fleetv1.Boot{
			Id: id, Sequence: sequence, ObservedUnix: observed, ReceivedUnix: u.received,
			FirstObservedUnix: observed, Order: u.order, Base: u.base,
		}
		u.made(b)
		boots = append(boots, b)
	} else {
		b := edit(&u.draft, boots, at)
		if u.obs.Link == LinkUnknown && at > 0 && sequence > b.GetSequence() && overtaken(boots[:at], b, observed) {
			u.returned(b)
		}
		b.FirstObservedUnix = min(b.GetFirstObservedUnix(), observed)
		b.Order = max(b.GetOrder(), u.order)
		if sequence == b.GetSequence()+1 {
			u.before = &fleetv1.Silence{FromUnix: b.GetObservedUnix(), ToUnix: b.GetReceivedUnix()}
		}
		advance(b, sequence, observed, u.received)
	}
	slices.SortStableFunc(boots, func(a, b *fleetv1.Boot) int { return compare(b.GetOrder(), a.GetOrder()) })
	u.pic.Boots = boots[:min(len(boots), keptRuns)]
}

// advance notes a sequence as applied.
func advance(b *fleetv1.Boot, sequence uint64, observed, received int64) {
	if sequence < b.GetSequence() {
		b.Applied |= 1 << (b.GetSequence() - sequence - 1)
		return
	}
	b.Applied = b.GetApplied()<<1 | 1
	if step := sequence - b.GetSequence(); step > 1 {
		b.Applied <<= min(step-1, 64)
	}
	b.Sequence, b.ObservedUnix, b.ReceivedUnix = sequence, observed, received
}

// overtaken says whether one of the later runs had begun, after this one, when a report
// of this one was observed.
func overtaken(later []*fleetv1.Boot, b *fleetv1.Boot, observed int64) bool {
	return slices.ContainsFunc(later, func(other *fleetv1.Boot) bool {
		return other.GetFirstObservedUnix() > b.GetFirstObservedUnix() && observed-other.GetFirstObservedUnix() > jumpSeconds
	})
}

// returned notes that a run came back after another one had taken over. The id
// of a run is random, so a laptop that restarts never returns to an old one; one
// return may be a delivery that was under way, a second within the hour is a copy.
func (u *update) returned(boot *fleetv1.Boot) {
	boot.ReturnedUnix = append(boot.GetReturnedUnix(), u.received)
	if n := len(boot.GetReturnedUnix()); n > 2 {
		boot.ReturnedUnix = boot.GetReturnedUnix()[n-2:]
	}
	lately := 0
	for _, b := range u.pic.GetBoots() {
		for _, at := range b.GetReturnedUnix() {
			if u.received-at <= 3600 {
				lately++
			}
		}
	}
	if lately >= 2 {
		u.copied()
	}
}

// pause looks at the time since the report before of the same run. Windows are
// spooled while nothing can be delivered and tell of sleep, so that a time that
// neither clock nor window accounts for was a silence of an agent that ran.
func (u *update) pause(observed int64) {
	if u.before == nil {
		return
	}
	sent, arrived := u.before.GetFromUnix(), u.before.GetToUnix()
	if observed < sent-jumpSeconds {
		u.jumped(sent - observed)
	}
	passed := min(observed-sent, u.received-arrived)
	if passed < silenceSeconds || !u.knowsSleep() {
		return
	}
	if left := passed - u.covered(observed-passed, observed); left >= silenceSeconds {
		u.silence(&fleetv1.Silence{FromUnix: observed - left, ToUnix: observed})
	}
}

// knowsSleep says whether the laptop's agent can tell sleep from silence.
func (u *update) knowsSleep() bool {
	return slices.ContainsFunc(u.rep.GetWindows(), func(w *farmhoundv1.Window) bool { return w.AsleepSeconds != nil })
}

// covered returns the seconds between two times that windows account for.
func (u *update) covered(from, to int64) int64 {
	seconds := int64(0)
	for _, d := range u.pic.GetDays() {
		midnight := int64(d.GetDay()) * daySeconds
		spans := d.GetCounted()
		for i := 0; i+1 < len(spans); i += 2 {
			seconds += max(min(midnight+int64(spans[i+1]), to)-max(midnight+int64(spans[i]), from), 0)
		}
	}
	return seconds
}

func (u *update) silence(s *fleetv1.Silence) {
	u.pic.Silences = append(u.pic.GetSilences(), s)
	slices.SortFunc(u.pic.Silences, func(a, b *fleetv1.Silence) int { return compare(a.GetFromUnix(), b.GetFromUnix()) })
	if len(u.pic.GetSilences()) <= keptSilences {
		return
	}
	shortest := 0
	for i, s := range u.pic.GetSilences() {
		if s.GetToUnix()-s.GetFromUnix() < u.pic.Silences[shortest].GetToUnix()-u.pic.Silences[shortest].GetFromUnix() {
			shortest = i
		}
	}
	u.pic.Silences = slices.Delete(u.pic.Silences, shortest, shortest+1)
}
