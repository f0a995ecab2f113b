package sensor

import (
	"context"
	"log/slog"
	"slices"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// What the agent may use of a laptop before the Runner makes it use less: ten times the
// processor time and more than three times the memory that it needs as a rule, and far
// below what the service is limited to.
const (
	mostProcessor = 400 * time.Millisecond // a minute
	mostMemory    = 64 << 20
	// guardSpan is the time over which use is weighed, so that one busy moment is none,
	// and calmSpan for how long it must have been well below before anything comes back.
	guardSpan = 3 * time.Minute
	calmSpan  = 30 * time.Minute
	// slowest is by how much looks are stretched at most, before senses rest.
	slowest = 4
)

// guardName stands among the senses while looks are stretched.
const guardName = "watchdog"

// Fixed details of health facts: of a sense that rests, and of the guard.
const (
	detailResting   = "rests: the agent used more of the laptop than it may"
	detailStretched = "looks less often: the agent used more of the laptop than it may"
)

// guard weighs what the agent uses. Where that is too much over a span, looks are
// stretched to twice and four times, and then one sense after another rests, the
// longest-running first; what was taken last comes back first, after a calm time. How long
// a sense ran is by the clock: not every system tells a thread's processor time.
type guard struct {
	log *slog.Logger

	since   time.Time
	cpu     time.Duration // at since
	spent   []time.Duration
	calm    time.Time // since when use has been well below, zero where it is not
	stretch int
	resting []*slot // in the order in which they were sent to rest
}

// weigh takes what the process has used so far.
func (g *guard) weigh(ctx context.Context, now time.Time, cpu time.Duration, memory uint64, slots []*slot) {
	passed := now.Sub(g.since)
	if g.since.IsZero() || passed < guardSpan {
		if g.since.IsZero() {
			g.begin(now, cpu, slots)
		}
		return
	}
	a := float64(cpu-g.cpu) / float64(passed) * float64(time.Minute) / float64(mostProcessor)
	use := max(a, float64(memory)/mostMemory)
	switch {
	case use > 1:
		g.calm = time.Time{}
		g.takeAway(ctx, slots)
	case use > 0.5 || g.calm.IsZero():
		g.calm = time.Time{}
		if use <= 0.5 {
			g.calm = now
		}
	case now.Sub(g.calm) >= calmSpan:
		g.calm = now
		g.giveBack(ctx)
	}
	g.begin(now, cpu, slots)
}

func (g *guard) begin(now time.Time, cpu time.Duration, slots []*slot) {
	g.since, g.cpu = now, cpu
	g.spent = g.spent[:0]
	for _, s := range slots {
		g.spent = append(g.spent, s.spent())
	}
}

func (g *guard) takeAway(ctx context.Context, slots []*slot) {
	if g.factor() < slowest {
		g.stretch = 2 * g.factor()
		g.log.WarnContext(ctx, "the agent uses more of the laptop than it may: it looks less often", "factor", g.stretch)
		return
	}
	var longest *slot
	var most time.Duration
	for i, s := range slots {
		if ran := s.spent() - g.spent[i]; !s.needed() && !slices.Contains(g.resting, s) && ran > most {
			longest, most = s, ran
		}
	}
	if longest == nil {
		return // what is left is what the agent is for
	}
	g.resting = append(g.resting, longest)
	g.log.WarnContext(ctx, "the agent uses more of the laptop than it may: its longest-running sense rests", "sense", longest.sensor.Name())
}

func (g *guard) giveBack(ctx context.Context) {
	if last := len(g.resting) - 1; last >= 0 {
		g.log.InfoContext(ctx, "a sense that rested is back", "sense", g.resting[last].sensor.Name())
		g.resting = g.resting[:last]
		return
	}
	if g.stretch > 1 {
		g.stretch /= 2
		g.log.InfoContext(ctx, "the agent looks more often again", "factor", g.stretch)
	}
}

// factor is by how much looks are stretched.
func (g *guard) factor() int { return max(g.stretch, 1) }

// needed reports whether the sense never rests: who is at the controls is what the
// agent is for.
func (s *slot) needed() bool { return s.sensor.Name() == "software" || s.sensor.Name() == "session" }

func (s *slot) spent() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cost.Spent
}

// onBattery is by how much looks are stretched without mains.
const onBattery = 2

// Stretch returns by how much the pause between two Scans should be longer than it is
// set: more than once on battery, and where the agent has used more of the laptop than
// it may.
func (r *Runner) Stretch() int {
	factor := r.guard.factor()
	if r.battery {
		factor = max(factor, onBattery)
	}
	return factor
}

// notePower remembers where the laptop gets its power from, where a sense has told.
func (r *Runner) notePower(report *farmhoundv1.Report) {
	if report.Hardware != nil {
		r.battery = report.Hardware.GetPower() == farmhoundv1.PowerSource_POWER_SOURCE_BATTERY
		for _, s := range r.slots {
			if spares, ok := s.sensor.(interface{ OnBattery(on bool) }); ok {
				spares.OnBattery(r.battery)
			}
		}
	}
}
