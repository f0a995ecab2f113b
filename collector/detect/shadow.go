package detect

import (
	"cmp"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// onTrial makes a signal count nowhere, and keeps where it would.
func (s *signal) onTrial() {
	s.trial = s.family
	for h := range hypotheses {
		s.family[h] = -1
	}
}

// trials are what signals on trial observe, each with what it would have counted beside
// everything that does count.
func (c *judging) trials() []*fleetv1.Evidence {
	var all []*fleetv1.Evidence
	for i := range c.lines {
		if c.lines[i].signal.shadow {
			e := &fleetv1.Evidence{}
			c.show(i, c.wouldCount(i), e)
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b *fleetv1.Evidence) int { return cmp.Compare(abs(b.GetDb()), abs(a.GetDb())) })
	return all
}

// wouldCount is what a line on trial would count for the hypothesis that is named, or
// else for the other one.
func (c *judging) wouldCount(trial int) float64 {
	lines := slices.Clone(c.lines)
	counting := *lines[trial].signal
	counting.family = counting.trial
	lines[trial].signal = &counting
	h := c.kind
	if counting.family[h] < 0 {
		h = hosted + displaced - c.kind
	}
	s := fuse(lines, strongest(lines, h), h, make([]float64, len(lines)))
	return s.counted[trial]
}
