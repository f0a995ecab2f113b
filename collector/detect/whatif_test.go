package detect

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func whatIf(t *testing.T, q Supposition) *fleetv1.WhatIfResponse {
	t.Helper()
	q.Now = personaNow
	got, err := New(rules(t), Options{}).WhatIf(q)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestWithoutSomethingIsWhatRulesWithoutItSay holds every removal against rules that do
// not have the signals: both roads must come to the same.
func TestWithoutSomethingIsWhatRulesWithoutItSay(t *testing.T) {
	t.Parallel()
	for _, who := range personas {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			dev := who.device()
			got := whatIf(t, Supposition{Device: dev})
			for _, r := range slices.Concat(got.GetPieces(), got.GetFamilies(), got.GetLowers()) {
				less := &Rules{language: rules(t).language}
				for _, s := range rules(t).signals {
					if !slices.Contains(r.GetSignals(), s.id) {
						less.signals = append(less.signals, s)
					}
				}
				j, err := New(less, Options{}).Assess(dev, nil, personaNow)
				if err != nil {
					t.Fatal(err)
				}
				a := j.GetAssessment()
				want := &fleetv1.Weighing{Verdict: a.GetVerdict(), Kind: a.GetKind(), Risk: a.GetRisk(), HostedRisk: a.GetHostedRisk(), DisplacedRisk: a.GetDisplacedRisk()}
				if diff := cmp.Diff(want, r.GetThen(), protocmp.Transform(), protocmp.IgnoreFields(want, "db")); diff != "" {
					t.Errorf("without %v: %s", r.GetSignals(), diff)
				}
			}
			for _, e := range assess(t, dev, nil).GetAssessment().GetEvidence() {
				if e.GetDb() != 0 && !slices.ContainsFunc(got.GetPieces(), func(r *fleetv1.Removal) bool { return r.GetSignals()[0] == e.GetSignal() }) {
					t.Errorf("%s counts and is not among the pieces", e.GetSignal())
				}
			}
		})
	}
}

func TestSetsThatLowerTheVerdictAreTheSmallest(t *testing.T) {
	t.Parallel()
	for _, who := range personas {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			got := whatIf(t, Supposition{Device: who.device()})
			alone := make(map[string]bool)
			for _, r := range got.GetLowers() {
				if rankOf(r.GetThen().GetVerdict()) >= rankOf(got.GetNow().GetVerdict()) {
					t.Errorf("without %v it is still %s", r.GetSignals(), r.GetThen().GetVerdict())
				}
				if len(r.GetSignals()) == 1 {
					alone[r.GetSignals()[0]] = true
				} else if alone[r.GetSignals()[0]] || alone[r.GetSignals()[1]] {
					t.Errorf("%v is not the smallest set", r.GetSignals())
				}
			}
			for _, r := range got.GetPieces() {
				if lower := rankOf(r.GetThen().GetVerdict()) < rankOf(got.GetNow().GetVerdict()); lower != alone[r.GetSignals()[0]] {
					t.Errorf("%v alone lowers: %t, listed so: %t", r.GetSignals(), lower, !lower)
				}
			}
			if who.verdict == "clear" && len(got.GetLowers()) > 0 {
				t.Errorf("clear can be lowered: %v", got.GetLowers())
			}
		})
	}
}

// What an assessment says in words and what is weighed when asked is the same.
func TestWordsAndFiguresOfWhatIfAgree(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(`^Without "(.*)" it would be (\w+)\.$`)
	n := 0
	for _, who := range personas {
		dev := who.device()
		then := make(map[string]string)
		for _, r := range whatIf(t, Supposition{Device: dev}).GetPieces() {
			then[r.GetTitles()[0]] = r.GetThen().GetVerdict()
		}
		for _, sentence := range assess(t, dev, nil).GetAssessment().GetWouldChange() {
			if m := said.FindStringSubmatch(sentence); m != nil {
				n++
				if then[m[1]] != m[2] {
					t.Errorf("%s: %q, weighed it is %q", who.name, sentence, then[m[1]])
				}
			}
		}
	}
	if n == 0 {
		t.Error("nothing was compared")
	}
}

func TestWhatWouldRaiseIsTheLightestTierThatDoes(t *testing.T) {
	t.Parallel()
	got := whatIf(t, Supposition{Device: disguisedConsole()})
	if len(got.GetRaises()) == 0 || got.GetNow().GetVerdict() != "likely" {
		t.Fatalf("nothing raises %v", got.GetNow())
	}
	for i, a := range got.GetRaises() {
		if a.GetThen().GetVerdict() != "near_certain" || a.GetWhen() == "" || i > 0 && a.GetDb() < got.GetRaises()[i-1].GetDb() {
			t.Errorf("%+v", a)
		}
		s := rules(t).signals[slices.IndexFunc(rules(t).signals, func(s *signal) bool { return s.id == a.GetSignal() })]
		if s.tiers[a.GetTier()].db != a.GetDb() {
			t.Errorf("%s: tier %d weighs %g, not %g", s.id, a.GetTier(), s.tiers[a.GetTier()].db, a.GetDb())
		}
	}
	if top := whatIf(t, Supposition{Device: rmmFarmLaptop()}); len(top.GetRaises()) != 0 || len(top.GetLacks()) != 0 {
		t.Errorf("near_certain is raised: %v, lacks %v", top.GetRaises(), top.GetLacks())
	}
	exempt := disguisedConsole()
	exempt.Person.Exempt = true
	if got := whatIf(t, Supposition{Device: exempt}); got.GetNow().GetVerdict() != "watch" || len(got.GetRaises()) != 0 || len(got.GetNotes()) != 1 {
		t.Errorf("an exempt person: %v", got)
	}
	if got := whatIf(t, Supposition{Device: &fleetv1.Device{}}); !strings.HasPrefix(strings.Join(got.GetNotes(), ""), "These would raise it and cannot be observed on this laptop, for want of a sense:") {
		t.Errorf("a laptop without senses: %v", got.GetNotes())
	}
}

func TestSuppositions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		q       Supposition
		verdict string
		note    string
	}{
		{"without a family", Supposition{Device: rmmFarmLaptop(), Without: []string{"control"}}, "watch", ""},
		{"without two signals", Supposition{Device: rmmFarmLaptop(), Without: []string{"session_share", "no_local_input"}}, "", ""},
		{"without what is not there", Supposition{Device: officeWorker(), Without: []string{"session_share"}}, "clear", `"session_share" is not among the evidence`},
		{"a field", Supposition{Device: rmmFarmLaptop(), Set: []string{"device.person.exempt=true"}}, "watch", "The person is exempt"},
		{"fields", Supposition{Device: rmmFarmLaptop(), Set: []string{"day5.unsanctioned_share=0", "day1.unsanctioned_share=0", "day20.unsanctioned_share=0", "day5.local_share=0.9", "day5.built_in_share=0.9"}}, "", ""},
		{"another picture", Supposition{Device: rmmFarmLaptop(), Supposed: officeWorker()}, "clear", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := proto.CloneOf(tt.q.Device)
			got := whatIf(t, tt.q)
			if got.GetSupposed() == nil || tt.verdict != "" && got.GetSupposed().GetVerdict() != tt.verdict || got.GetSupposed().GetRisk() > got.GetNow().GetRisk() {
				t.Errorf("now %v, supposed %v", got.GetNow(), got.GetSupposed())
			}
			if notes := strings.Join(got.GetNotes(), "\n"); !strings.Contains(notes, tt.note) {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
			if !proto.Equal(before, tt.q.Device) {
				t.Error("the picture was changed")
			}
		})
	}
}

func TestWhatIsSupposedAwayIsNotRemembered(t *testing.T) {
	t.Parallel()
	dev := rmmFarmLaptop()
	before := assess(t, dev, nil)
	got := whatIf(t, Supposition{Device: dev, Before: before, Supposed: officeWorker()})
	if v := got.GetSupposed().GetVerdict(); v != "clear" {
		t.Errorf("another picture is %s, which nothing but the verdict before can hold", v)
	}
	if len(got.GetPieces()) >= len(before.GetLedger()) || slices.ContainsFunc(got.GetPieces(), func(r *fleetv1.Removal) bool { return r.GetSignals()[0] == "session_share" }) {
		t.Errorf("pieces %v", got.GetPieces())
	}
}

func TestWhatCannotBeSupposedIsNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		q    Supposition
		want string
	}{
		{Supposition{Without: []string{"sesion_share"}}, `there is no signal and no family "sesion_share"; did you mean "session_share"?`},
		{Supposition{Without: []string{"contol"}}, `did you mean "control"?`},
		{Supposition{Set: []string{"day5"}}, `"day5" is not FIELD=VALUE`},
		{Supposition{Set: []string{"day5.dasy=1"}}, `day5.dasy: there is no field "dasy"; did you mean "days"?`},
		{Supposition{Set: []string{"day5.days=many"}}, `expected a whole number, not "many"`},
		{Supposition{Set: []string{"day5.days=-1"}}, "expected a whole number"},
		{Supposition{Set: []string{"day5.kvm_share=NaN"}}, "expected a number"},
		{Supposition{Set: []string{"day5.kvm_share=7"}}, `day5.kvm_share: expected a share from 0 to 1, not "7"`},
		{Supposition{Set: []string{"day5.lid_closed_share=-0.1"}}, "expected a share from 0 to 1"},
		{Supposition{Set: []string{"kvm.attached=yes"}}, "expected true or false"},
		{Supposition{Set: []string{"kvm=1"}}, "it has fields: say which, as in kvm.level"},
		{Supposition{Set: []string{"tools.approved=true"}}, "tools is a list: say which, as in tools[0]"},
		{Supposition{Set: []string{"tools=x"}}, "it is a list: say which, as in tools[0]"},
		{Supposition{Set: []string{"tools[9].approved=true"}}, "tools has 1 elements"},
		{Supposition{Set: []string{"tools[anydsk].approved=true"}}, `none of tools is called "anydsk"; did you mean "anydesk"?`},
		{Supposition{Set: []string{"tools[0]=x"}}, "changed field by field"},
		{Supposition{Set: []string{"id.x=1"}}, `"id" has no fields`},
		{Supposition{Set: []string{"enrolled_at=today"}}, "expected an RFC 3339 time"},
		{Supposition{Set: []string{"system.os=PLAN9"}}, `there is no OperatingSystem "PLAN9"`},
		{Supposition{Set: []string{"a b=1"}}, `"a b" is no field`},
	} {
		tt.q.Device, tt.q.Now = rmmFarmLaptop(), personaNow
		_, err := New(rules(t), Options{}).WhatIf(tt.q)
		if _, ok := errors.AsType[*SuppositionError](err); !ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v %v: %v, want %q", tt.q.Without, tt.q.Set, err, tt.want)
		}
	}
}

func TestFieldsAreSetAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	dev := rmmFarmLaptop()
	for _, set := range []string{
		"day5.unsanctioned_share=0.25", "day5.days = 3", "tools[anydesk].approved=true", "tools[0].running=true",
		"day5.control_tools=RustDesk, VNC", "system.os=OPERATING_SYSTEM_LINUX", "enrolled_at=2026-01-02T03:04:05Z",
		"operator.rtt_min_ms=", "site=", "person.time_zone=Europe/Berlin", "virtual_chassis=true",
	} {
		if err := setField(dev, set); err != nil {
			t.Errorf("%s: %v", set, err)
		}
	}
	a, tool := dev.GetDay5(), dev.GetTools()[0]
	if a.GetUnsanctionedShare() != 0.25 || a.GetDays() != 3 || !tool.GetApproved() || !tool.GetRunning() || !slices.Equal(a.GetControlTools(), []string{"RustDesk", "VNC"}) ||
		dev.GetSystem().GetOs().Number() != 1 || dev.GetEnrolledAt().AsTime().Year() != 2026 || dev.GetOperator().RttMinMs != nil || dev.Site != nil ||
		dev.GetPerson().GetTimeZone() != "Europe/Berlin" || !dev.GetVirtualChassis() {
		t.Errorf("%v", dev)
	}
}

// FuzzSetField sets whatever is written; nothing may panic, and what is refused says so.
func FuzzSetField(f *testing.F) {
	for _, seed := range []string{"day5.days=1", "tools[0].name=x", "tools[anydesk].approved=true", "a[]=", "device.kvm.attached=true", "day5.control_tools=a,b", "=", "tools[99999999999999999999].x=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, set string) {
		dev := rmmFarmLaptop()
		if err := setField(dev, set); err != nil {
			if _, ok := errors.AsType[*SuppositionError](err); !ok {
				t.Error(err)
			}
			return
		}
		if _, err := New(rules(t), Options{}).Assess(dev, nil, personaNow); err != nil {
			t.Error(err)
		}
	})
}
