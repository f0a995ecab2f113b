package evaluate

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/demo"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

// So many honest device-months are judged as were asked for, whole worlds at a time, and
// the command that the result names gives the same result.
func TestDeviceMonths(t *testing.T) {
	t.Parallel()
	c := Command{
		Seeds: Seeds{8, 11}, Months: 1, Size: 20, Casting: persona.Former, Personas: []string{"docked", "couple", "turns"}, Grid: true,
		HonestOnly: true, DeviceMonths: 6, Noise: persona.Noise{Late: 0.1},
	}
	r, err := c.evaluate(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if r.Summary.HonestMonths < 6 || r.Summary.HonestMonths > 12 || r.Summary.Farmed > 0 || r.Interrupted {
		t.Errorf("%+v", r.Summary)
	}
	want := "farmhound-lab evaluate --seeds " + r.Seeds + " --months 1 --size 20 --casting former --honest-only --late 0.1 --personas docked,couple,turns --grid"
	if r.Command != want {
		t.Errorf("got  %s\nwant %s", r.Command, want)
	}
	var seeds Seeds
	if err := seeds.UnmarshalText([]byte(r.Seeds)); err != nil {
		t.Fatal(err)
	}
	c.Seeds, c.DeviceMonths, c.Workers = seeds, 0, 1
	again, err := c.evaluate(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Errorf("by number of device-months and by seeds differ:\n%s", diff)
	}
}

// stopping cancels after the first progress that it is told.
type stopping context.CancelFunc

func (s stopping) Write(p []byte) (int, error) {
	s()
	return len(p), nil
}

// Whoever interrupts gets the worlds that were judged so far, or is told that there are none.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := Command{
		Seeds: Seeds{1, 1}, Months: 1, Size: 20, Casting: persona.Former, Personas: []string{"docked", "couple"}, Grid: true,
		DeviceMonths: 40, Ablate: 1, Missing: true, Workers: 1, // it says how far it has come after every second laptop
	}
	var out strings.Builder
	if err := c.Run(ctx, &demo.Surroundings{Out: &out, Progress: stopping(cancel)}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Interrupted") || !strings.Contains(out.String(), "honest laptops in") {
		t.Errorf("%s", &out)
	}
	if err := c.Run(ctx, &demo.Surroundings{Out: &out, Progress: io.Discard}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Command{
		"lives from 1 to 3 months":         {Months: 4},
		"a number above zero":              {Months: 1, DeviceMonths: -1},
		"none of these personas is honest": {Months: 1, DeviceMonths: 10, Casting: persona.Former, Personas: []string{"turns"}},
	} {
		if err := c.Run(t.Context(), &demo.Surroundings{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
