package detect

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/collector/strictyaml"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What follows holds every sentence of every signal against the device that it is about.
// A signal that is added is held against it without another word here.

// figures are the numbers in a sentence.
var figures = regexp.MustCompile(`\d+(?:\.\d+)?`)

// claims are words for what no sense observes: who it was, why, and what happened while
// nobody looked.
var claims = regexp.MustCompile(`(?i)\b(somebody|someone|anybody|always|never|in a row|kept|drove|driven|operators?|operated|hosted|unrelated|strangers?|lives?|suspicious|farms?|lately|recently|currently|cleanly)\b`)

// mayClaim are claims that are no claims where they stand.
var mayClaim = map[string]string{
	"not kept at the declared place": "a time zone that is kept at a place",
	"can keep a computer":            "what a tool is for",
}

// alsoTold are figures that a sentence gives though its condition does not ask for them,
// each with the reason why that is no harm.
var alsoTold = map[string]string{
	"device.distance.likely_via_max_ms": "asked for by has() before it is told",
	"device.place.open_days":            "what openly_abroad is made of",
	"device.place.distant_days":         "asked for in the sentence, which says another thing without any",
	"device.operator.days":              "what leased is made of",
	"device.site.unnamed_people":        "of the people, those whom the roster does not name",
}

// chooses are fields that choose what a sentence says and are not told themselves.
var chooses = map[string][]string{
	"controller_routed":    {"device.operator.peers[].rtt_min_ms"},
	"operator_round_trip":  {"device.operator.peers[].rtt_min_ms"},
	"tool_first_fortnight": {"device.day20.unsanctioned_share"},
	"waking_phase":         {"device.person.work_start_minute", "device.person.work_end_minute"},
}

// spansOf says over which days fields are summed that belong to no span themselves.
var spansOf = map[string]string{
	"device.place":    "device.day20",
	"device.egress":   "device.day20",
	"device.operator": "device.day20",
	"device.still":    "device.day5",
}

// TestNoSentenceSaysMoreThanItsConditionSaw holds the text of every tier against its
// condition: figures are those that were asked for, over the days that were asked for,
// and no word is a claim.
func TestNoSentenceSaysMoreThanItsConditionSaw(t *testing.T) {
	t.Parallel()
	r, types := rules(t), fieldTypes()
	for _, s := range r.all {
		for tier := range s.tiers {
			x := sayingOf(t, r, s, tier)
			for _, lie := range x.lies(types) {
				t.Errorf("%s, tier %d: %s", s.id, tier, lie)
			}
		}
	}
}

// TestALieIsFound: what the test before finds in sentences that are made up.
func TestALieIsFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, title, when, because, want string }{
		{"what was not asked for", "T", "device.still.media_unused_days >= 5.0",
			`"for " + number(device.still.same_network_days) + " days it was there"`, "does not ask for"},
		{"another span's figure", "T", "device.day5.kvm_share >= 0.5 && device.day1.kvm_share >= 0.5",
			`percent(device.day1.kvm_share) + " of the input was a console's " + period(device.day5)`, "period says device.day5"},
		{"two spans' figures", "T", "device.day5.kvm_share >= 0.5 && device.day1.kvm_share >= 0.5",
			`percent(device.day1.kvm_share) + " and " + percent(device.day5.kvm_share) + " " + period(device.day5)`, "in one breath"},
		{"no days at all", "T", "device.day5.kvm_share >= 0.5", `percent(device.day5.kvm_share) + " of the input was a console's"`, "does not say which"},
		{"a person", "T", "device.day5.kvm_share >= 0.5", `"somebody used it: " + percent(device.day5.kvm_share) + " " + period(device.day5)`, "somebody"},
		{"a cause, in the title", "Driven by an operator", "device.kvm.attached", `"it is there"`, "Driven"},
		{"what was not broken off", "T", "device.site.days >= 3u", `"on " + number(device.site.days) + " days in a row"`, "in a row"},
		{"nothing wrong", "T", "device.day5.kvm_share >= 0.5", `percent(device.day5.kvm_share) + " of the input was a console's " + period(device.day5)`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rules(t)
			s := &signal{id: "made_up", title: tt.title, doc: document{Tiers: []tierDocument{{When: strictyaml.Text{Value: tt.when}, Because: strictyaml.Text{Value: tt.because}}}}}
			x := sayingOf(t, r, s, 0)
			lies := strings.Join(x.lies(fieldTypes()), "; ")
			if !strings.Contains(lies, tt.want) || tt.want == "" && lies != "" {
				t.Errorf("found %q, want %q", lies, tt.want)
			}
		})
	}
	// A figure of another field than the one that is named.
	dev := &fleetv1.Device{Day5: &fleetv1.Activity{Days: 5, KvmShare: p(0.8)}}
	x := sayingOf(t, rules(t), &signal{doc: document{Tiers: []tierDocument{{Because: strictyaml.Text{Value: `percent(device.day5.kvm_share) + " " + period(device.day5)`}}}}}, 0)
	if known := x.allowed(dev); !known["80"] || !known["5"] || known["81"] || known["0.8"] {
		t.Errorf("allowed %v", known)
	}
	if absent := x.unsaid(&fleetv1.Device{Day5: &fleetv1.Activity{Days: 5}}, fieldTypes()); len(absent) != 1 {
		t.Errorf("absent %v", absent)
	}
}

// TestSentencesAreOfTheDevice tries every tier that holds of devices made by chance, of
// the personas and of the signals' own tests.
func TestSentencesAreOfTheDevice(t *testing.T) {
	t.Parallel()
	r, types := rules(t), fieldTypes()
	var all []*fleetv1.Device
	for _, tt := range personas {
		all = append(all, tt.device())
	}
	for seed := range devices {
		all = append(all, anyDevice(seed))
	}
	for _, s := range r.all {
		for _, example := range s.tests {
			all = append(all, example.picture)
		}
	}
	for _, s := range r.signals {
		sayings := make([]saying, len(s.tiers))
		for tier := range s.tiers {
			sayings[tier] = sayingOf(t, r, s, tier)
		}
		said := 0
		for _, dev := range all {
			at := r.language.scene(dev, personaNow)
			o, err := s.observe(at, sensesOf(dev.GetKnown()), circumstancesOf(dev))
			if err != nil {
				t.Fatalf("%s: %v", s.id, err)
			}
			if o.tier < 0 {
				continue
			}
			said++
			x := &sayings[o.tier]
			because, err := at.says(s.tiers[o.tier].because)
			if err != nil {
				t.Fatalf("%s: %v", s.id, err)
			}
			known := x.allowed(dev)
			for _, figure := range figures.FindAllString(because, -1) {
				if !known[figure] {
					t.Fatalf("%s, tier %d, says %s in %q, which no field that it names does", s.id, o.tier, figure, because)
				}
			}
			if absent := x.unsaid(dev, types); len(absent) > 0 {
				t.Fatalf("%s, tier %d, says %q, and the device has no %q", s.id, o.tier, because, absent)
			}
		}
		if said == 0 {
			t.Errorf("%s said nothing of any device", s.id)
		}
	}
}

// TestAnswersAreMadeOfTheEvidence: what an answer, or the list of what is not known, gives
// as a figure or a date stands in a line of the ledger for the same question, or is of what
// was left out as approved, or the day since which nothing came, or it was not used.
func TestAnswersAreMadeOfTheEvidence(t *testing.T) {
	t.Parallel()
	d := New(rules(t), Options{})
	known := func(texts ...string) map[string]bool {
		all := make(map[string]bool)
		for _, text := range texts {
			for _, figure := range figures.FindAllString(text, -1) {
				all[figure] = true
			}
		}
		return all
	}
	for seed := range devices {
		dev := anyDevice(seed)
		j, err := d.Assess(dev, nil, personaNow)
		if err != nil {
			t.Fatal(err)
		}
		a, last := j.GetAssessment(), dev.GetDay5()
		when := momentOf(dev, personaNow)
		around := []string{dev.GetPerson().GetCountry(), percent(last.GetSanctionedShare()), percent(last.GetAssistiveShare()), period(last), ofTime(&fleetv1.Activity{}), date(when.seen), date(when.used), date(dev.GetPerson().GetExemptionEndedAt().AsTime())}
		for _, tool := range dev.GetTools() {
			around = append(around, tool.GetName(), tool.GetApprovedBy(), tool.GetApprovalEnded(), date(tool.GetApprovalEndedAt().AsTime()))
		}
		around = append(around, "1 2 3 4 5 6 7 8") // and so many more tools
		q := a.GetQuestions()
		for name, answer := range map[string]*fleetv1.Question{remote: q.GetRemote(), abroad: q.GetAbroad(), farm: q.GetFarm()} {
			texts := slices.Clone(around)
			for _, e := range a.GetEvidence() {
				if e.GetQuestion() == name {
					texts = append(texts, e.GetBecause())
				}
			}
			said := known(texts...)
			for _, figure := range figures.FindAllString(answer.GetSentence(), -1) {
				if !said[figure] {
					t.Fatalf("device %d: %q says %s, which its evidence does not", seed, answer.GetSentence(), figure)
				}
			}
		}
		said := known(around...)
		for _, text := range a.GetUnknown() {
			for _, figure := range figures.FindAllString(text, -1) {
				if !said[figure] {
					t.Fatalf("device %d: %q says %s", seed, text, figure)
				}
			}
		}
	}
	for _, list := range []map[string]string{silent, blind} {
		for question, text := range list {
			if word := claims.FindString(strings.NewReplacer("Whether anybody", "", "says that anybody", "", "hosted equipment", "", "kept with others", "").Replace(text)); word != "" {
				t.Errorf("%s: %q claims what is not observed: %s", question, text, word)
			}
		}
	}
}
