package detect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Options are a company's settings of the detector. The zero value is what is shipped.
type Options struct {
	// PriorHosted and PriorDisplaced are how likely each hypothesis is of any
	// device before anything is known of it, in decibans; zero means -30, one
	// device in a thousand.
	PriorHosted, PriorDisplaced float64
}

const shippedPrior = -30

// Detector judges devices. It holds no state and may be used by many at once.
type Detector struct {
	rules  *Rules
	priors [hypotheses]float64
}

// New returns a detector that weighs by the rules.
func New(rules *Rules, o Options) *Detector {
	return &Detector{rules: rules, priors: [hypotheses]float64{
		hosted:    cmp.Or(o.PriorHosted, shippedPrior),
		displaced: cmp.Or(o.PriorDisplaced, shippedPrior),
	}}
}

// Assess judges a device at a moment, given how it was judged before (nil for the
// first time). It modifies neither. A signal that cannot be evaluated weighs
// nothing new and is named among what is unknown.
func (d *Detector) Assess(dev *fleetv1.Device, before *fleetv1.Judgement, now time.Time) (*fleetv1.Judgement, error) {
	judgement, _, err := d.Weigh(dev, before, now)
	return judgement, err
}

// Weigh is Assess and also returns what the evidence comes to for the hypothesis that
// is named, in decibans and without the prior. The lines of an assessment do not add up
// to it: each answers its own question, which may be asked of the other hypothesis.
func (d *Detector) Weigh(dev *fleetv1.Device, before *fleetv1.Judgement, now time.Time) (*fleetv1.Judgement, float64, error) {
	if dev == nil {
		return nil, 0, fmt.Errorf("assess: there is no device")
	}
	c := &judging{detector: d, dev: dev, before: before, moment: momentOf(dev, now)}
	c.observe()
	c.decide()
	c.date()
	return &fleetv1.Judgement{Assessment: c.assessment(), Ledger: c.ledger()}, c.sums[c.kind].total, nil
}

// judging is one assessment under way.
type judging struct {
	detector *Detector
	dev      *fleetv1.Device
	before   *fleetv1.Judgement
	moment

	lines    []line // ordered by signal id
	strength [hypotheses][]int
	failed   []string
	sums     [hypotheses]sums
	outcomes [hypotheses]outcome
	kind     hypothesis
	shown    []float64               // what each line counts in the answer to its question
	order    []int                   // the lines, heaviest first
	stamps   []timestamppb.Timestamp // when each line was first and last seen
	less     struct {                // where it is weighed without one of them
		order   []int
		counted []float64
	}
	periods [4]string // as clauses end with them, of five days, three, one and twenty
}

// observe evaluates every signal and joins it with the ledger.
func (c *judging) observe() {
	at := c.detector.rules.language.scene(c.dev, c.now)
	known, around := sensesOf(c.dev.GetKnown()), circumstancesOf(c.dev)
	before := ordered(c.before.GetLedger())
	c.lines = make([]line, 0, len(before)+usual)
	for _, s := range c.detector.rules.signals {
		var was *fleetv1.LedgerLine
		for len(before) > 0 && before[0].GetSignal() <= s.id {
			if before[0].GetSignal() == s.id {
				was = before[0]
			}
			before = before[1:]
		}
		o, err := s.observe(at, known, around)
		if err != nil {
			c.failed = append(c.failed, fmt.Sprintf("Signal %s could not be evaluated: %v.", s.id, err))
		}
		if l, ok := s.remember(o, was, c.moment); ok {
			c.lines = append(c.lines, l)
		}
	}
}

// usual is how many signals speak of a laptop for the first time at most, as a rule.
const usual = 8

// ordered returns a ledger by signal, as assessments write it.
func ordered(ledger []*fleetv1.LedgerLine) []*fleetv1.LedgerLine {
	by := func(a, b *fleetv1.LedgerLine) int { return strings.Compare(a.GetSignal(), b.GetSignal()) }
	if slices.IsSortedFunc(ledger, by) {
		return ledger
	}
	ledger = slices.Clone(ledger)
	slices.SortStableFunc(ledger, by)
	return ledger
}

// momentOf says when a device is judged. What is seen is as old as its last report,
// however late it is judged. How long nothing came the collector's clock tells
// where it is known: a laptop's own may be wrong.
func momentOf(dev *fleetv1.Device, now time.Time) moment {
	m := moment{now: now, seen: now}
	if last := dev.GetLastReportAt(); last != nil && last.AsTime().Before(now) {
		m.seen = last.AsTime()
	}
	quiet := now.Sub(m.seen)
	if trust := dev.GetTrust(); trust != nil && trust.SilenceNowHours != nil {
		quiet = time.Duration(trust.GetSilenceNowHours() * float64(time.Hour))
		if dev.GetLastReportAt() == nil {
			m.seen = now.Add(-quiet)
		}
	}
	m.silence = max(quiet-patience, 0)
	m.used = m.seen
	if since := dev.GetUnusedSince(); since != nil && since.AsTime().Before(m.seen) {
		m.used = since.AsTime()
		m.idle = max(m.seen.Sub(m.used)-patience, 0)
	}
	m.controlled = m.seen
	if last := dev.GetOperator().GetLastAt(); last != nil && last.AsTime().Before(m.seen) {
		m.controlled = last.AsTime()
	}
	return m
}

// decide weighs both hypotheses and names the worse.
func (c *judging) decide() {
	for h := range hypotheses {
		c.strength[h] = strongest(c.lines, h)
		c.sums[h] = fuse(c.lines, c.strength[h], h, make([]float64, len(c.lines)))
		c.outcomes[h] = c.weigh(h, &c.sums[h], c.limit())
	}
	c.kind = worse(c.outcomes, c.before.GetAssessment().GetKind())
	c.rank()
}

// limit is the highest verdict that the device can get.
func (c *judging) limit() int {
	if c.dev.GetPerson().GetExempt() {
		return rankWatch
	}
	return rankNearCertain
}

func (c *judging) weigh(h hypothesis, s *sums, limit int) outcome {
	return weigh(h, s, c.detector.priors[h], c.held(h), limit)
}

// held is the rank that a hypothesis had before. Of the one that was not named,
// only its probability is kept, and it cannot have ranked higher.
func (c *judging) held(h hypothesis) int {
	a := c.before.GetAssessment()
	named := rankOf(a.GetVerdict())
	if a.GetKind() == kinds[h] {
		return named
	}
	risk := a.GetHostedRisk()
	if h == displaced {
		risk = a.GetDisplacedRisk()
	}
	return min(rankOfRisk(risk), named)
}

// worse names the hypothesis with the higher verdict, then with the higher
// probability. The one named before stays while the other is not clearly likelier.
func worse(o [hypotheses]outcome, was string) hypothesis {
	h, other := hosted, displaced
	if was == kinds[displaced] {
		h, other = displaced, hosted
	}
	margin := 0.0
	if was != "" {
		margin = hysteresis
	}
	if by := cmp.Compare(o[other].rank, o[h].rank); by > 0 || by == 0 && odds(o[other].risk) > odds(o[h].risk)+margin {
		return other
	}
	return h
}

// date writes when lines were first and last seen; their evidence and the ledger share it.
func (c *judging) date() {
	c.stamps = make([]timestamppb.Timestamp, 2*len(c.lines))
	for i := range c.lines {
		for j, at := range [...]time.Time{c.lines[i].first, c.lines[i].last} {
			c.stamps[2*i+j].Seconds, c.stamps[2*i+j].Nanos = at.Unix(), int32(at.Nanosecond())
		}
	}
}

func (c *judging) ledger() []*fleetv1.LedgerLine {
	lines := make([]fleetv1.LedgerLine, len(c.lines))
	ledger := make([]*fleetv1.LedgerLine, len(c.lines))
	for i := range c.lines {
		c.enter(i, &lines[i])
		ledger[i] = &lines[i]
	}
	return ledger
}

func (c *judging) enter(i int, into *fleetv1.LedgerLine) {
	l := &c.lines[i]
	into.Signal, into.Tier, into.Db, into.Because = l.signal.id, uint32(l.tier), l.full, l.because
	into.FirstSeen, into.LastSeen = &c.stamps[2*i], &c.stamps[2*i+1]
}

func (c *judging) assessment() *fleetv1.Assessment {
	o := c.outcomes[c.kind]
	a := &fleetv1.Assessment{
		Device: c.dev.GetId(), Verdict: verdicts[o.rank].name, Kind: kinds[c.kind], Risk: o.risk,
		HostedRisk: c.outcomes[hosted].risk, DisplacedRisk: c.outcomes[displaced].risk,
		FirstAt:    c.firstAt(o.rank),
		AssessedAt: timestamppb.New(c.now),
		Evidence:   c.evidence(),
		Shadow:     c.trials(),
		Unknown:    c.unknown(),
	}
	if s := c.dev.GetSite(); s != nil {
		a.Site = &fleetv1.SiteSummary{Id: s.GetId(), Members: slices.Clone(s.GetMembers())}
	}
	a.Questions = &fleetv1.Questions{
		Remote: c.question(remote), Abroad: c.question(abroad), Farm: c.question(farm),
	}
	a.WouldChange = c.wouldChange()
	return a
}

// firstAt keeps when each verdict was first reached.
func (c *judging) firstAt(rank int) *fleetv1.FirstAt {
	was := c.before.GetAssessment().GetFirstAt()
	first := &fleetv1.FirstAt{Watch: was.GetWatch(), Likely: was.GetLikely(), NearCertain: was.GetNearCertain()}
	reached := func(at **timestamppb.Timestamp, of int) {
		if *at == nil && rank >= of {
			*at = timestamppb.New(c.now)
		}
	}
	reached(&first.Watch, rankWatch)
	reached(&first.Likely, rankLikely)
	reached(&first.NearCertain, rankNearCertain)
	return first
}

// rank says what each line weighs in the answer to its question, and orders them.
func (c *judging) rank() {
	c.shown = make([]float64, len(c.lines))
	c.order = make([]int, len(c.lines))
	abroadFor := c.abroadFor()
	for i := range c.lines {
		answers := hosted // remote and farm
		switch c.lines[i].signal.question {
		case abroad:
			answers = abroadFor
		case trust:
			answers = c.kind
		}
		c.shown[i] = c.sums[answers].counted[i]
		c.order[i] = i
	}
	slices.SortFunc(c.order, func(a, b int) int {
		x, y := &c.lines[a], &c.lines[b]
		return cmp.Or(
			cmp.Compare(abs(c.shown[b]), abs(c.shown[a])),
			cmp.Compare(abs(y.full), abs(x.full)),
			strings.Compare(x.signal.id, y.signal.id))
	})
}

// abroadFor says for which hypothesis the question "abroad" is answered. Who
// drives a laptop and who shares its place speak only to "hosted"; where it is
// speaks to the one that is named: a hosted laptop is at home where it is hosted,
// and that is no comfort. Where nothing speaks to that one, it is the other's turn.
func (c *judging) abroadFor() hypothesis {
	h := c.kind
	for i := range c.lines {
		if s := c.lines[i].signal; s.question == abroad {
			if s.family[c.kind] >= 0 {
				return c.kind
			}
			h = hosted + displaced - c.kind
		}
	}
	return h
}

func (c *judging) evidence() []*fleetv1.Evidence {
	side := make([]fleetv1.Evidence, len(c.order)) // by side in memory
	all := make([]*fleetv1.Evidence, 0, len(c.order))
	for _, i := range c.order {
		if l := &c.lines[i]; !l.signal.shadow {
			c.show(i, c.shown[i], &side[len(all)])
			all = append(all, &side[len(all)])
		}
	}
	return all
}

// show shows a line with what it counts.
func (c *judging) show(i int, db float64, into *fleetv1.Evidence) {
	l := &c.lines[i]
	into.Signal, into.Family, into.Question = l.signal.id, families[l.signal.home].name, l.signal.question
	into.Db, into.FullDb = db, l.full
	into.FirstSeen, into.LastSeen = &c.stamps[2*i], &c.stamps[2*i+1]
	into.Because, into.Benign = sentence(l.clause()), l.signal.benign
	into.Title, into.Attack = l.signal.title, l.signal.attack
}
