package evaluate

import (
	"flag"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

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

// Windows of five minutes and windows of an hour that hold the same seconds lead to the
// same verdicts.
func TestWindowsOfAnyLengthGiveTheSameVerdicts(t *testing.T) {
	t.Parallel()
	c := Command{Months: 1, Size: *laptops, Casting: persona.Former, Seeds: Seeds{5, 5}}
	b := newBench(t, &c)
	b.grid = true
	world, err := persona.NewWorld(persona.Options{
		Seed: 5, Days: daysOfMonth, Size: c.Size, End: lastMoment, Casting: persona.Former, Window: 5 * time.Minute,
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

// Honest people who differ only in their names or in how a method of input makes them
// type are judged alike, one by one. Elsewhere days are drawn anew: as many people, and
// as many of them with each verdict, up to chance.
func TestAlikePeopleAreJudgedAlike(t *testing.T) {
	t.Parallel()
	c := Command{Months: 1, Size: *laptops, Casting: persona.Former, Seeds: Seeds{6, 6}, Fairness: 1}
	table, err := c.fairness(t.Context(), *newBench(t, &c), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(table) < 8 || table[0].Laptops < 10 {
		t.Fatalf("%+v", table)
	}
	for _, g := range table {
		if g.Laptops != table[0].Laptops || g.Differ != nil && *g.Differ != 0 || g.PWatched < 0.05 || g.PFlagged < 0.05 || g.Flagged > 0 {
			t.Errorf("%+v, otherwise %+v", g, table[0])
		}
	}
}

func TestFisher(t *testing.T) {
	t.Parallel()
	// As R's fisher.test says.
	for _, tt := range []struct {
		a, n, b, m int
		want       float64
	}{{1, 9, 11, 15, 0.0094}, {0, 20, 0, 30, 1}, {3, 10, 3, 10, 1}, {0, 10, 5, 10, 0.0325}} {
		if got := fisher(tt.a, tt.n, tt.b, tt.m); math.Abs(got-tt.want) > 1e-4 {
			t.Errorf("%d of %d and %d of %d: %.4f, want %.4f", tt.a, tt.n, tt.b, tt.m, got, tt.want)
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
