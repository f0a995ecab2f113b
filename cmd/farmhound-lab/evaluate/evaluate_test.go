package evaluate

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/demo"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUpperBound(t *testing.T) {
	t.Parallel()
	// Clopper and Pearson's one-sided 95 % bounds, as tables have them.
	tests := []struct{ found, n, want float64 }{
		{0, 10, 0.2589}, {0, 30000, 2.9957 / 30000}, {1, 10, 0.3942}, {3, 20, 0.3437}, {10, 10, 1}, {0, 0, 1},
	}
	for _, tt := range tests {
		if got := upperBound(tt.found, tt.n); math.Abs(got-tt.want) > 0.0002*max(tt.want, 0.01) && math.Abs(got-tt.want) > 0.0001 {
			t.Errorf("%g of %g: at most %.5f, want %.5f", tt.found, tt.n, got, tt.want)
		}
	}
}

func TestWorkingDays(t *testing.T) {
	t.Parallel()
	ohio, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	friday := time.Date(2026, time.June, 5, 9, 0, 0, 0, ohio)
	tests := map[string]struct {
		from, to time.Time
		want     float64
	}{
		"an hour":          {friday, friday.Add(time.Hour), 1.0 / 24},
		"over the weekend": {friday, friday.AddDate(0, 0, 3), 1},
		"in the weekend":   {friday.AddDate(0, 0, 1), friday.AddDate(0, 0, 2), 0},
		"backwards":        {friday, friday.Add(-time.Hour), 0},
		"two weeks":        {friday, friday.AddDate(0, 0, 14), 10},
	}
	for name, tt := range tests {
		if got := workingDays(tt.from, tt.to, ohio); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: %g, want %g", name, got, tt.want)
		}
	}
	if got, want := workingDayEnd(friday, 1, ohio), time.Date(2026, time.June, 6, 0, 0, 0, 0, ohio); !got.Equal(want) {
		t.Errorf("the first working day ends %v, want %v", got, want)
	}
	if got, want := workingDayEnd(friday.AddDate(0, 0, 1), 2, ohio), time.Date(2026, time.June, 10, 0, 0, 0, 0, ohio); !got.Equal(want) {
		t.Errorf("the second after a Saturday ends %v, want %v", got, want)
	}
}

func TestQuantileOfWhatNeverCame(t *testing.T) {
	t.Parallel()
	never := math.Inf(1)
	if got := quantile([]float64{3, never, 1}, 0.5); got != 3 {
		t.Errorf("median %g, want 3", got)
	}
	if got := figure(quantile([]float64{3, never, never}, 0.5)); got != nil {
		t.Errorf("median %g, want none", *got)
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	tests := map[string]Seeds{"7": {7, 7}, "1-40": {1, 40}}
	for text, want := range tests {
		var got Seeds
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || got.String() != text {
			t.Errorf("%q is %+v (%v), want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "a", "4-2", "-1", "1-"} {
		if err := new(Seeds).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for seeds", text)
		}
	}
}

// The command finds farmed laptops, tells them apart from honest ones, and writes what
// it found in every form.
func TestCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "results")
	var out bytes.Buffer
	c := Command{
		Seeds: Seeds{4, 4}, Months: 1, Size: 60, Casting: "former", Personas: []string{"single-host", "docked", "own-console", "nomad"},
		Grid: true, Output: "json", Out: dir,
	}
	if err := c.Run(t.Context(), &demo.Surroundings{Out: &out, Progress: io.Discard}); err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Summary.Farmed == 0 || r.Summary.Found != r.Summary.Farmed || r.Summary.HonestMonths < 2 {
		t.Errorf("%+v", r.Summary)
	}
	honest := 0
	for _, p := range r.Personas {
		if p.Kind == "honest" {
			honest += p.Laptops
		}
	}
	if float64(honest) != r.Summary.HonestMonths {
		t.Errorf("%d honest laptops lived %g months", honest, r.Summary.HonestMonths)
	}
	in := 0
	for _, b := range r.Reliability {
		in += b.Farmed + b.Honest
	}
	if in != honest+r.Summary.Farmed {
		t.Errorf("%d laptops in the bins, %d honest and %d farmed", in, honest, r.Summary.Farmed)
	}
	for _, name := range []string{"result.json", "result.md", "reliability.svg", "weights.svg", "reliability.png", "weights.png"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".svg") {
			wellFormed(t, name, data)
		}
		if strings.HasSuffix(name, ".png") {
			drawn(t, name, data)
		}
	}
}

// drawn holds that a drawing in pixels shows more than one shade of one colour.
func drawn(t *testing.T, name string, data []byte) {
	t.Helper()
	shown, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	colours := map[color.Color]int{}
	for y := range shown.Bounds().Dy() {
		for x := range shown.Bounds().Dx() {
			colours[shown.At(x, y)]++
		}
	}
	ground := colours[color.RGBA{255, 255, 255, 255}]
	if all := shown.Bounds().Dx() * shown.Bounds().Dy(); len(colours) < 10 || ground < all/4 || ground == all {
		t.Errorf("%s has %d colours, %d of %d points are ground", name, len(colours), ground, all)
	}
}

// What cannot be is said before anything is judged: that takes hours.
func TestMistakesAreSaidFirst(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Command{
		"make the folder for results":                   {Months: 1, Out: filepath.Join(file, "results")},
		"--ablate is a number from zero on, not -1":     {Months: 1, Ablate: -1},
		"--workers is a number from zero on, not -3":    {Months: 1, Workers: -3},
		"--fairness is a number from zero on, not -2":   {Months: 1, Fairness: -2},
		"a world lives from 1 to 3 months, not 4":       {Months: 4},
		"--device-months is a number above zero, not -": {Months: 1, DeviceMonths: -1},
	} {
		var progress bytes.Buffer
		err := c.Run(t.Context(), &demo.Surroundings{Out: io.Discard, Progress: &progress})
		if err == nil || !strings.HasPrefix(err.Error(), want) || progress.Len() > 0 {
			t.Errorf("error %v after %q, want %q", err, progress.String(), want)
		}
	}
}

// What a table says that the evidence comes to is what the verdict was reached by. The
// evidence of a careful operator's laptop that speaks of the other hypothesis is no part of it.
func TestWeightsAreThoseOfTheVerdict(t *testing.T) {
	t.Parallel()
	c := Command{Months: 1, Size: 60, Casting: persona.Former, Seeds: Seeds{1, 1}, Personas: []string{"careful-console", "shipped-router", "docked"}}
	b := newBench(t, &c)
	b.grid = true
	world, err := persona.NewWorld(c.options().of(1))
	if err != nil {
		t.Fatal(err)
	}
	lives, err := b.live(t.Context(), world)
	if err != nil {
		t.Fatal(err)
	}
	compared := map[string]int{}
	for _, d := range lives {
		a := d.judgement.GetAssessment()
		if risk := a.GetRisk(); risk > 0.05 && risk != 0.96 && risk != 0.59 { // those are of withheld verdicts
			compared[d.laptop.Persona]++
			if alone := 1 / (1 + math.Pow(10, (30-d.weight)/10)); math.Abs(alone-risk) > 1e-4 {
				t.Errorf("%s: a risk of %g and %g dB, which are %g", d.laptop.Persona, risk, d.weight, alone)
			}
		}
	}
	if compared["careful-console"] == 0 {
		t.Errorf("compared %v of %d laptops", compared, len(lives))
	}
	t.Log(compared)
}

// Whoever gives the command gets the same result.
func TestLine(t *testing.T) {
	t.Parallel()
	c := Command{
		Seeds: Seeds{1, 3}, Months: 2, Size: 60, Casting: "everyday", Personas: []string{"docked", "kiosk"}, Signals: "/etc/farmhound/my signals",
		Ablate: 1, Fairness: 2, Missing: true, Grid: true,
	}
	want := `farmhound-lab evaluate --seeds 1-3 --months 2 --size 60 --casting everyday --personas docked,kiosk --signals '/etc/farmhound/my signals' --ablate 1 --fairness 2 --grid --missing`
	if got := c.line(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func wellFormed(t *testing.T, name string, data []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}
