package evaluate

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var laptops = flag.Int("laptops", 20, "about how many laptops the tests of equality judge")

// spoken is what must be equal.
type spoken struct{ final, highest, kind string }

func verdictsOf(t *testing.T, lives []*life) map[string]spoken {
	t.Helper()
	all := map[string]spoken{}
	for _, d := range lives {
		a := d.judgement.GetAssessment()
		s := spoken{final: a.GetVerdict(), highest: d.peak.GetVerdict()}
		if s.highest != "clear" {
			s.kind = d.peak.GetKind()
		}
		all[d.laptop.DeviceID] = s
	}
	return all
}

// altered is a world's life with every report changed; what others hold is left alone.
func altered(steps iter.Seq[persona.Step], change func(*farmhoundv1.Report)) iter.Seq[persona.Step] {
	return func(yield func(persona.Step) bool) {
		for step := range steps {
			for i := range step.Deliveries {
				d := &step.Deliveries[i]
				for n, r := range d.Reports {
					r = proto.CloneOf(r)
					change(r)
					d.Reports[n] = r
				}
			}
			if !yield(step) {
				return
			}
		}
	}
}

// Windows of five minutes and windows of an hour that hold the same seconds lead to the
// same verdicts.
func TestWindowsOfAnyLengthGiveTheSameVerdicts(t *testing.T) {
	t.Parallel()
	c := Command{Months: 1, Size: *laptops, Casting: persona.Reserved, Seeds: Seeds{5, 5}}
	b := newBench(t, &c)
	b.grid = true
	world, err := persona.NewWorld(persona.Options{
		Seed: 5, Days: daysOfMonth, Size: c.Size, End: lastMoment, Casting: persona.Reserved, Window: 5 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	fine, err := b.live(t.Context(), world)
	if err != nil {
		t.Fatal(err)
	}
	hours, err := b.open(world, world.RosterCSV())
	if err != nil {
		t.Fatal(err)
	}
	coarse, err := hours.live(t.Context(), altered(world.Steps(), joinWindows), world.End())
	if err != nil {
		t.Fatal(err)
	}
	want, personas, differ := verdictsOf(t, fine), map[string]string{}, 0
	for _, d := range fine {
		personas[d.laptop.DeviceID] = d.laptop.Persona
	}
	for id, got := range verdictsOf(t, coarse) {
		if got != want[id] {
			differ++
			t.Errorf("%s: %+v with windows of an hour, %+v with those of five minutes", personas[id], got, want[id])
		}
	}
	t.Logf("%d laptop-months, %d differ", len(want), differ)
}

// joinWindows makes windows that follow each other into one of at most an hour.
func joinWindows(r *farmhoundv1.Report) {
	var out []*farmhoundv1.Window
	for _, w := range r.GetWindows() {
		if n := len(out); n > 0 {
			last := out[n-1]
			end := last.GetStartedAt().GetSeconds() + int64(last.GetSeconds())
			if end == w.GetStartedAt().GetSeconds() && last.GetSeconds()+w.GetSeconds() <= 3600+400 && last.GetAsleepSeconds() == 0 && w.GetAsleepSeconds() == 0 {
				join(last, w)
				continue
			}
		}
		out = append(out, w)
	}
	r.Windows = out
}

// join adds a window's counts to the one before. What one of them does not know, both
// do not.
func join(to, from *farmhoundv1.Window) {
	a, b := to.ProtoReflect(), from.ProtoReflect()
	fields := a.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.Kind() == protoreflect.Uint32Kind && !f.IsList() && strings.HasSuffix(string(f.Name()), "seconds"):
			if a.Has(f) && b.Has(f) || f.Name() == "seconds" {
				a.Set(f, protoreflect.ValueOfUint32(uint32(a.Get(f).Uint()+b.Get(f).Uint())))
			} else {
				a.Clear(f)
			}
		}
	}
	if in, more := to.GetInput(), from.GetInput(); in != nil && more != nil {
		to.Input = &farmhoundv1.InputSeconds{
			BuiltIn: in.BuiltIn + more.BuiltIn, Attached: in.Attached + more.Attached, KvmLike: in.KvmLike + more.KvmLike,
			Injected: in.Injected + more.Injected, Session: in.Session + more.Session, Jiggler: in.Jiggler + more.Jiggler,
		}
	}
	for _, c := range from.GetControl() {
		i := slices.IndexFunc(to.GetControl(), func(o *farmhoundv1.ControlSeconds) bool { return o.GetTool() == c.GetTool() })
		if i < 0 {
			to.Control = append(to.Control, c)
			continue
		}
		o := to.Control[i]
		o.Seconds, o.NearSeconds = o.Seconds+c.Seconds, o.NearSeconds+c.NearSeconds
		o.BytesIn, o.BytesOut = o.BytesIn+c.BytesIn, o.BytesOut+c.BytesOut
	}
	switch one, other := to.GetRhythm(), from.GetRhythm(); {
	case one == nil:
		to.Rhythm = other
	case other != nil:
		n, m := float64(one.GetBursts()), float64(other.GetBursts())
		to.Rhythm = &farmhoundv1.Rhythm{
			Bursts: one.GetBursts() + other.GetBursts(), GapCv: (n*one.GetGapCv() + m*other.GetGapCv()) / (n + m),
			MedianGapMs: uint32((n*float64(one.GetMedianGapMs()) + m*float64(other.GetMedianGapMs())) / (n + m)),
		}
		if one.GetPeriodMs() == other.GetPeriodMs() {
			to.Rhythm.PeriodMs = one.PeriodMs
		}
	}
}

// alike are honest personas that may live anywhere.
var alike = []string{
	"home-worker", "couple", "flatmates", "docked", "night-shift", "unseen", "accessibility", "desktop-driver", "co-working",
	"campus", "jiggler-owner", "carrier-nat", "satellite", "eye-tracker", "developer", "own-desktop",
}

// Honest people who differ only in their names, in how a method of input makes them
// type, or in the country where they work as declared are judged alike.
func TestAlikePeopleAreJudgedAlike(t *testing.T) {
	t.Parallel()
	c := Command{Months: 1, Size: *laptops, Casting: persona.Reserved, Seeds: Seeds{6, 6}, Personas: alike}
	b := newBench(t, &c)
	b.grid = true
	live := func(country string, rows func([]byte) []byte, change func(*farmhoundv1.Report)) []*life {
		world, err := persona.NewWorld(persona.Options{
			Seed: 6, Days: daysOfMonth, Size: c.Size, End: lastMoment, Casting: persona.Reserved, Personas: alike, Country: country,
		})
		if err != nil {
			t.Fatal(err)
		}
		l, err := b.open(world, rows(world.RosterCSV()))
		if err != nil {
			t.Fatal(err)
		}
		lives, err := l.live(t.Context(), altered(world.Steps(), change), world.End())
		if err != nil {
			t.Fatal(err)
		}
		return lives
	}
	asIs, untouched := func(rows []byte) []byte { return rows }, func(*farmhoundv1.Report) {}
	lives := live("", asIs, untouched)
	if len(lives) < 10 {
		t.Fatalf("only %d laptops", len(lives))
	}
	// The same laptops, but for a name or a way to type: the same verdicts, one by one.
	want := verdictsOf(t, lives)
	for name, other := range map[string][]*life{
		"other names": live("", renamed(t), untouched), "another input method": live("", asIs, composed),
	} {
		for id, got := range verdictsOf(t, other) {
			if got != want[id] {
				t.Errorf("%s: %+v, otherwise %+v", name, got, want[id])
			}
		}
	}
	// Elsewhere days are drawn anew: as many people, as many of them with each verdict.
	counts := countsOf(lives)
	for _, country := range []string{"IN", "PL", "PH", "JP"} {
		if diff := cmp.Diff(counts, countsOf(live(country, asIs, untouched))); diff != "" {
			t.Errorf("declared in %s (-otherwise +there):\n%s", country, diff)
		}
	}
}

// countsOf is how many laptops ever had each verdict and no worse.
func countsOf(lives []*life) map[string]int {
	counts := map[string]int{}
	for _, d := range lives {
		counts[d.peak.GetVerdict()]++
	}
	return counts
}

// renamed gives people names of many languages.
func renamed(t *testing.T) func([]byte) []byte {
	names := []string{"kim.min-jun", "nguyen.van.an", "zhang.wei", "oleksandr.shevchenko", "maria.garcia", "fatima.al-sayed", "olu.adeyemi", "priya.sharma"}
	return func(rows []byte) []byte {
		records, err := csv.NewReader(bytes.NewReader(rows)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range records[1:] {
			row[1] = fmt.Sprintf("%s.%d", names[i%len(names)], i)
		}
		var out bytes.Buffer
		if err := csv.NewWriter(&out).WriteAll(records); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
}

// composed types as with a method of input that composes characters: pauses are more
// even, and a tenth of the input is what the method itself writes.
func composed(r *farmhoundv1.Report) {
	for _, w := range r.GetWindows() {
		if y := w.GetRhythm(); y != nil && y.GetPeriodMs() == 0 {
			y.GapCv, y.MedianGapMs = y.GetGapCv()*0.8, y.GetMedianGapMs()*3/2
		}
		if in := w.GetInput(); in != nil {
			wrote := in.GetBuiltIn()/10 + in.GetAttached()/10
			in.BuiltIn, in.Attached = in.GetBuiltIn()-in.GetBuiltIn()/10, in.GetAttached()-in.GetAttached()/10
			in.Injected += wrote
		}
	}
}

// No report can tell a keyboard's language, a method of input or a person's language:
// there is no field for it.
func TestReportsKnowNoLanguage(t *testing.T) {
	t.Parallel()
	seen := map[protoreflect.FullName]bool{}
	var walk func(protoreflect.MessageDescriptor)
	walk = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] {
			return
		}
		seen[m.FullName()] = true
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			for _, word := range []string{"language", "locale", "layout", "input_method", "country"} {
				if strings.Contains(string(f.Name()), word) {
					t.Errorf("%s can tell a person's %s", f.FullName(), word)
				}
			}
			if f.Message() != nil {
				walk(f.Message())
			}
		}
	}
	walk((&farmhoundv1.Report{}).ProtoReflect().Descriptor())
	if len(seen) < 20 {
		t.Errorf("only %d messages", len(seen))
	}
}
