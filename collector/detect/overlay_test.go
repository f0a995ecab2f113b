package detect

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// consoleAttached is a device on which the sound signal holds.
func consoleAttached() *fleetv1.Device {
	return &fleetv1.Device{Known: &fleetv1.Known{Hardware: true}, Kvm: &fleetv1.Kvm{Attached: true, Name: "X"}}
}

func TestAFileChangesASignalKeyByKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		changed    []string
		db         float64 // counted, of the one signal
		evidence   int
		shadow     float64
		halfLife   string
		failures   int
	}{
		{"a weight", "id: test_signal\ntiers: [{db: 12}]\n", []string{"tiers"}, 12, 1, 0, "240h0m0s", 0},
		{"a half-life", "id: test_signal\nhalf_life: 3d\n", []string{"half_life"}, 20, 1, 0, "72h0m0s", 0},
		{"nothing of a tier", "id: test_signal\ntiers: [{}]\nnote: x\n", []string{"note"}, 20, 1, 0, "240h0m0s", 0},
		{"off", "id: test_signal\nenabled: false\n", []string{"enabled"}, 0, 0, 0, "240h0m0s", 0},
		{"on trial", "id: test_signal\nshadow: true\n", []string{"shadow"}, 0, 0, 20, "240h0m0s", 0},
		{"benign", "id: test_signal\nbenign: [a, b]\n", []string{"benign"}, 20, 1, 0, "240h0m0s", 0},
		{
			"a condition, whose tests stand in the place of the others",
			"id: test_signal\ntiers: [{when: device.kvm.attached && device.kvm.dummy_display}]\ntests:\n  - {tier: none, picture: {known: {hardware: true}, kvm: {attached: true}}}\n  - {tier: 0, picture: {known: {hardware: true}, kvm: {attached: true, dummy_display: true}}}\n",
			[]string{"tiers", "tests"}, 0, 0, 0, "240h0m0s", 0,
		},
		{
			"a test beside the others, which fails",
			"id: test_signal\ntests:\n  - {tier: 0, picture: {known: {hardware: true}}}\n",
			[]string{"tests"}, 20, 1, 0, "240h0m0s", 1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := Load(source(sound), Source{Name: "company", FS: source(tt.text).FS})
			if err != nil {
				t.Fatal(err)
			}
			s := r.all[0]
			if diff := cmp.Diff(tt.changed, s.changed); diff != "" || s.halfLife.String() != tt.halfLife || s.file != "company/a.yaml" || s.replaces == nil {
				t.Errorf("half-life %s, from %s; changed: %s", s.halfLife, s.file, diff)
			}
			if failures := r.Test(); len(failures) != tt.failures {
				t.Errorf("failures of its tests: %v", failures)
			}
			j, err := New(r, Options{}).Assess(consoleAttached(), nil, personaNow)
			if err != nil {
				t.Fatal(err)
			}
			a := j.GetAssessment()
			if db := a.GetQuestions().GetRemote().GetDb(); db != tt.db || len(a.GetEvidence()) != tt.evidence {
				t.Errorf("%g dB by %d pieces of evidence, want %g by %d", db, len(a.GetEvidence()), tt.db, tt.evidence)
			}
			shadow := 0.0
			for _, e := range a.GetShadow() {
				shadow += e.GetDb()
			}
			if shadow != tt.shadow {
				t.Errorf("on trial: %v, want %g dB", a.GetShadow(), tt.shadow)
			}
		})
	}
}

func TestWhatDoesNotChangeASignalIsNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"a misspelt id", "id: tst_signal\nhalf_life: 3d\n", `company/a.yaml:1:5: there is no signal "tst_signal" to change; did you mean "test_signal"? (one`},
		{"another id", "id: something\nhalf_life: 3d\n", `company/a.yaml:1:5: there is no signal "something" to change (one`},
		{"no id", "half_life: 3d\n", `company/a.yaml:1:1: id is missing`},
		{"a whole signal without family", strings.Replace(sound, "family: kvm\n", "", 1), ""},
		{"a new signal without family", strings.Replace(strings.Replace(sound, "family: kvm\n", "", 1), "id: test", "id: new", 1), "company/a.yaml:1:5: family is missing; families are setup"},
		{"a tier too many", "id: test_signal\ntiers: [{}, {db: 3}]\n", `company/a.yaml:1:5: "test_signal" has 1 tiers`},
		{"a weight of another sign", "id: test_signal\ntiers: [{db: -3}]\n", `company/a.yaml:2:14: tier 0 weighs -3 dB`},
		{"a weight that is none", "id: test_signal\ntiers: [{db: much}]\n", `company/a.yaml:2:14: expected a number of decibans`},
		{"a weight less than the next tier's", "id: two_tiers\ntiers: [{db: 3}]\n", `company/a.yaml:2:14: tier 0 weighs less than the one after it, 8 dB`},
		{"the tiers after it are held against their own neighbours", "id: three_tiers\ntiers: [{db: 1}]\n", `company/a.yaml:2:14: tier 0 weighs less than the one after it, 8 dB`},
		{"a weight more than the tier's before", "id: two_tiers\ntiers: [{}, {db: 12}]\n", `company/a.yaml:2:18: tier 1 weighs more than the one before it`},
		{"a weight that is as it was", "id: two_tiers\ntiers: [{was: 10.0, db: 9}, {was: 8, db: 3}]\n", ""},
		{"a weight that is not as it was", "id: two_tiers\ntiers: [{}, {was: 7, db: 3}]\n", `company/a.yaml:2:19: tier 1 weighs 8 dB and not 7: the signal that is changed here is another than it was`},
		{"a weight that was none", "id: two_tiers\ntiers: [{was: much}]\n", `company/a.yaml:2:15: tier 0 weighs 10 dB and not much`},
		{"a whole signal whose weight was another", strings.Replace(sound, "db: 20", "was: 3\n    db: 20", 1), "company/a.yaml:8:10: was has no meaning"},
		{"a condition with a typo", "id: test_signal\ntiers: [{when: device.kvm.atached}]\n", `company/a.yaml:2:26: undefined field 'atached'`},
		{"an unknown key", "id: test_signal\nhalflife: 3d\n", `company/a.yaml:2:1: unknown key "halflife"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			two := strings.NewReplacer("id: test_signal", "id: two_tiers", "half_life:", "  - {when: device.kvm.dummy_display, db: 8, because: '\"y\"'}\nhalf_life:", "db: 20", "db: 10").Replace(sound)
			three := strings.NewReplacer("id: two_tiers", "id: three_tiers", "half_life:", "  - {when: device.kvm.level == \"shape\", db: 6, because: '\"z\"'}\nhalf_life:").Replace(two)
			_, err := Load(source(sound, two, three), Source{Name: "company", FS: source(tt.text).FS})
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want only %q", err, tt.want)
			}
		})
	}
}

func TestASignalOnTrialTellsWhatItWouldCount(t *testing.T) {
	t.Parallel()
	r, err := Load(Shipped(), source("id: unattended_access\nshadow: true\n"))
	if err != nil {
		t.Fatal(err)
	}
	dev := rmmFarmLaptop()
	with, err := New(rules(t), Options{}).Assess(dev, nil, personaNow)
	if err != nil {
		t.Fatal(err)
	}
	without, err := New(r, Options{}).Assess(dev, nil, personaNow)
	if err != nil {
		t.Fatal(err)
	}
	find := func(all []*fleetv1.Evidence) *fleetv1.Evidence {
		for _, e := range all {
			if e.GetSignal() == "unattended_access" {
				return e
			}
		}
		return nil
	}
	counted, trial := find(with.GetAssessment().GetEvidence()), find(without.GetAssessment().GetShadow())
	if counted == nil || trial.GetDb() != counted.GetDb() || trial.GetBecause() != counted.GetBecause() {
		t.Errorf("on trial %v, really %v", trial, counted)
	}
	if find(without.GetAssessment().GetEvidence()) != nil {
		t.Error("a signal on trial is in the ledger")
	}
	if a, b := with.GetAssessment().GetHostedRisk(), without.GetAssessment().GetHostedRisk(); b > a {
		t.Errorf("on trial it raised the risk from %g to %g", a, b)
	}
	// What it observed is remembered, so that it can count from the day on which it may.
	again, err := New(rules(t), Options{}).Assess(dev, without, personaNow.Add(day))
	if err != nil {
		t.Fatal(err)
	}
	if e := find(again.GetAssessment().GetEvidence()); !e.GetFirstSeen().AsTime().Equal(trial.GetFirstSeen().AsTime()) {
		t.Errorf("once it counts, it was first seen at %v, want %v", e.GetFirstSeen().AsTime(), trial.GetFirstSeen().AsTime())
	}
}
