package evaluate

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/fleet"
)

// ablate judges some worlds without each shipped signal in turn: the first laptops of
// each persona, once a day. Their pictures are made once and only judged anew.
func (c *Command) ablate(ctx context.Context, places fleet.Places, progress io.Writer) (*Ablation, error) {
	whole := detect.Shipped()
	rules, err := detect.Load(whole)
	if err != nil {
		return nil, err
	}
	var lives []*life
	last := min(c.Seeds.Last, c.Seeds.First+uint64(c.Ablate)-1)
	for seed := c.Seeds.First; seed <= last; seed++ {
		world, err := persona.NewWorld(c.options().of(seed))
		if err != nil {
			return nil, err
		}
		b := bench{rules: rules, places: places, roster: true, grid: true, keep: true}
		some, err := b.live(ctx, world)
		if err != nil {
			return nil, err
		}
		lives = append(lives, firstOfEach(some)...)
	}
	files, err := fs.Glob(whole.FS, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the signals: %w", err)
	}
	a := &Ablation{Worlds: int(last - c.Seeds.First + 1), Signals: make([]Ablated, len(files))}
	days := c.Months * daysOfMonth
	if a.Whole, err = again(lives, rules, days); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.workers())
	for i, file := range files {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			rules, err := detect.Load(detect.Source{Name: whole.Name, FS: allBut{whole.FS, file}})
			if err != nil {
				return fmt.Errorf("leave out %s: %w", file, err)
			}
			if a.Signals[i], err = again(lives, rules, days); err != nil {
				return err
			}
			a.Signals[i].Signal = strings.TrimSuffix(file, path.Ext(file))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "%d laptops are judged without each of %d signals.\n", len(lives), len(files))
	slices.SortStableFunc(a.Signals, func(x, y Ablated) int {
		return cmp.Or(cmp.Compare(x.Found, y.Found), cmp.Compare(y.Wronged, x.Wronged), cmp.Compare(y.Watched, x.Watched), cmp.Compare(x.FarmDB-x.HonestDB, y.FarmDB-y.HonestDB))
	})
	return a, nil
}

// ablatedPerPersona is how many laptops of each persona in a world are judged again.
const ablatedPerPersona = 2

func firstOfEach(lives []*life) []*life {
	taken := map[string]int{}
	return slices.DeleteFunc(lives, func(d *life) bool {
		taken[d.laptop.Persona]++
		return taken[d.laptop.Persona] > ablatedPerPersona
	})
}

// again judges kept pictures by other rules. What is kept is not changed.
func again(lives []*life, rules *detect.Rules, days int) (Ablated, error) {
	detector := detect.New(rules, detect.Options{})
	var a Ablated
	var all []*seen
	for _, kept := range lives {
		if len(kept.snaps) == 0 {
			continue
		}
		d := &life{laptop: kept.laptop, marks: kept.marks}
		for _, s := range kept.snaps {
			if err := d.assess(detector, s.device, s.at); err != nil {
				return a, err
			}
		}
		all = append(all, look(0, days, d))
	}
	for _, s := range all {
		switch s.kind {
		case persona.Farm:
			a.FarmDB += s.weight
		case persona.Honest:
			a.Honest++
			a.HonestDB += s.weight
			if s.rank > 0 {
				a.Watched++
			}
		}
	}
	whole := summarise(all)
	a.Farmed, a.Found, a.Wronged, a.Median = whole.Farmed, whole.Found, whole.Wronged, whole.Median
	a.FarmDB, a.HonestDB = rounded(a.FarmDB/float64(max(a.Farmed, 1))), rounded(a.HonestDB/float64(max(a.Honest, 1)))
	return a, nil
}

// allBut is a folder of signals with one file left out.
type allBut struct {
	fs.FS
	file string
}

// ReadDir lists all files but one.
func (f allBut) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(f.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == f.file }), err
}
