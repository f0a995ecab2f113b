package evaluate

import (
	"math"
	"slices"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// seen is what is kept of a life once it was judged.
type seen struct {
	seed          uint64
	persona, kind string
	serial        string
	months        float64
	// rank is that of its highest verdict, as the hypothesis named then.
	rank       int
	hypothesis string
	// found is working days from its beginning to the first flag, infinite without.
	found   float64
	weights []float64
	// risk and weight are those of the end.
	risk, weight float64
	// of is the assessment that explains what went wrong: of an honest one that which
	// first flagged it highest, of a farmed one that was missed the last; nil otherwise.
	of *fleetv1.Assessment
}

func look(seed uint64, days int, d *life) *seen {
	last := d.judgement.GetAssessment()
	s := &seen{
		seed: seed, persona: d.laptop.Persona, kind: d.laptop.Kind, serial: d.laptop.Serial, months: float64(days) / daysOfMonth,
		rank: rank(d.peak.GetVerdict()), hypothesis: d.peak.GetKind(), found: math.Inf(1),
		weights: d.weights, risk: last.GetRisk(), weight: d.weight,
	}
	switch {
	case s.kind == persona.Honest && s.flagged():
		s.of = d.peak
	case s.kind == persona.Farm && !s.flagged():
		s.of = last
	}
	if first := last.GetFirstAt().GetLikely(); first != nil {
		s.found = workingDays(d.laptop.Begins(), first.AsTime(), d.laptop.Location())
	}
	return s
}

func (s *seen) flagged() bool { return s.rank >= rankLikely }

func summarise(all []*seen) Summary {
	var s Summary
	var found []float64
	for _, one := range all {
		switch one.kind {
		case persona.Farm:
			s.Farmed++
			found = append(found, one.found)
			if one.flagged() {
				s.Found++
			}
		case persona.Honest:
			s.HonestMonths += one.months
			if one.flagged() {
				s.Wronged++
			}
			if one.rank >= rankNearCertain {
				s.NearCertain++
			}
		}
	}
	s.Median, s.P90 = figure(quantile(found, 0.5)), figure(quantile(found, 0.9))
	if s.Farmed > 0 {
		s.Recall = float64(s.Found) / float64(s.Farmed)
	}
	upper := upperBound(float64(s.Wronged), s.HonestMonths)
	s.Upper = 1e4 * upper
	share := 0.0
	if s.HonestMonths > 0 {
		share = float64(s.Wronged) / s.HonestMonths
	}
	s.Rate = 1e4 * share
	s.Precision = figure(float64(s.Found) / float64(s.Found+s.Wronged))
	const prior = 0.001
	s.AtOneInThousand = figure(prior * s.Recall / (prior*s.Recall + (1-prior)*share))
	s.AtLeast = figure(prior * s.Recall / (prior*s.Recall + (1-prior)*upper))
	return s
}

// byPersona is a table in the order of the casting.
func byPersona(casting string, all []*seen) []Persona {
	var table []Persona
	for _, name := range persona.PersonasOf(casting) {
		p := Persona{Name: name}
		var found []float64
		weights := make([][]float64, len(tableDays))
		for _, s := range all {
			if s.persona != name {
				continue
			}
			p.Kind = s.kind
			p.count(s)
			found = append(found, s.found)
			for i, w := range s.weights {
				weights[i] = append(weights[i], w)
			}
		}
		if p.Laptops == 0 {
			continue
		}
		if p.Kind != persona.Honest {
			p.Median, p.P90 = figure(quantile(found, 0.5)), figure(quantile(found, 0.9))
			for _, w := range weights {
				p.Weights = append(p.Weights, figure(quantile(w, 0.5)))
			}
		}
		table = append(table, p)
	}
	return table
}

func (p *Persona) count(s *seen) {
	p.Laptops++
	switch s.rank {
	case 1:
		p.Watch++
	case rankLikely:
		p.Likely++
	case rankNearCertain:
		p.NearCertain++
	}
	switch {
	case !s.flagged():
	case s.hypothesis == "displaced":
		p.Displaced++
	default:
		p.Hosted++
	}
}

// binEdges are probabilities; between the first and the last they are what verdicts
// begin at and what lies between them.
var binEdges = []float64{0, 0.0001, 0.001, 0.01, 0.05, 0.2, 0.6, 0.9, 0.97, 1}

// reliability holds what was said at the end against what is true. The casting has far
// more farms than life, so that both kinds are weighed to one in a thousand.
func reliability(all []*seen) []Bin {
	bins := make([]Bin, len(binEdges)-1)
	farmed, honest := 0, 0
	for _, s := range all {
		i := slices.IndexFunc(binEdges[1:], func(edge float64) bool { return s.risk < edge || edge == 1 })
		b := &bins[i]
		switch s.kind {
		case persona.Farm:
			farmed++
			b.Farmed++
		case persona.Honest:
			honest++
			b.Honest++
		default:
			continue
		}
		b.Said += s.risk
	}
	for i := range bins {
		b := &bins[i]
		b.From, b.To = binEdges[i], binEdges[i+1]
		if n := b.Farmed + b.Honest; n > 0 {
			b.Said /= float64(n)
		}
		f := 0.001 * float64(b.Farmed) / float64(max(farmed, 1))
		h := 0.999 * float64(b.Honest) / float64(max(honest, 1))
		if f+h > 0 {
			b.Share = f / (f + h)
		}
	}
	return bins
}

// casesPerPersona bounds how many laptops of a persona are explained.
const casesPerPersona = 3

// cases explains those for whom wrong holds.
func cases(all []*seen, wrong func(*seen) bool) []Case {
	told := map[string]int{}
	list := []Case{}
	for _, s := range all {
		if !wrong(s) || told[s.persona] >= casesPerPersona {
			continue
		}
		told[s.persona]++
		c := Case{
			Persona: s.persona, Seed: s.seed, Serial: s.serial, Verdict: s.of.GetVerdict(), Kind: s.of.GetKind(),
			Risk: s.of.GetRisk(), At: s.of.GetAssessedAt().AsTime(), Lacks: s.of.GetWouldChange(),
		}
		for _, e := range s.of.GetEvidence() {
			c.Ledger = append(c.Ledger, Evidence{e.GetSignal(), e.GetDb(), e.GetBecause()})
		}
		list = append(list, c)
	}
	return list
}
