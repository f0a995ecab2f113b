package detect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Supposition is what is asked about a verdict.
type Supposition struct {
	// Device is the picture now, and Before what the days before came to, nil where there
	// were none.
	Device *fleetv1.Device
	Before *fleetv1.Judgement
	Now    time.Time
	// Supposed is the picture as it would be if something were otherwise; nil for Device.
	Supposed *fleetv1.Device
	// Set are fields of the picture with other values, each FIELD=VALUE.
	Set []string
	// Without are signals and families that are left out.
	Without []string
}

// SuppositionError says what of a supposition cannot be supposed.
type SuppositionError struct{ Reason string }

func (e *SuppositionError) Error() string { return e.Reason }

// Bounds of what an answer lists.
const (
	maxLowers = 20
	maxRaises = 20
)

// WhatIf weighs a device as it is and as supposed, and then again and again: without
// each piece of evidence, and with each that is not there. What a verdict is held by once
// it was reached holds here too, so that the answers are what the next assessment would
// say; where the picture is supposed to be otherwise, it was so all along, and nothing is
// held. The error is a *SuppositionError where something cannot be supposed.
func (d *Detector) WhatIf(q Supposition) (*fleetv1.WhatIfResponse, error) {
	now := &judging{detector: d, dev: q.Device, before: q.Before, moment: momentOf(q.Device, q.Now)}
	now.observe()
	now.decide()
	out := &fleetv1.WhatIfResponse{
		Device: q.Device.GetId(), WeighedAt: timestamppb.New(q.Now), Rules: d.rules.digest, Now: now.weighing(),
	}
	c := now
	if q.Supposed != nil || len(q.Set)+len(q.Without) > 0 {
		var err error
		if c, err = now.suppose(&q, out); err != nil {
			return nil, err
		}
		out.Supposed = c.weighing()
	}
	if c.dev.GetPerson().GetExempt() {
		out.Notes = append(out.Notes, "The person is exempt, so that the verdict is at most watch whatever is observed.")
	}
	out.Pieces, out.Families = c.pieces(), c.familiesWithout()
	out.Lowers = c.lowers()
	c.raises(out)
	out.Lacks = c.outcomes[c.kind].missing
	return out, nil
}

// suppose judges what the question supposes, and notes what of it has no effect.
func (c *judging) suppose(q *Supposition, out *fleetv1.WhatIfResponse) (*judging, error) {
	dev := q.Supposed
	if dev == nil {
		dev = q.Device
	}
	if len(q.Set) > 0 {
		dev = proto.CloneOf(dev)
		for _, set := range q.Set {
			if err := setField(dev, set); err != nil {
				return nil, err
			}
		}
	}
	other := &judging{detector: c.detector, dev: dev, before: c.before, moment: momentOf(dev, q.Now)}
	if dev != q.Device {
		other.before = c.unobserved()
	}
	other.observe()
	for _, name := range q.Without {
		if err := other.leaveOut(name, out); err != nil {
			return nil, err
		}
	}
	other.decide()
	return other, nil
}

// unobserved is what the days before came to without what is observed now, and without
// the verdict: where that is supposed away, it was never there to be remembered.
func (c *judging) unobserved() *fleetv1.Judgement {
	if c.before == nil {
		return nil
	}
	at := c.detector.rules.language.scene(c.dev, c.now)
	known, around := sensesOf(c.dev.GetKnown()), circumstancesOf(c.dev)
	observed := make(map[string]bool)
	for _, s := range c.detector.rules.signals {
		if o, err := s.observe(at, known, around); err == nil && o.tier >= 0 {
			observed[s.id] = true
		}
	}
	rest := &fleetv1.Judgement{}
	for _, l := range c.before.GetLedger() {
		if !observed[l.GetSignal()] {
			rest.Ledger = append(rest.Ledger, l)
		}
	}
	return rest
}

// leaveOut drops a signal or a family from what is weighed.
func (c *judging) leaveOut(name string, out *fleetv1.WhatIfResponse) error {
	if familyIndex(name) < 0 && !slices.ContainsFunc(c.detector.rules.all, func(s *signal) bool { return s.id == name }) {
		return &SuppositionError{fmt.Sprintf("there is no signal and no family %q%s", name, hint(name, c.detector.rules.eachName))}
	}
	n := len(c.lines)
	c.lines = slices.DeleteFunc(c.lines, func(l line) bool { return l.signal.id == name || families[l.signal.home].name == name })
	if len(c.lines) == n {
		out.Notes = append(out.Notes, strconv.Quote(name)+" is not among the evidence, so that leaving it out changes nothing.")
	}
	return nil
}

// eachName yields what can be left out.
func (r *Rules) eachName(yield func(string) bool) {
	for _, s := range r.all {
		if !yield(s.id) {
			return
		}
	}
	eachFamily(yield)
}

func (c *judging) weighing() *fleetv1.Weighing {
	return &fleetv1.Weighing{
		Verdict: verdicts[c.outcomes[c.kind].rank].name, Kind: kinds[c.kind], Risk: c.outcomes[c.kind].risk,
		HostedRisk: c.outcomes[hosted].risk, DisplacedRisk: c.outcomes[displaced].risk, Db: c.sums[c.kind].total,
	}
}

// with judges other lines on the same device.
func (c *judging) with(lines []line) *judging {
	other := &judging{detector: c.detector, dev: c.dev, before: c.before, moment: c.moment, lines: lines}
	other.decide()
	return other
}

// without judges all but some lines.
func (c *judging) without(drop func(i int) bool) *judging {
	lines := make([]line, 0, len(c.lines))
	for i := range c.lines {
		if !drop(i) {
			lines = append(lines, c.lines[i])
		}
	}
	return c.with(lines)
}

// removal shows lines that are left out, and what is left then.
func (c *judging) removal(then *judging, dropped ...int) *fleetv1.Removal {
	r := &fleetv1.Removal{Then: then.weighing()}
	for _, i := range dropped {
		s := c.lines[i].signal
		r.Signals, r.Titles = append(r.Signals, s.id), append(r.Titles, s.title)
		r.Db += c.sums[c.kind].counted[i]
		switch family := families[s.home].name; {
		case len(r.Signals) == 1:
			r.Family = family
		case r.Family != family:
			r.Family = ""
		}
	}
	r.Db = round1(r.Db)
	return r
}

// pieces judges without each line that counts for either hypothesis.
func (c *judging) pieces() []*fleetv1.Removal {
	var all []*fleetv1.Removal
	for i := range c.lines {
		if c.counts(i) {
			all = append(all, c.removal(c.without(func(j int) bool { return j == i }), i))
		}
	}
	heaviestFirst(all)
	return all
}

func (c *judging) counts(i int) bool {
	return c.sums[hosted].counted[i] != 0 || c.sums[displaced].counted[i] != 0
}

func heaviestFirst(all []*fleetv1.Removal) {
	slices.SortStableFunc(all, func(a, b *fleetv1.Removal) int {
		return cmp.Or(cmp.Compare(abs(b.GetDb()), abs(a.GetDb())), strings.Compare(a.GetSignals()[0], b.GetSignals()[0]))
	})
}

// familiesWithout judges without each family that counts.
func (c *judging) familiesWithout() []*fleetv1.Removal {
	var all []*fleetv1.Removal
	for f := range families {
		var in []int
		for i := range c.lines {
			if c.lines[i].signal.home == f && c.counts(i) {
				in = append(in, i)
			}
		}
		if len(in) > 0 {
			all = append(all, c.removal(c.without(func(i int) bool { return c.lines[i].signal.home == f }), in...))
		}
	}
	heaviestFirst(all)
	return all
}

// lowers finds the smallest sets of one or two lines without which the verdict would be
// milder: those that it then would be mildest without come first.
func (c *judging) lowers() []*fleetv1.Removal {
	rank := c.outcomes[c.kind].rank
	if rank == rankClear {
		return nil
	}
	var all []*fleetv1.Removal
	var rest []int // those that do not do it alone
	try := func(dropped ...int) bool {
		then := c.without(func(i int) bool { return slices.Contains(dropped, i) })
		if then.outcomes[then.kind].rank >= rank {
			return false
		}
		all = append(all, c.removal(then, dropped...))
		return true
	}
	for _, i := range c.order {
		if c.lines[i].weight > 0 && c.counts(i) && !try(i) {
			rest = append(rest, i)
		}
	}
	for n, i := range rest {
		for _, j := range rest[n+1:] {
			try(i, j)
		}
	}
	slices.SortStableFunc(all, func(a, b *fleetv1.Removal) int {
		return cmp.Or(cmp.Compare(len(a.GetSignals()), len(b.GetSignals())), cmp.Compare(a.GetThen().GetRisk(), b.GetThen().GetRisk()))
	})
	return all[:min(len(all), maxLowers)]
}

// raises finds evidence that would raise the verdict by itself: of every signal that
// could say more than it does the lightest tier that is enough.
func (c *judging) raises(out *fleetv1.WhatIfResponse) {
	rank := c.outcomes[c.kind].rank
	if rank >= c.limit() {
		return
	}
	known, around := sensesOf(c.dev.GetKnown()), circumstancesOf(c.dev)
	var deaf []string
	for _, s := range c.detector.rules.signals {
		if s.shadow || families[s.home].against || s.except&around != 0 {
			continue
		}
		found := c.lightest(s, rank)
		if found != nil && s.needs&^known != 0 {
			deaf = append(deaf, s.id)
			continue
		}
		if found != nil {
			out.Raises = append(out.Raises, found)
		}
	}
	slices.SortStableFunc(out.Raises, func(a, b *fleetv1.Addition) int {
		return cmp.Or(cmp.Compare(a.GetDb(), b.GetDb()), strings.Compare(a.GetSignal(), b.GetSignal()))
	})
	out.Raises = out.Raises[:min(len(out.Raises), maxRaises)]
	if len(deaf) > 0 {
		out.Notes = append(out.Notes, "These would raise it and cannot be observed on this laptop, for want of a sense: "+strings.Join(deaf, ", ")+".")
	}
}

// lightest finds the lightest tier of a signal that would raise the verdict above a
// rank, nil where none would.
func (c *judging) lightest(s *signal, rank int) *fleetv1.Addition {
	at := slices.IndexFunc(c.lines, func(l line) bool { return l.signal == s })
	for i, t := range slices.Backward(s.tiers) {
		// Use that is seen makes an end of idleness.
		weight := t.db * c.left(s.aboutUse(i) && !t.when.ofUse)
		added := line{signal: s, tier: i, full: t.db, weight: weight, holds: c.silence == 0, first: c.seen, last: c.seen}
		lines := slices.Clone(c.lines)
		if at < 0 {
			lines = append(lines, added)
		} else if weight <= lines[at].weight {
			continue
		} else {
			lines[at] = added
		}
		if then := c.with(lines); then.outcomes[then.kind].rank > rank {
			return &fleetv1.Addition{
				Signal: s.id, Title: s.title, Family: families[s.home].name, Tier: uint32(i), Db: t.db,
				When: strings.TrimSpace(s.doc.Tiers[i].When.Value), Then: then.weighing(),
			}
		}
	}
	return nil
}
