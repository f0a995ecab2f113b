package evaluate

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"math"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// alike are honest personas that may live anywhere.
var alike = []string{
	"home-worker", "couple", "flatmates", "docked", "night-shift", "unseen", "accessibility", "desktop-driver", "co-working",
	"campus", "jiggler-owner", "carrier-nat", "satellite", "eye-tracker", "developer", "own-desktop",
}

// group is honest people who differ from the first group in one thing only.
type group struct {
	name string
	// country is where they live and work as declared; empty is the homeland.
	country string
	// rows and change are what becomes of the roster and of every report; nil is nothing.
	rows   func([]byte) ([]byte, error)
	change func(*farmhoundv1.Report)
}

// groups are who is compared, the first with all others. There is none of a keyboard's
// language: no report has a field that it could show in.
func groups(casting string) []group {
	list := []group{
		{name: "as they are"},
		{name: "names of many languages", rows: renamed},
		{name: "an input method that composes", change: composed},
	}
	for _, country := range persona.CountriesOf(casting) {
		list = append(list, group{name: "declared in " + country, country: country})
	}
	return list
}

// fairness judges the same honest people of some worlds group by group.
func (c *Command) fairness(ctx context.Context, b bench, progress io.Writer) ([]Group, error) {
	b.grid = true
	list := groups(c.Casting)
	last := min(c.Seeds.Last, c.Seeds.First+uint64(c.Fairness)-1)
	worlds := int(last - c.Seeds.First + 1)
	verdicts := make([][]map[string]int, len(list)) // by group, world and laptop
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(c.workers())
	for i, g := range list {
		verdicts[i] = make([]map[string]int, worlds)
		for n := range worlds {
			workers.Go(func() error {
				lives, err := c.liveAs(ctx, b, g, c.Seeds.First+uint64(n))
				if err != nil {
					return err
				}
				verdicts[i][n] = map[string]int{}
				for _, d := range lives {
					verdicts[i][n][d.laptop.Serial] = rank(d.peak.GetVerdict())
				}
				return nil
			})
		}
	}
	if err := workers.Wait(); err != nil {
		return nil, err
	}
	var table []Group
	for i, g := range list {
		table = append(table, compared(g, verdicts[0], verdicts[i]))
		table[i].Rate = rounded(1e4 * float64(table[i].Flagged) / float64(max(table[i].Laptops*c.Months, 1)))
	}
	for i := range table {
		g := &table[i]
		g.PWatched = fisher(table[0].Watched, table[0].Laptops, g.Watched, g.Laptops)
		g.PFlagged = fisher(table[0].Flagged, table[0].Laptops, g.Flagged, g.Laptops)
	}
	fmt.Fprintf(progress, "%d groups of alike people are judged.\n", len(table))
	return table, nil
}

// liveAs judges one world's honest people as members of a group.
func (c *Command) liveAs(ctx context.Context, b bench, g group, seed uint64) ([]*life, error) {
	o := c.options().of(seed)
	o.Personas, o.Country = alike, g.country
	world, err := persona.NewWorld(o)
	if err != nil {
		return nil, err
	}
	rows := world.RosterCSV()
	if g.rows != nil {
		if rows, err = g.rows(rows); err != nil {
			return nil, err
		}
	}
	l, err := b.open(world, rows)
	if err != nil {
		return nil, err
	}
	steps := world.Steps()
	if g.change != nil {
		steps = altered(steps, g.change)
	}
	return l.live(ctx, steps, world.End())
}

// compared counts a group's verdicts, and how many of its laptops had another than the
// same laptop has in the first group.
func compared(g group, first, own []map[string]int) Group {
	out := Group{Name: g.name}
	differ := 0
	for n, world := range own {
		for serial, verdict := range world {
			out.Laptops++
			if verdict > 0 {
				out.Watched++
			}
			if verdict >= rankLikely {
				out.Flagged++
			}
			if verdict != first[n][serial] {
				differ++
			}
		}
	}
	if g.country == "" { // elsewhere days are drawn anew
		out.Differ = &differ
	}
	return out
}

// fisher is the probability of a difference in shares at least as large as that between
// a of n and b of m by chance alone: Fisher's exact test, two-sided.
func fisher(a, n, b, m int) float64 {
	k := a + b
	logP := func(x int) float64 {
		return logChoose(float64(n), float64(x)) + logChoose(float64(m), float64(k-x)) - logChoose(float64(n+m), float64(k))
	}
	seen, sum := logP(a), 0.0
	for x := max(0, k-m); x <= min(n, k); x++ {
		if p := logP(x); p <= seen+1e-9 {
			sum += math.Exp(p)
		}
	}
	return min(math.Round(sum*1e4)/1e4, 1)
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

// renamed gives a roster's people names of many languages.
func renamed(rows []byte) ([]byte, error) {
	names := []string{"kim.min-jun", "nguyen.van.an", "zhang.wei", "oleksandr.shevchenko", "maria.garcia", "fatima.al-sayed", "olu.adeyemi", "priya.sharma"}
	records, err := csv.NewReader(bytes.NewReader(rows)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("give people other names: %w", err)
	}
	for i, row := range records[1:] {
		row[1] = fmt.Sprintf("%s.%d", names[i%len(names)], i)
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(records); err != nil {
		return nil, fmt.Errorf("give people other names: %w", err)
	}
	return out.Bytes(), nil
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
