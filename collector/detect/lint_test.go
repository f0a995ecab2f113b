package detect

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestShippedSignalsPassTheLint(t *testing.T) {
	t.Parallel()
	r, problems, err := Lint(Shipped())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
	if r != nil && r.Digest() != rules(t).Digest() {
		t.Errorf("what passed has the digest %s, what was loaded %s", r.Digest(), rules(t).Digest())
	}
}

// sourced is the sound signal with a source.
var sourced = strings.Replace(sound, "half_life:", "sources: [https://example.org/case]\nhalf_life:", 1)

func TestWhatLoadsAndServesNobodyIsNamed(t *testing.T) {
	t.Parallel()
	tiers := func(first, second string) string {
		return strings.Replace(sourced, "  - when: device.kvm.attached\n", "  - {when: '"+first+"', db: 20, because: '\"x\"'}\n  - when: '"+second+"'\n", 1)
	}
	saying := func(because string) string {
		return strings.Replace(tiers("device.day5.kvm_share >= 0.5", "device.kvm.attached"), `'"x"'`, "'"+because+"'", 1)
	}
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", sourced, nil},
		{"no source", sound, []string{"own/a.yaml:1:5: sources are missing"}},
		{"a source that is no address", strings.Replace(sourced, "https://example.org/case", "a friend", 1), []string{`own/a.yaml:1:5: sources lists addresses such as`}},
		{"no tests", sourced[:strings.Index(sourced, "tests:")], []string{"own/a.yaml:1:5: tests are missing"}},
		{"on trial and off", sourced + "enabled: false\nshadow: true\n", []string{"own/a.yaml:1:5: shadow has no meaning beside enabled: false"}},
		{"the same condition twice", tiers("device.kvm.attached", "(device.kvm.attached)"), []string{"own/a.yaml:8:12: tier 1 can never hold: wherever its condition does, tier 0 holds first"}},
		{"a wider condition first", tiers("device.day5.kvm_share >= 0.2", "device.day5.kvm_share >= 0.5"), []string{"own/a.yaml:8:12: tier 1 can never"}},
		{"a wider condition first, the other way round", tiers("0.2 < device.day5.kvm_share", "device.day5.kvm_share > 0.2 && device.kvm.attached"), []string{"own/a.yaml:8:12: tier 1 can never"}},
		{"a narrower condition first", tiers("device.day5.kvm_share >= 0.5", "device.day5.kvm_share >= 0.2"), nil},
		{"one edge more", tiers("device.day5.kvm_share > 0.2", "device.day5.kvm_share >= 0.2"), nil},
		{"either of two first", tiers("device.kvm.attached || device.kvm.dummy_display", "device.kvm.dummy_display && device.known.hands"), []string{"own/a.yaml:8:12: tier 1 can never"}},
		{"both of two first", tiers("device.kvm.attached && device.kvm.dummy_display", "device.kvm.dummy_display"), nil},
		{"two that are each within", tiers("device.day5.days >= 1u", "device.day5.days == 2u || device.day5.days > 3u"), []string{"own/a.yaml:8:12: tier 1 can never"}},
		{"another subject", tiers("device.day5.kvm_share >= 0.2", "device.day1.kvm_share >= 0.5"), nil},
		{"always", tiers("true", "device.kvm.attached"), []string{"own/a.yaml:7:13: tier 0 holds of a laptop", "own/a.yaml:8:12: tier 1 can never"}},
		{"a contradiction", tiers("device.day5.kvm_share >= 0.8 && device.kvm.attached && device.day5.kvm_share < 0.5", "device.kvm.attached"), []string{"own/a.yaml:7:13: tier 0 can never hold: it contradicts itself"}},
		{"edges that meet", tiers("device.day5.kvm_share >= 0.5 && device.day5.kvm_share <= 0.5", "device.kvm.attached"), nil},
		{"edges that miss", tiers("device.day5.kvm_share > 0.5 && device.day5.kvm_share <= 0.5", "device.kvm.attached"), []string{"own/a.yaml:7:13: tier 0 can never"}},
		{"never", tiers("false", "device.kvm.attached"), []string{"own/a.yaml:7:13: tier 0 can never"}},
		{"unknown as evidence", tiers("device.day5.kvm_share < 0.5", "device.kvm.attached"), []string{"own/a.yaml:7:13: tier 0 holds of a laptop on which nothing was observed: what is absent reads as zero, so ask has() first"}},
		{"unknown as evidence, without a sense", strings.Replace(tiers("device.day5.kvm_share < 0.5", "device.kvm.attached"), "needs: [hardware]\n", "", 1), []string{"own/a.yaml:6:13: tier 0 holds of a laptop of which nothing is known"}},
		{"asked first", tiers("has(device.day5.kvm_share) && device.day5.kvm_share < 0.5", "device.kvm.attached"), nil},
		{"other days than those of its figures", saying(`percent(device.day1.kvm_share) + " " + period(device.day5)`),
			[]string{"own/a.yaml:7:62: tier 0 says the days of device.day5, and its figures are those of device.day1"}},
		{"the days of its figures", saying(`percent(device.day5.kvm_share) + " " + period(device.day5)`), nil},
		{"evidence for an honest use needs no source", strings.NewReplacer("sources: [https://example.org/case]\n", "", "family: kvm", "family: presence", "db: 20", "db: -20").Replace(sourced), nil},
		{"two problems at once", strings.NewReplacer("device.kvm.attached", "device.kvm.atached", "half_life", "halflife", "known: {hardware", "known: {hardvare").Replace(sourced), []string{
			"own/a.yaml:7:21: undefined field 'atached'; did you mean 'attached'?", `own/a.yaml:13:1: unknown key "halflife"`,
			`own/a.yaml:18:14: the picture is not a device: unknown field "hardvare"; did you mean "hardware"?`, "own/a.yaml:20:14: the picture",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, problems, err := Lint(source(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if (r == nil) != (len(problems) > 0) || len(problems) != len(tt.want) {
				t.Fatalf("problems %q, want %q", problems, tt.want)
			}
			for i, p := range problems {
				if !strings.HasPrefix(p.Error(), tt.want[i]) {
					t.Errorf("problem %q, want %q", p, tt.want[i])
				}
			}
		})
	}
}

func TestSuggestionsAreFieldsOfTheValueThatWasMeant(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ condition, want string }{
		{"device.kvm.atached", "did you mean 'attached'?"},
		{"device.day5.dasy >= 2u", "did you mean 'days'?"},
		{"device.tools.exists(t, t.aproved)", "did you mean 'approved'?"},
		{"device.operator.peers.exists(p, p.adress == '')", "did you mean 'address'?"},
		{"device.tools[0].unatended", "did you mean 'unattended'?"},
		{"device.tools.filter(t, t.present).exists(t, t.runing)", "did you mean 'running'?"},
		{"devic.kvm.attached", "did you mean 'device'?"},
		{"number2(1) == ''", "did you mean 'number'?"},
		{"device.kvm.zzzzzzzz", "undefined field 'zzzzzzzz'"},
	} {
		_, problems, err := Lint(source(strings.Replace(sourced, "when: device.kvm.attached", "when: \""+tt.condition+"\"", 1)))
		if err != nil {
			t.Fatal(err)
		}
		if len(problems) == 0 || !strings.HasSuffix(problems[0].Error(), tt.want) {
			t.Errorf("%s: %q, want %q", tt.condition, problems, tt.want)
		}
	}
}

func TestFilesThatAreNotReadAndDoNotChangeAnythingAreNamed(t *testing.T) {
	t.Parallel()
	own := source("id: test_signal\n")
	own.FS.(fstest.MapFS)["b.yml"] = &fstest.MapFile{Data: []byte(sound)}
	own.Name = "company"
	_, problems, err := Lint(source(sourced), own)
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) != 2 || problems[0].Error() != `company/a.yaml:1:5: the file changes nothing of "test_signal"` || problems[1].Error() != "company/b.yml:1:1: the file is not read: signals end in .yaml" {
		t.Errorf("problems %q", problems)
	}
}

func TestFieldsAreThoseOfThePicture(t *testing.T) {
	t.Parallel()
	byPath := make(map[string]Field)
	for _, f := range Fields() {
		byPath[f.Path] = f
		if f.Meaning == "" || f.Type == "" {
			t.Errorf("%s has no meaning or no type: %+v", f.Path, f)
		}
		if quantity := f.Type == "double" || f.Type == "uint"; quantity && f.Unit == "" {
			t.Errorf("%s is a number of nothing", f.Path)
		}
	}
	for _, want := range []Field{
		{"device.day5.unsanctioned_share", "double", "share, 0 to 1", true, "Share of active time under such control."},
		{"device.tools[].last_seen_at", "timestamp", "UTC", true, "When last seen."},
		{"device.tools", "list(ToolSighting)", "", false, "Tools seen in the last 30 days."},
		{"device.egress.asn", "uint", "number", false, "Autonomous system number and name."},
		{"device.system.hostname", "string", "", false, "Host name, as the company's IT set it."},
	} {
		if got := byPath[want.Path]; got != want {
			t.Errorf("%s is %+v, want %+v", want.Path, got, want)
		}
	}
}
