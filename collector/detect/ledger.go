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
	// patience is how long a laptop may say nothing and still be taken to be as it
	// was last seen.
	patience = 3 * day
	// silenceHalfLife is how fast everything that a laptop ever showed fades once
	// it says nothing: for and against alike, for silence speaks for neither.
	silenceHalfLife = 10 * day
)

// moment is when a device is judged.
type moment struct {
	now     time.Time
	seen    time.Time     // when the device last spoke
	silence time.Duration // for how long it has been silent, patience left out
}

// left is the share that silence leaves of every weight.
func (m moment) left() float64 { return fade(1, m.silence, silenceHalfLife) }

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
// and what it showed last is remembered.
func (s *signal) remember(o observation, before *fleetv1.LedgerLine, m moment) (line, bool) {
	left := m.left()
	l := line{signal: s, tier: -1}
	if before != nil && !o.withdrawn {
		l = line{
			signal: s, tier: int(before.GetTier()), full: before.GetDb(), because: before.GetBecause(),
			first: before.GetFirstSeen().AsTime(), last: before.GetLastSeen().AsTime(),
		}
		// Rules may have changed since: a signal cannot weigh more than it does now,
		// nor speak for what it spoke against.
		l.full = math.Copysign(min(abs(l.full), s.heaviest()), s.tiers[0].db)
		l.weight = fade(l.full, m.now.Sub(l.last)-m.silence, s.halfLife) * left
	}
	if o.tier >= 0 {
		if t := s.tiers[o.tier]; abs(t.db*left) >= abs(l.weight) {
			first := m.seen
			if l.tier >= 0 && m.seen.Sub(l.last) <= s.halfLife && l.first.Before(m.seen) {
				first = l.first
			}
			l = line{
				signal: s, tier: o.tier, full: t.db, weight: t.db * left, holds: m.silence == 0,
				first: first, last: m.seen, because: o.because,
			}
		}
	}
	return l, l.holds || l.tier >= 0 && abs(l.weight) >= faintest
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
