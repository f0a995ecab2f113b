package fleet

import (
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// jumpSeconds is the smallest change of a clock that is called a jump: network
	// time services correct less than that all the time.
	jumpSeconds = 120
	// silenceSeconds is the shortest pause between reports that is remembered.
	silenceSeconds = 3600
	keptRuns       = 4
	keptSilences   = 8
	keptTrustDays  = 5
)

// clock holds the laptop's clock against the collector's. A report arrives after
// it was observed, spooled ones much later, so that only a clock that is ahead
// shows: nothing arrives before it happened.
func (u *update) clock(observed int64) {
	c := u.pic.GetClock()
	if c == nil {
		c = &fleetv1.ClockState{}
		u.pic.Clock = c
	}
	delay := u.received - observed
	if c.GetDay() != 0 && !u.first {
		if jump := max(-delay, 0) - max(-usualDelay(c), 0); jump >= jumpSeconds {
			u.jumped(jump)
		}
	}
	switch today := uint32(u.received / daySeconds); {
	case c.GetDay() == today:
		c.DelayToday = min(c.GetDelayToday(), delay)
	case c.GetDay() != 0:
		c.DelayBefore, c.BeforeKnown = c.GetDelayToday(), true
		c.Day, c.DelayToday = today, delay
	default:
		c.Day, c.DelayToday = today, delay
	}
	u.late = delay > max(usualDelay(c), 0)+lateSeconds
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

// run follows the runs of the agent: which report is news, which pauses were
// silent, and whether two runs take turns under one identity.
func (u *update) run(observed int64) {
	id, sequence := u.rep.GetBootId(), u.rep.GetSequence()
	boots := u.pic.GetBoots()
	at := -1
	for i, b := range boots {
		if b.GetId() == id {
			at = i
			break
		}
	}
	if at < 0 {
		u.fresh, u.newRun = true, true
		boot := &fleetv1.Boot{Id: id, Sequence: sequence, ObservedUnix: observed, ReceivedUnix: u.received}
		boots = append([]*fleetv1.Boot{boot}, boots...)
		u.pic.Boots = boots[:min(len(boots), keptRuns)]
		return
	}
	boot := boots[at]
	if at > 0 {
		u.returned(boot)
		copy(boots[1:at+1], boots[:at])
		boots[0] = boot
	}
	u.fresh = sequence > boot.GetSequence()
	if !u.fresh {
		return
	}
	if sequence == boot.GetSequence()+1 {
		u.pause(boot.GetObservedUnix(), observed)
	}
	boot.Sequence, boot.ObservedUnix, boot.ReceivedUnix = sequence, observed, u.received
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
		u.pic.ClonedUnix = u.received
	}
}

// pause looks at the time between two consecutive reports of one run.
func (u *update) pause(before, now int64) {
	if now < before-jumpSeconds {
		u.jumped(before - now)
	}
	if now-before < silenceSeconds {
		return
	}
	s := append(u.pic.GetSilences(), &fleetv1.Silence{FromUnix: before, ToUnix: now})
	if len(s) > keptSilences {
		s = shortestOut(s)
	}
	u.pic.Silences = s
}

func shortestOut(s []*fleetv1.Silence) []*fleetv1.Silence {
	shortest := 0
	for i := range s {
		if s[i].GetToUnix()-s[i].GetFromUnix() < s[shortest].GetToUnix()-s[shortest].GetFromUnix() {
			shortest = i
		}
	}
	return append(s[:shortest:shortest], s[shortest+1:]...)
}
