package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

// worldOptions are what worlds are drawn with, but for their seeds.
type worldOptions persona.Options

func (o worldOptions) of(seed uint64) persona.Options {
	o.Seed = seed
	return persona.Options(o)
}

func (c *Command) options() worldOptions {
	o := worldOptions{
		Days: c.Months * daysOfMonth, End: lastMoment, Personas: c.Personas, Size: c.Size, Casting: c.Casting, Noise: c.Noise,
	}
	if c.HonestOnly {
		o.Personas = slices.DeleteFunc(persona.HonestOf(c.Casting), func(name string) bool {
			return len(c.Personas) > 0 && !slices.Contains(c.Personas, name)
		})
	}
	return o
}

func (c *Command) workers() int {
	if c.Workers > 0 {
		return c.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// judged is what is kept of the worlds that were judged so far. A world itself is
// forgotten, so that memory does not grow with their number.
type judged struct {
	progress io.Writer
	began    time.Time
	// wanted is how many honest device-months are, 0 where worlds are counted.
	wanted float64

	mu     sync.Mutex
	worlds map[uint64][]*seen
	months float64 // honest device-months that were judged
	said   float64
}

// judgeAll judges worlds of consecutive seeds, several at once, and returns what is kept
// of them in the order of seeds, and which they were. Interrupted, it returns those
// before the first that was not judged to its end, if there are any.
func (c *Command) judgeAll(ctx context.Context, b bench, o worldOptions, progress io.Writer) ([]*seen, Seeds, error) {
	j := &judged{progress: progress, began: time.Now(), wanted: float64(c.DeviceMonths), worlds: map[uint64][]*seen{}}
	last := c.Seeds.Last
	if c.DeviceMonths > 0 {
		last = math.MaxInt64
	}
	group, judging := errgroup.WithContext(ctx)
	group.SetLimit(c.workers())
	drawn := 0.0
	for seed := c.Seeds.First; seed <= last && judging.Err() == nil && (c.DeviceMonths == 0 || drawn < j.wanted); seed++ {
		world, err := persona.NewWorld(o.of(seed))
		if err != nil {
			return nil, c.Seeds, errors.Join(err, group.Wait())
		}
		more := honestMonths(world, c.Months)
		drawn += more
		group.Go(func() error {
			lives, err := b.live(judging, world)
			if err != nil {
				return fmt.Errorf("world %d: %w", seed, err)
			}
			all := []*seen{}
			for _, d := range lives {
				all = append(all, look(seed, c.Months*daysOfMonth, d))
			}
			j.add(seed, all, more)
			return nil
		})
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return nil, c.Seeds, err
	}
	return j.inOrder(ctx, c.Seeds.First)
}

func honestMonths(world *persona.World, months int) float64 {
	n := 0
	for _, l := range world.Laptops() {
		if l.Kind == persona.Honest {
			n += months
		}
	}
	return float64(n)
}

// add notes a world, and says now and then how far it all has come.
func (j *judged) add(seed uint64, all []*seen, months float64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.worlds[seed] = all
	j.months += months
	if j.wanted > 0 && j.months-j.said >= j.wanted/20 {
		j.said = j.months
		fmt.Fprintf(j.progress, "%.0f of %.0f honest device-months after %v.\n", j.months, j.wanted, time.Since(j.began).Round(time.Second))
	}
}

func (j *judged) inOrder(ctx context.Context, first uint64) ([]*seen, Seeds, error) {
	var all []*seen
	seed := first
	for ; j.worlds[seed] != nil; seed++ {
		all = append(all, j.worlds[seed]...)
	}
	if seed == first {
		return nil, Seeds{first, first}, errors.Join(errors.New("no world was judged"), ctx.Err())
	}
	fmt.Fprintf(j.progress, "%d laptops of %d worlds are judged, in %v.\n", len(all), seed-first, time.Since(j.began).Round(time.Second))
	return all, Seeds{first, seed - 1}, nil
}
