package detect

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// sound is a signal with nothing wrong in it; tests spoil it line by line.
const sound = `id: test_signal
title: A test
question: remote
family: kvm
needs: [hardware]
tiers:
  - when: device.kvm.attached
    db: 20
    because: |
      "the console "
      + said(device.kvm.name) + " is plugged in"
half_life: 10d
benign: [a home laboratory]
tests:
  - tier: 0
    says: the console "X" is plugged in
    picture: {known: {hardware: true}, kvm: {attached: true, name: X}}
  - tier: none
    picture: {known: {hardware: true}}
`

func source(files ...string) Source {
	fs := make(fstest.MapFS)
	for i, text := range files {
		fs[string(rune('a'+i))+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return Source{Name: "own", FS: fs}
}

func TestASoundSignalLoads(t *testing.T) {
	t.Parallel()
	r, err := Load(source(sound))
	if err != nil {
		t.Fatal(err)
	}
	if failures := r.Test(); len(failures) != 0 {
		t.Errorf("its tests fail: %v", failures)
	}
}

func TestMistakesAreFoundWhereTheyStand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, from, to, want string
	}{
		{"a field that does not exist", "device.kvm.attached", "device.kvm.atached", "own/a.yaml:7:21: undefined field 'atached'"},
		{"a field within a block", "said(device.kvm.name)", "said(device.kwm.name)", "own/a.yaml:11:20: undefined field 'kwm'"},
		{"a syntax error in a block", `+ said(`, `+ + said(`, "own/a.yaml:11:9: Syntax error"},
		{"a wrong type", "when: device.kvm.attached", "when: device.kvm.name", "own/a.yaml:7:11: the expression gives string, not bool"},
		{"an unknown function", "said(device", "sayd(device", "own/a.yaml:11:13: undeclared reference to 'sayd'"},
		{"a comparison of different types", "device.kvm.attached", "device.day5.days == 2", "own/a.yaml:7:28: found no matching overload"},
		{"an expression that is dear", "device.kvm.attached", "device.tools.all(a, device.tools.all(b, device.tools.all(c, a.name + b.name != c.name)))", "own/a.yaml:7:11: the expression may cost"},
		{"an unknown key", "half_life:", "halflife:", `own/a.yaml:12:1: unknown key "halflife"`},
		{"no half-life", "half_life: 10d\n", "", "own/a.yaml:1:5: half_life is missing"},
		{"no innocent reading", "benign: [a home laboratory]\n", "", "own/a.yaml:1:5: benign is missing"},
		{"an unknown family", "family: kvm", "family: kwm", `own/a.yaml:4:9: family "kwm" does not exist`},
		{"a family of another question", "question: remote", "question: farm", `own/a.yaml:3:11: question must be "remote"`},
		{"an unknown sense", "[hardware]", "[hardware, ears]", `own/a.yaml:5:19: needs names a sense`},
		{"a weight against its family", "db: 20", "db: -20", `own/a.yaml:8:9: tier 0 weighs -20 dB; in family "kvm" that must be more than nothing`},
		{"a weight that alone undoes the prior", "db: 20", "db: 40", "own/a.yaml:8:9: tier 0 weighs 40 dB; no single observation"},
		{"a bad id", "id: test_signal", "id: Test Signal", "own/a.yaml:1:5: id must be"},
		{"a test of no device", "{hardware: true}}\n", "{hardvare: true}}\n", `own/a.yaml:19:14: the picture is not a device: unknown field "hardvare"`},
		{"a test at no time", "tier: 0", "now: today\n    tier: 0", "own/a.yaml:15:10: now must be a time such as 2026-03-17T12:00:00Z"},
		{"a test of no tier", "tier: 0", "tier: 7", "own/a.yaml:15:11: tier must be none or the number of a tier"},
		{"an unknown technique", "half_life: 10d", "half_life: 10d\nattack: [T12]", `own/a.yaml:1:5: attack lists ATT&CK techniques such as T1219 or T1219.002, not "T12"`},
		{"an empty id", "id: test_signal\n", "", "own/a.yaml:1:1: id must be"},
		{"not YAML", "id: test_signal", "id: [", "own/a.yaml:"},
		{"an unknown circumstance", "needs: [hardware]", "except: [rain]", "own/a.yaml:5:10: except knows"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(sound, tt.from, tt.to, 1)
			if text == sound {
				t.Fatalf("%q is not in the sound signal", tt.from)
			}
			if tt.name == "a test of no device" {
				text = strings.Replace(sound, "picture: {known: {hardware: true}}", "picture: {known: {hardvare: true}}", 1)
			}
			_, err := Load(source(text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestEveryMistakeOfEveryFileIsReported(t *testing.T) {
	t.Parallel()
	_, err := Load(source(strings.Replace(sound, "attached", "a", 1), strings.Replace(sound, "attached", "b", 1)))
	for _, want := range []string{"own/a.yaml:7:21", "own/b.yaml:7:21"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestTestsInsideSignalsCanFail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, from, to, want string }{
		{"another tier holds", "tier: 0", "tier: none", "own/a.yaml:15:11: tier 0 holds, not none: device.kvm.attached = true"},
		{"it says something else", `says: the console "X"`, `says: the console "Y"`, "own/a.yaml:15:11: it says"},
		{"it cannot be evaluated", "device.kvm.attached", "device.tools[3].present || true == device.tools[3].present", "own/a.yaml:15:11: the signal cannot be evaluated: tier 0: index out of bounds"},
		{"no negative test", "  - tier: none\n    picture: {known: {hardware: true}}\n", "", "own/a.yaml:1:5: no test shows that no tier holds"},
		{"a sense is missing", "known: {hardware: true}, kvm", "kvm", "own/a.yaml:15:11: tier none holds, not 0: device.known.hardware = absent, device.kvm.attached = true"},
		{"withdrawn when it is not", "tier: 0\n", "tier: 0\n    withdrawn: true\n", "own/a.yaml:15:11: withdrawn is false, not true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := Load(source(strings.Replace(sound, tt.from, tt.to, 1)))
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, f := range r.Test() {
				all = append(all, f.Error())
			}
			if got := strings.Join(all, "\n"); !strings.Contains(got, tt.want) {
				t.Errorf("failures %q, want one with %q", got, tt.want)
			}
		})
	}
}

func TestLaterSourcesReplaceEarlier(t *testing.T) {
	t.Parallel()
	changed := strings.Replace(sound, "db: 20", "db: 5", 1)
	r, err := Load(source(sound), source(changed))
	if err != nil {
		t.Fatal(err)
	}
	dev := &fleetv1.Device{Known: &fleetv1.Known{Hardware: true}, Kvm: &fleetv1.Kvm{Attached: true}}
	j, err := New(r, Options{}).Assess(dev, nil, personaNow)
	if err != nil {
		t.Fatal(err)
	}
	if db := j.GetAssessment().GetQuestions().GetRemote().GetDb(); db != 5 || len(r.signals) != 1 {
		t.Errorf("%g dB by %d signals, want the later source's 5 by one", db, len(r.signals))
	}
	if _, err := Load(source(sound, sound)); err == nil || !strings.Contains(err.Error(), `own/b.yaml:1:5: another file of own has the id "test_signal" too`) {
		t.Errorf("two of one id in one source: %v", err)
	}
}

func TestASignalThatCannotBeEvaluatedIsNamedAndWeighsNothing(t *testing.T) {
	t.Parallel()
	r, err := Load(Shipped(), source(strings.Replace(sound, "device.kvm.attached", "device.tools[3].present", 1)))
	if err != nil {
		t.Fatal(err)
	}
	j, err := New(r, Options{}).Assess(rmmFarmLaptop(), nil, personaNow)
	if err != nil {
		t.Fatal(err)
	}
	a := j.GetAssessment()
	last := a.GetUnknown()[len(a.GetUnknown())-1]
	if !strings.HasPrefix(last, "Signal test_signal could not be evaluated: tier 0: index out of bounds") {
		t.Errorf("unknown %q, want the signal named", a.GetUnknown())
	}
	if a.GetVerdict() != "near_certain" {
		t.Errorf("one broken signal made the verdict %s", a.GetVerdict())
	}
}

// FuzzSignals feeds text to the loader; what loads is tested and judged with.
func FuzzSignals(f *testing.F) {
	f.Add(sound)
	f.Add("id: test_signal\ntiers: [{db: 3, when: 'false'}, {}]\nshadow: true\n")
	entries, err := os.ReadDir("signals")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries[:min(len(entries), 12)] {
		text, err := os.ReadFile("signals/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, problems, err := Lint(source(sound), Source{Name: "over", FS: source(text).FS}); err != nil {
			t.Errorf("%v, %v", problems, err)
		}
		r, err := Load(source(text))
		if err != nil {
			if !strings.Contains(err.Error(), "own/a.yaml:") {
				t.Errorf("a problem without a place: %v", err)
			}
			return
		}
		r.Test()
		if _, err := New(r, Options{}).Assess(rmmFarmLaptop(), nil, personaNow); err != nil {
			t.Error(err)
		}
	})
}
