package detect

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// devices is how many devices made by chance a property is tried on.
const devices uint64 = 400

// blinds takes a sense away, with everything that only it could tell.
var blinds = map[string]func(*fleetv1.Device){
	"control": func(d *fleetv1.Device) {
		d.Known.Control = false
		d.Operator = nil
		spans(d, func(a *fleetv1.Activity) {
			if a != nil {
				a.UnsanctionedHours, a.UnsanctionedShare, a.SanctionedShare, a.NearShare = nil, nil, nil, nil
				a.ControlTools, a.DrivenDays = nil, 0
			}
		})
	},
	"hands": func(d *fleetv1.Device) {
		d.Known.Hands = false
		spans(d, func(a *fleetv1.Activity) {
			if a != nil {
				a.BuiltInShare, a.AttachedShare, a.KvmShare, a.InjectedShare, a.SessionShare, a.LocalShare = nil, nil, nil, nil, nil, nil
				a.InputHours, a.JigglerShare, a.AssistiveShare, a.CallInjectedShare = nil, nil, nil, nil
			}
		})
		if d.GetKvm() != nil {
			d.Kvm.BeatSeconds = nil
		}
		if d.GetStill() != nil {
			d.Still.RhythmCv = nil
		}
	},
	"hardware": func(d *fleetv1.Device) {
		d.Known.Hardware = false
		d.Kvm = nil
		if d.GetSite() != nil {
			d.Site.SharedPeripheral = ""
		}
		spans(d, func(a *fleetv1.Activity) {
			if a != nil {
				a.LidClosedShare = nil
			}
		})
	},
	"network": func(d *fleetv1.Device) {
		d.Known.Network = false
		d.Site = nil
		if d.GetStill() != nil {
			d.Still.SameNetworkDays = nil
		}
		if d.GetPlace() != nil {
			d.Place.Networks_20D, d.Place.Moves, d.Place.BusinessNeighbours, d.Place.KvmNeighbours = 0, 0, nil, nil
		}
	},
	"media": func(d *fleetv1.Device) {
		d.Known.Media = false
		if d.GetStill() != nil {
			d.Still.MediaUnusedDays = nil
		}
	},
	"geo": func(d *fleetv1.Device) {
		d.Known.Geo = false
		if e := d.GetEgress(); e != nil {
			e.Country, e.Region, e.Asn, e.AsName = "", "", 0, ""
			e.Hosting, e.Anonymiser, e.Foreign, e.HighRisk, e.ZoneMismatch = false, false, false, false, false
			e.ForeignDays, e.HiddenDays = 0, 0
		}
		if h := d.GetPlace(); h != nil {
			h.DeclaredDays, h.KnownDays, h.EverDeclared, h.FirstNetworkElsewhere, h.HiddenFromDayOne = 0, 0, false, nil, nil
		}
		if d.GetDistance() != nil {
			d.Distance.PossibleMinMs = nil
		}
		for _, p := range d.GetOperator().GetPeers() {
			p.Country, p.AsName, p.Anonymised, p.Foreign, p.AtDeclaredPlace = "", "", false, false, false
		}
	},
	"roster": func(d *fleetv1.Device) {
		d.Known.Roster = false
		d.Person = nil
		if d.GetDistance() != nil {
			d.Distance.LikelyMaxMs = nil
		}
		if d.GetOperator() != nil {
			d.Operator.PhaseHours, d.Operator.ZoneChanged = nil, false
			for _, p := range d.GetOperator().GetPeers() {
				p.Foreign, p.AtDeclaredPlace = false, false
			}
		}
		if d.GetEgress() != nil {
			d.Egress.Foreign, d.Egress.HighRisk = false, false
		}
		if h := d.GetPlace(); h != nil {
			h.DeclaredDays, h.EverDeclared, h.FirstNetworkElsewhere = 0, false, nil
			h.ZoneChanged, h.PhaseHours = false, nil
		}
	},
	"distance": func(d *fleetv1.Device) {
		d.Known.Distance = false
		d.Distance = nil
	},
}

// standIns are signals whose purpose is to speak where a sense is missing, and
// which weigh less than what they stand in for.
var standIns = map[string]string{"kvm_only_input": "hands"}

// weights returns what every signal that speaks for a hypothesis weighs now.
func weights(t *testing.T, r *Rules, d *fleetv1.Device) map[string]float64 {
	all := make(map[string]float64)
	at := r.language.scene(d, personaNow)
	for _, s := range r.signals {
		o, err := s.observe(at, sensesOf(d.GetKnown()), circumstancesOf(d))
		if err != nil {
			t.Fatalf("%s: %v", s.id, err)
		}
		if o.tier >= 0 && !families[s.home].against {
			all[s.id] = s.tiers[o.tier].db
		}
	}
	return all
}

func TestUnknownIsNeverEvidence(t *testing.T) {
	t.Parallel()
	r := rules(t)
	for seed := range devices {
		d := anyDevice(seed)
		if d.GetPerson() != nil {
			d.Person.Offshore = false // what explains evidence away is knowledge too
		}
		if d.GetOperator() != nil {
			d.Operator.Leased = false // so is a company's VPN that leads to the controller
		}
		if d.GetPlace() != nil {
			d.Place.Networks_20D = 0 // and that the laptop is carried about
		}
		if d.GetDay20().GetLocalShare() >= 0.3 {
			d.Day20.LocalShare = nil // and that hands use it on other days
		}
		before := weights(t, r, d)
		for _, sense := range senseTable {
			blind := proto.CloneOf(d)
			blinds[sense.name](blind)
			for id, db := range weights(t, r, blind) {
				if db > before[id] && standIns[id] != sense.name {
					t.Fatalf("device %d: without %s, %s weighs %g; with it %g", seed, sense.name, id, db, before[id])
				}
			}
		}
	}
}

func TestNothingIsSaidOfADeviceOfWhichNothingIsKnown(t *testing.T) {
	t.Parallel()
	a := assess(t, &fleetv1.Device{Id: "d1"}, nil).GetAssessment()
	if len(a.GetEvidence()) != 0 || a.GetVerdict() != "clear" {
		t.Errorf("%s with %v", a.GetVerdict(), a.GetEvidence())
	}
	if len(a.GetUnknown()) != len(senseTable) {
		t.Errorf("unknown %q, want one for every sense", a.GetUnknown())
	}
	for _, q := range []*fleetv1.Question{a.GetQuestions().GetRemote(), a.GetQuestions().GetAbroad(), a.GetQuestions().GetFarm()} {
		if !strings.Contains(q.GetSentence(), "cannot be told") {
			t.Errorf("the answer is %q", q.GetSentence())
		}
	}
}

func TestAssessmentsAddUp(t *testing.T) {
	t.Parallel()
	d := New(rules(t), Options{})
	for seed := range devices {
		dev := anyDevice(seed)
		var before *fleetv1.Judgement
		for step := range 3 {
			now := personaNow.Add(time.Duration(step) * 40 * time.Hour)
			j, decibans, err := d.Weigh(dev, before, now)
			if err != nil {
				t.Fatal(err)
			}
			// A verdict that is withheld keeps the risk below what the weight alone gives.
			a := j.GetAssessment()
			alone := posterior(shippedPrior + decibans)
			if withheld := a.GetRisk() == verdicts[min(rankOf(a.GetVerdict())+1, rankNearCertain)].posterior-belowNext; a.GetRisk() != alone && (!withheld || a.GetRisk() > alone) {
				t.Fatalf("device %d: a risk of %g with %g dB, which alone are %g", seed, a.GetRisk(), decibans, alone)
			}
			again, _ := d.Assess(dev, shuffled(before), now)
			if !proto.Equal(j, again) {
				t.Fatalf("device %d: two assessments of the same differ", seed)
			}
			addsUp(t, dev, j.GetAssessment())
			before = j
			dev = anyDevice(seed + devices*uint64(step+1))
		}
	}
}

// shuffled is the same judgement with its ledger in another order.
func shuffled(j *fleetv1.Judgement) *fleetv1.Judgement {
	if j == nil {
		return nil
	}
	j = proto.CloneOf(j)
	slices.Reverse(j.Ledger)
	return j
}

func addsUp(t *testing.T, dev *fleetv1.Device, a *fleetv1.Assessment) {
	sums := make(map[string]float64)
	last := math.Inf(1)
	for _, e := range a.GetEvidence() {
		sums[e.GetQuestion()] += e.GetDb()
		if abs(e.GetDb()) > last {
			t.Fatalf("%s is heavier than the line before it", e.GetSignal())
		}
		if abs(e.GetDb()) > abs(e.GetFullDb())+0.05 {
			t.Fatalf("%s counts %g of %g", e.GetSignal(), e.GetDb(), e.GetFullDb())
		}
		last = abs(e.GetDb())
		if e.GetBecause() == "" || e.GetTitle() == "" || strings.ContainsAny(e.GetBecause(), "\n\x1b") {
			t.Fatalf("%s says %q", e.GetSignal(), e.GetBecause())
		}
	}
	q := a.GetQuestions()
	for name, answer := range map[string]*fleetv1.Question{remote: q.GetRemote(), abroad: q.GetAbroad(), farm: q.GetFarm()} {
		if math.Abs(answer.GetDb()-sums[name]) > 0.01 {
			t.Fatalf("%s is %g, its evidence comes to %g", name, answer.GetDb(), sums[name])
		}
		if answer.GetSentence() == "" {
			t.Fatalf("%s has no answer", name)
		}
	}
	if q.GetRemote().GetDb() < remoteFloor {
		t.Fatalf("remote is %g", q.GetRemote().GetDb())
	}
	rank := rankOf(a.GetVerdict())
	if a.GetRisk() < 0 || a.GetRisk() > 1 || rank < rankNearCertain && a.GetRisk() >= verdicts[rank+1].posterior {
		t.Fatalf("%s with a risk of %g", a.GetVerdict(), a.GetRisk())
	}
	if dev.GetPerson().GetExempt() && rank > rankWatch {
		t.Fatalf("an exempt person got %s", a.GetVerdict())
	}
}
