package persona

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Noise changes how reports arrive, not who lives in a world: nothing arrives before it
// was observed, of one run in order, and agents start anew more often.
func TestNoise(t *testing.T) {
	t.Parallel()
	quiet := Options{Seed: 4, Days: 8, Size: 30}
	noisy := quiet
	noisy.Noise = Noise{Lost: 0.2, Late: 0.2, Restarts: 2}
	type figures struct {
		reports, windows, boots int
		latest                  time.Duration
	}
	measure := func(o Options) figures {
		var f figures
		for _, one := range live(newWorld(t, o)) {
			last, boots := map[string]uint64{}, map[string]bool{}
			for i, r := range one.reports {
				if got, want := r.GetSequence(), last[r.GetBootId()]+1; got != want {
					t.Fatalf("%s: sequence %d, want %d", one.laptop.Persona, got, want)
				}
				last[r.GetBootId()], boots[r.GetBootId()] = r.GetSequence(), true
				late := one.at[i].Sub(r.GetObservedAt().AsTime())
				if late < 0 {
					t.Fatalf("%s: arrives %v before it was observed", one.laptop.Persona, -late)
				}
				if len(r.GetWindows()) > 0 && r.GetWindows()[0].GetAsleepSeconds() == 0 {
					f.latest = max(f.latest, late)
				}
				f.windows += len(r.GetWindows())
			}
			f.reports += len(one.reports)
			f.boots += len(boots)
		}
		return f
	}
	before, after := measure(quiet), measure(noisy)
	if after.boots < before.boots*2 || after.latest < 10*time.Hour || after.windows > before.windows*9/10 || after.windows < before.windows*6/10 {
		t.Errorf("quiet %+v, noisy %+v", before, after)
	}
	a, b := newWorld(t, quiet), newWorld(t, noisy)
	if string(a.RosterCSV()) != string(b.RosterCSV()) {
		t.Error("noise changes who lives in the world")
	}
	if textOf(t, b) != textOf(t, newWorld(t, noisy)) {
		t.Error("noise is not the same every time")
	}
}

func TestNoiseRefusesAndNames(t *testing.T) {
	t.Parallel()
	for _, n := range []Noise{{Lost: 1}, {Late: -0.1}, {Restarts: 25}} {
		if _, err := NewWorld(Options{Days: 1, End: lastMoment, Noise: n}); err == nil || !strings.Contains(err.Error(), "from 0 to") {
			t.Errorf("%+v: %v", n, err)
		}
	}
	if got := (Noise{Lost: 0.05, Restarts: 2}).Flags(); !slices.Equal(got, []string{"--lost", "0.05", "--restarts", "2"}) {
		t.Errorf("flags %q", got)
	}
}
