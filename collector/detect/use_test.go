package detect

import (
	"math"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestWhichConditionsAskForUse(t *testing.T) {
	t.Parallel()
	l := rules(t).language
	for when, want := range map[string]bool{
		"device.day5.unsanctioned_share >= 0.5":                                                       true,
		"has(device.day3.local_share) && device.kvm.attached":                                         true,
		"device.day5.injected_share - device.day5.near_share > 0.5":                                   true,
		"device.still.machine_rhythm_share >= 0.9":                                                    true,
		"device.kvm.level != '' && device.day1.kvm_share >= 0.5 && device.tools.exists(t, t.running)": true,
		"device.day5.kvm_share >= 0.2 || device.day1.kvm_share >= 0.2":                                true,
		"device.kvm.attached && (device.day5.kvm_share >= 0.2 || device.site.people >= 3u)":           false,
		"device.kvm.attached && device.day5.local_share < 0.5":                                        false,
		"device.kvm.attached && !(device.day20.local_share >= 0.5)":                                   false,
		"device.operator.peer_hours >= device.day20.unsanctioned_hours":                               false,
		"device.place.office_days >= 2u":                                                              false,
		"device.still.same_network_days >= 14.0":                                                      false,
		"device.operator.days >= 1u && device.day20.driven_days * 2u >= device.day20.days":            true,
		"device.tools.exists(t, t.name in device.day5.control_tools)":                                 false,
	} {
		checked, issues := l.env.Compile(when)
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		if got := asksFor(figuresOfUse, checked.NativeRep().Expr()); got != want {
			t.Errorf("%s: %t", when, got)
		}
	}
	asks := func(id string, tier int) bool {
		for _, s := range rules(t).all {
			if s.id == id {
				return s.tiers[tier].when.ofUse
			}
		}
		t.Fatal(id)
		return false
	}
	for id, want := range map[string]bool{"session_share": true, "hands_on": true, "kvm_input": true, "lid_shut": true, "kvm_attached": false, "egress_country": false} {
		if asks(id, 0) != want {
			t.Errorf("%s asks for use: %t", id, !want)
		}
	}
}

// unused is a laptop that reports and was last used at a time.
func unused(dev *fleetv1.Device, since, now time.Time) *fleetv1.Device {
	dev = proto.CloneOf(dev)
	dev.LastReportAt = timestamppb.New(now)
	if now.Sub(since) >= day {
		dev.UnusedSince = timestamppb.New(since)
	}
	return dev
}

// fromHome is driven through AnyDesk by whoever has it, from around where they live.
func fromHome() *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Tools = []*fleetv1.ToolSighting{anyDesk()}
		controlled(d, 0.83, "AnyDesk")
		d.Operator = &fleetv1.Operator{
			Days: 18, PeerHours: 130, RttMinMs: p(12.0), LastAt: d.GetLastReportAt(),
			Peers: []*fleetv1.Peer{{Address: "203.0.113.99", Country: "US", AtDeclaredPlace: true, Days: 18, Hours: 130, RttMinMs: p(12.0), Tool: "anydesk", LastSeenAt: d.GetLastReportAt()}},
		}
	})
}

// A laptop that is on and not used is not driven, and its owner's hands are not at it:
// after a long weekend what answers who uses it fades, for and against alike, without a
// step; what else is seen of it is as it was. Once it is used it counts in full again.
func TestIdlenessFadesAllUseAlike(t *testing.T) {
	t.Parallel()
	for name, dev := range map[string]*fleetv1.Device{"a developer's console": developerWithConsole(), "a farm's": rmmFarmLaptop(), "driven from home": fromHome()} {
		dev.Person = nil
		spoke := dev.GetLastReportAt().AsTime()
		d := New(rules(t), Options{})
		known, err := d.Assess(dev, nil, spoke)
		if err != nil {
			t.Fatal(err)
		}
		before := known
		last := known.GetAssessment().GetQuestions().GetRemote().GetDb()
		for h := 6; h <= 24*34; h += 6 {
			now := spoke.Add(time.Duration(h) * time.Hour)
			j, err := d.Assess(unused(dev, spoke, now), before, now)
			if err != nil {
				t.Fatal(err)
			}
			before = j
			a := j.GetAssessment()
			left := math.Exp2(-max(float64(h)/24-3, 0) / 10)
			for _, e := range known.GetAssessment().GetEvidence() {
				share, got := 1.0, evidenceOf(a, e.GetSignal())
				if e.GetQuestion() == remote || e.GetSignal() == "lid_shut" || e.GetSignal() == "jiggler" || e.GetSignal() == "robotic_rhythm" {
					share = left
				}
				want := e.GetFullDb() * share
				if abs(want) >= faintest && got == nil || got != nil && abs(got.GetDb()) > abs(want)+0.1 || share == 1 && got.GetDb() != e.GetDb() {
					t.Fatalf("%s: %s after %d hours: %v, want %.1f of it", name, e.GetSignal(), h, got, want)
				}
			}
			q := a.GetQuestions().GetRemote()
			if abs(q.GetDb()-last) > 2 {
				t.Errorf("%s: after %d hours the sum fell from %g to %g at once", name, h, last, q.GetDb())
			}
			if max(q.GetDb(), 0) > max(known.GetAssessment().GetQuestions().GetRemote().GetDb(), 0) {
				t.Errorf("%s: after %d hours idleness speaks for remote control: %g", name, h, q.GetDb())
			}
			if said := strings.HasPrefix(q.GetSentence(), "This laptop was on and not in use since 17 Mar 2026"); said != (h > 72) {
				t.Errorf("%s: after %d hours: %s", name, h, q.GetSentence())
			}
			last = q.GetDb()
		}
		again := spoke.Add(35 * day)
		dev.LastReportAt = timestamppb.New(again)
		if o := dev.GetOperator(); o.GetLastAt() != nil {
			o.LastAt = dev.GetLastReportAt()
		}
		j, err := d.Assess(dev, before, again)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := j.GetAssessment().GetQuestions().GetRemote().GetDb(), known.GetAssessment().GetQuestions().GetRemote().GetDb(); got != want {
			t.Errorf("%s: used again it weighs %g, before %g", name, got, want)
		}
	}
}

func TestUseIsAsOldAsItsLastDay(t *testing.T) {
	t.Parallel()
	d := New(rules(t), Options{})
	dev := rmmFarmLaptop()
	spoke := dev.GetLastReportAt().AsTime()
	now := spoke.Add(20 * day)
	// Judged for the first time, long after its last use.
	j, err := d.Assess(unused(dev, spoke, now), nil, now)
	if err != nil {
		t.Fatal(err)
	}
	a := j.GetAssessment()
	control, tool := evidenceOf(a, "session_share"), evidenceOf(a, "unattended_access")
	if !control.GetLastSeen().AsTime().Equal(spoke) || !strings.HasSuffix(control.GetBecause(), "(last observed on 17 Mar 2026).") || control.GetDb() != 8 {
		t.Errorf("control: %v", control)
	}
	if !tool.GetLastSeen().AsTime().Equal(now) || strings.Contains(tool.GetBecause(), "last observed") {
		t.Errorf("a tool that is there now: %v", tool)
	}
	if strings.Contains(a.GetQuestions().GetRemote().GetSentence(), "last observed") {
		t.Errorf("the day is said twice: %s", a.GetQuestions().GetRemote().GetSentence())
	}
	want := "Who uses it now: it was on and not in use since 17 Mar 2026, and what was known of its use then fades."
	if len(a.GetUnknown()) != 1 || a.GetUnknown()[0] != want {
		t.Errorf("unknown: %q", a.GetUnknown())
	}
	if a.GetVerdict() == "near_certain" {
		t.Error("three weeks after its last use it is near certain that it is driven")
	}
}

func TestWhichConditionsAskForControl(t *testing.T) {
	t.Parallel()
	l := rules(t).language
	for when, want := range map[string]bool{
		"device.operator.days >= 1u && device.operator.peers.exists(p, p.foreign)":                    true,
		"has(device.operator.rtt_min_ms) && device.operator.rtt_min_ms >= 150.0":                      true,
		"device.operator.rtt_min_ms <= 30.0":                                                          false, // of none that is not known
		"device.operator.days >= 1u || device.known.control":                                          false,
		"device.site.people >= 2u && !(device.operator.routed_addresses > 1u)":                        false,
		"device.operator.days >= 1u && device.day5.unsanctioned_share >= 0.5":                         false, // as old as its use
		"device.operator.days >= 1u && device.operator.peer_hours >= device.day20.unsanctioned_hours": true,
	} {
		p, err := l.compile(strictyaml.Text{Value: when}, cel.BoolType)
		if err != nil {
			t.Fatal(err)
		}
		if p.ofControl != want {
			t.Errorf("%s: %t", when, p.ofControl)
		}
	}
}

// drivenUntil is a laptop that is in use every day, and was controlled from far away on
// some of the last twenty.
func drivenUntil(last time.Time) *fleetv1.Device {
	return laptop(func(d *fleetv1.Device) {
		d.Operator = &fleetv1.Operator{Days: 2, Sessions: 3, RttMinMs: p(212.0), LastAt: timestamppb.New(last)}
	})
}

// Figures of twenty days of control are in the picture until the last of these days is over,
// and as old as the last session: whoever was let in once is not there every day since.
func TestControlIsAsOldAsItsLastSession(t *testing.T) {
	t.Parallel()
	const signal = "operator_round_trip"
	last := personaNow.Add(-13 * day)
	// Half-life is ten days. Hand computed: three days of patience, then 10 / 2^(age/10).
	once := assess(t, drivenUntil(last), nil).GetAssessment()
	e := evidenceOf(once, signal)
	if e.GetDb() != 5 || e.GetFullDb() != 10 || !e.GetFirstSeen().AsTime().Equal(last) || !e.GetLastSeen().AsTime().Equal(last) {
		t.Errorf("judged for the first time thirteen days later: %v", e)
	}
	if !strings.HasSuffix(e.GetBecause(), "(last observed on 4 Mar 2026).") {
		t.Errorf("judged for the first time thirteen days later: %s", e.GetBecause())
	}
	s := newStory(t)
	for _, tt := range []struct {
		days int
		want float64
	}{{0, 10}, {1, 10}, {3, 10}, {4, 9.3}, {8, 7.1}, {13, 5}, {19, 3.3}} {
		e := evidenceOf(s.judge(personaNow.Add(time.Duration(tt.days)*day).Sub(s.now), drivenUntil(personaNow)), signal)
		if e.GetDb() != tt.want || e.GetFullDb() != 10 || !e.GetLastSeen().AsTime().Equal(personaNow) {
			t.Errorf("after %d days without control: %v, want %g", tt.days, e, tt.want)
		}
	}
	// Controlled again it counts in full, from when it was first seen.
	e = evidenceOf(s.judge(day, drivenUntil(s.now.Add(day))), signal)
	if e.GetDb() != 10 || !e.GetLastSeen().AsTime().Equal(s.now) {
		t.Errorf("controlled again: %v", e)
	}
	// A collector that does not know when keeps to the report.
	if e := evidenceOf(assess(t, laptop(func(d *fleetv1.Device) { d.Operator = &fleetv1.Operator{Days: 2, RttMinMs: p(212.0)} }), nil).GetAssessment(), signal); e.GetDb() != 10 {
		t.Errorf("without a time: %v", e)
	}
}
