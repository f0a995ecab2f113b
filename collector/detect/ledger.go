package detect

import (
	"fmt"
	"math"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// faintest is the weight, in decibans, below which faded evidence is forgotten.
const faintest = 1

const (
	// patience is how long a laptop may say nothing, or be on and not used, and still
	// be taken to be as it was last seen.
	patience = 3 * day
	// staleHalfLife is how fast everything that a laptop ever showed fades once it
	// says nothing, and everything of its use once it is not used: for and against
	// alike, for neither speaks for anything.
	staleHalfLife = 10 * day
)

// moment is when a device is judged.
type moment struct {
	now        time.Time
	seen       time.Time     // when the device last spoke
	used       time.Time     // when it was in use, as far as that was seen by then
	controlled time.Time     // when it was last controlled from elsewhere, as far as that was seen by then
	silence    time.Duration // for how long it has been silent, patience left out
	idle       time.Duration // for how long it had been on and not used when it last spoke, likewise
}

// left is the share of a weight that silence leaves, and idleness where it is about use.
func (m moment) left(use bool) float64 {
	stale := m.silence
	if use {
		stale += m.idle
	}
	return fade(1, stale, staleHalfLife)
}

// age is how old what was last seen at a time is, without what left has in it.
func (m moment) age(last time.Time, use bool) time.Duration {
	age := m.now.Sub(last) - m.silence
	if use {
		age -= min(m.idle, max(m.seen.Sub(last), 0))
	}
	return age
}

// uncontrolled is for how long nobody had controlled it from elsewhere when it last spoke, patience
// left out, and without what left has in it: on a laptop that is not used nobody controls anything.
func (m moment) uncontrolled(use bool) time.Duration {
	apart := m.seen.Sub(m.controlled) - patience
	if use {
		apart -= m.idle
	}
	return max(apart, 0)
}

// weighs is what a tier that holds counts. Control that is over fades like everything that
// was seen once.
func (s *signal) weighs(tier int, m moment) float64 {
	t := s.tiers[tier]
	use := s.aboutUse(tier)
	weight := t.db * m.left(use)
	if t.when.ofControl {
		weight = fade(weight, m.uncontrolled(use), s.halfLife)
	}
	return weight
}

// line is one piece of evidence under judgement: a ledger's line with its signal
// and what is left of its weight.
type line struct {
	signal      *signal
	tier        int
	full        float64 // the tier's weight
	weight      float64 // what is left of it
	holds       bool
	first, last time.Time
	because     string // as a clause
}

// observation is what one signal says about a device now.
type observation struct {
	tier    int // -1 when none holds
	because string
	// withdrawn says that earlier observations are taken back at once.
	withdrawn bool
}

// observe evaluates a signal. What its senses cannot tell it does not say.
func (s *signal) observe(at *scene, known senses, around circumstances) (observation, error) {
	o := observation{tier: -1}
	if s.except&around != 0 {
		o.withdrawn = true
		return o, nil
	}
	if s.needs&^known != 0 {
		return o, nil
	}
	for i, t := range s.tiers {
		holds, err := at.holds(t.when)
		if err != nil {
			return o, fmt.Errorf("tier %d: %w", i, err)
		}
		if !holds {
			continue
		}
		o.tier = i
		o.because, err = at.says(t.because)
		if err != nil {
			return observation{tier: -1}, fmt.Errorf("tier %d, because: %w", i, err)
		}
		return o, nil
	}
	if s.withdrawn == nil {
		return o, nil
	}
	withdrawn, err := at.holds(s.withdrawn)
	if err != nil {
		return o, fmt.Errorf("withdrawn: %w", err)
	}
	o.withdrawn = withdrawn
	return o, nil
}

// remember joins what a signal says now with what it said before. The heavier of
// the two counts: a share that falls from one tier to the next is no reason to
// forget at once what was seen yesterday. Of a device that is silent nothing holds,
// and what it showed last is remembered; figures of active days were last seen on the
// last of these, and those of control in the last session.
func (s *signal) remember(o observation, before *fleetv1.LedgerLine, m moment) (line, bool) {
	l := line{signal: s, tier: -1}
	if before != nil && !o.withdrawn {
		l = line{
			signal: s, tier: int(before.GetTier()), full: before.GetDb(), because: before.GetBecause(),
			first: before.GetFirstSeen().AsTime(), last: before.GetLastSeen().AsTime(),
		}
		// Rules may have changed since: a signal cannot weigh more than it does now,
		// nor speak for what it spoke against.
		l.full = math.Copysign(min(abs(l.full), s.heaviest()), s.tiers[0].db)
		use := s.aboutUse(l.tier)
		l.weight = fade(l.full, m.age(l.last, use), s.halfLife) * m.left(use)
	}
	if o.tier >= 0 {
		if abs(s.weighs(o.tier, m)) >= abs(l.weight) {
			l = s.seen(o, &l, m)
		}
	}
	return l, l.holds || l.tier >= 0 && abs(l.weight) >= faintest
}

// seen is the line of what is observed, as that of before goes on.
func (s *signal) seen(o observation, before *line, m moment) line {
	t := s.tiers[o.tier]
	l := line{
		signal: s, tier: o.tier, full: t.db, weight: s.weighs(o.tier, m), because: o.because,
		holds: m.silence == 0, first: m.seen, last: m.seen,
	}
	switch {
	case t.when.ofUse:
		l.holds = l.holds && m.idle == 0
		l.first, l.last = m.used, m.used
	case t.when.ofControl:
		l.holds = l.holds && m.uncontrolled(false) == 0
		l.first, l.last = m.controlled, m.controlled
	}
	if before.tier >= 0 && before.last.After(l.last) {
		l.last = before.last
	}
	if before.tier >= 0 && l.last.Sub(before.last) <= s.halfLife && before.first.Before(l.first) {
		l.first = before.first
	}
	return l
}

// fade halves a weight for every half-life.
func fade(db float64, age, halfLife time.Duration) float64 {
	if age <= 0 {
		return db
	}
	return db * math.Exp2(-float64(age)/float64(halfLife))
}

// clause is what was observed; what no longer holds says since when.
func (l *line) clause() string {
	if l.holds {
		return l.because
	}
	return l.because + lastObserved(l.last)
}

func lastObserved(at time.Time) string { return " (last observed on " + date(at) + ")" }
