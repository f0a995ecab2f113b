package evaluate

import (
	"flag"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

var (
	barWorlds = flag.Uint64("worlds", 1, "how many worlds the bars are held on")
	// The reserved casting would be used up by a test that everybody mends after.
	barCasting = flag.String("casting", persona.Former, "whose worlds the bars are held on")
)

// within is how many working days the median laptop of a kind of farm may take to find.
var within = []struct {
	of       string
	personas []string
	days     float64
}{
	{"software driven most of the day", []string{"rmm-farm", "rmm-farm-30", "mixed-farm", "single-host", "overlay-farm", "tool-rotator", "own-router", "split-exits", "referred", "mac-mule"}, 1},
	{"consoles known by identity or descriptor", []string{"kvm-farm", "console-shelf", "renamed-console", "accomplice"}, 3},
	{"consoles known by shape", []string{"disguised-kvm", "lone-disguise", "console-turns"}, 10},
}

// open are honest lives that are flagged more often than promised, and why that is hard.
// Whoever makes one of them rare takes it off this list.
var open = map[string]string{
	"console-unseen": "without a view of input, a console that is plugged in is all that is known",
	"left-at-branch": "an office that nobody registered looks like a place where laptops are kept",
}

const (
	leastFound = 0.95
	// mostWronged is honest laptops per device-month that may be flagged.
	mostWronged = 1.0 / 10_000
)

// What the detector promises: farms are found and soon, nobody honest is flagged. A few
// worlds cannot show one in ten thousand; they show when it is one in a hundred.
func TestBars(t *testing.T) {
	t.Parallel()
	c := Command{Seeds: Seeds{101, 100 + *barWorlds}, Months: 1, Size: 60, Casting: *barCasting, Grid: true}
	b := newBench(t, &c)
	b.grid = true
	all, _, err := c.judgeAll(t.Context(), *b, c.options(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	held := slices.DeleteFunc(slices.Clone(all), func(one *seen) bool { return open[one.persona] != "" })
	s := summarise(held)
	if s.Farmed < 20 || s.HonestMonths < 50 {
		t.Fatalf("only %d farmed laptops and %g honest device-months", s.Farmed, s.HonestMonths)
	}
	if s.Recall < leastFound {
		t.Errorf("found %d of %d farmed laptops", s.Found, s.Farmed)
	}
	if float64(s.Wronged) > math.Ceil(mostWronged*s.HonestMonths)-1 || s.NearCertain > 0 {
		t.Errorf("flagged %d honest laptops in %g device-months, %d near certain", s.Wronged, s.HonestMonths, s.NearCertain)
	}
	for _, w := range within {
		var found []float64
		for _, one := range all {
			if one.kind == persona.Farm && slices.Contains(w.personas, one.persona) {
				found = append(found, one.found)
			}
		}
		if median := quantile(found, 0.5); len(found) > 0 && !(median <= w.days) {
			t.Errorf("%s: the median of %d laptops took %.1f working days, at most %g", w.of, len(found), median, w.days)
		} else {
			t.Logf("%s: %d laptops, median %.1f working days", w.of, len(found), median)
		}
	}
	for _, one := range cases(all, func(s *seen) bool { return s.of != nil }) {
		t.Log(one.lines())
	}
	t.Logf("%v", s.words())
}
