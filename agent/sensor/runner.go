package sensor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// DefaultTimeout is how long a sense may take for one observation.
const DefaultTimeout = 10 * time.Second

// Fixed details of health facts that the Runner states.
const (
	detailTimedOut = "did not return in time"
	detailPanicked = "panicked and was recovered"
	detailFailed   = "failed; the agent's log has the reason"
)

// Cost is what one sense has cost since the Runner was made.
type Cost struct {
	// Name is the sense's name.
	Name string
	// Runs counts observations that returned, in whatever way.
	Runs uint64
	// TimedOut, Failed and Panicked count observations that ended so.
	TimedOut, Failed, Panicked uint64
	// Spent is the time by the clock inside the sense, waiting included, Last that of the
	// latest run.
	Spent, Last time.Duration
}

// Runner observes with every sense at once and bounds each: a sense that hangs,
// fails or panics becomes a health fact, and the others go on. A sense that hangs
// keeps its slot: it is reported as timed out, and not called again, until it
// returns. What it then returns is too old and is dropped.
type Runner struct {
	timeout time.Duration
	log     *slog.Logger
	slots   []*slot
	guard   guard
	battery bool
	// cost is what the process has used of the processors since it started, and its memory.
	cost    func() (time.Duration, uint64)
	guarded bool
}

// slot is one sense and the one call of it that may be under way.
type slot struct {
	sensor Sensor
	busy   chan outcome             // buffered by one; non-nil while a call is under way
	counts chan *farmhoundv1.Window // the same for Count

	reuse  bool    // in this Scan, what was kept
	kept   outcome // of a Paced sense, until keptAt and its pace
	keptAt time.Time
	stale  atomic.Bool

	mu   sync.Mutex
	cost Cost
}

type outcome struct {
	part     *farmhoundv1.Report
	err      error
	panicked bool
}

// NewRunner returns a Runner for the senses. A timeout of zero means
// DefaultTimeout; a nil logger discards.
func NewRunner(senses []Sensor, timeout time.Duration, log *slog.Logger) *Runner {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{timeout: timeout, log: log, guard: guard{log: log}, cost: ownCost}
	for _, s := range senses {
		r.slots = append(r.slots, &slot{sensor: s, cost: Cost{Name: s.Name()}})
	}
	return r
}

// Guard makes the Runner hold the process to what an agent may use. It is for a process
// that is nothing but an agent, and is called before the first Scan.
func (r *Runner) Guard() { r.guarded = true }

// Scan observes once with every sense and returns a report that holds the parts of
// all senses that observed, with Health.senses in the order given to NewRunner and
// the agent's own processor time and memory. It returns when every sense has
// returned or run out of time, or when ctx is done. One Scan at a time.
func (r *Runner) Scan(ctx context.Context) *farmhoundv1.Report {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	now := time.Now()
	for _, s := range r.slots {
		if s.reuse = s.recent(now); !s.reuse && !slices.Contains(r.guard.resting, s) {
			r.start(ctx, s)
		}
	}
	report := &farmhoundv1.Report{Health: &farmhoundv1.Health{}}
	for _, s := range r.slots {
		report.Health.Senses = append(report.Health.Senses, r.collect(ctx, s, report))
	}
	if r.guard.factor() > 1 {
		report.Health.Senses = append(report.Health.Senses, &farmhoundv1.Sense{
			Name: guardName, State: farmhoundv1.SenseState_SENSE_STATE_PARTIAL, Detail: detailStretched,
		})
	}
	cpu, memory := r.cost()
	r.notePower(report)
	if r.guarded {
		r.guard.weigh(ctx, time.Now(), cpu, memory, r.slots)
	}
	report.Health.CpuSeconds, report.Health.MemoryBytes = cpu.Seconds(), memory
	return report
}

// start calls the sense unless its last call is still under way.
func (r *Runner) start(ctx context.Context, s *slot) {
	if s.busy != nil {
		select {
		case <-s.busy:
		default:
			return
		}
	}
	done := make(chan outcome, 1)
	s.busy = done
	go func() { done <- s.observe(ctx) }() // owned by the slot: busy until it is received
}

// collect waits for the sense and takes what it observed, or takes what it did before.
func (r *Runner) collect(ctx context.Context, s *slot, report *farmhoundv1.Report) *farmhoundv1.Sense {
	sense := &farmhoundv1.Sense{Name: s.sensor.Name()}
	if s.reuse {
		return r.take(ctx, s, s.kept, sense, report)
	}
	if s.busy == nil {
		sense.State, sense.Detail = farmhoundv1.SenseState_SENSE_STATE_FAILED, detailResting
		return sense
	}
	out, returned := s.wait(ctx)
	if !returned {
		s.count(func(c *Cost) { c.TimedOut++ })
		r.log.WarnContext(ctx, "sense did not return in time", "sense", sense.Name, "timeout", r.timeout)
		sense.State, sense.Detail = farmhoundv1.SenseState_SENSE_STATE_TIMED_OUT, detailTimedOut
		return sense
	}
	s.busy = nil
	s.keep(out, time.Now())
	return r.take(ctx, s, out, sense, report)
}

// take adds what a sense observed to the report and says how it is.
func (r *Runner) take(ctx context.Context, s *slot, out outcome, sense *farmhoundv1.Sense, report *farmhoundv1.Report) *farmhoundv1.Sense {
	if out.err == nil {
		sense.State = farmhoundv1.SenseState_SENSE_STATE_OK
		proto.Merge(report, out.part)
		return sense
	}
	partial, some := errors.AsType[Partial](out.err)
	switch {
	case out.panicked:
		r.log.ErrorContext(ctx, "sense panicked", "sense", sense.Name, "error", out.err)
		sense.State, sense.Detail = farmhoundv1.SenseState_SENSE_STATE_PANICKED, detailPanicked
	case some:
		sense.State, sense.Detail = farmhoundv1.SenseState_SENSE_STATE_PARTIAL, partial.Detail
		proto.Merge(report, out.part)
	case errors.Is(out.err, context.DeadlineExceeded):
		s.count(func(c *Cost) { c.TimedOut++ })
		sense.State, sense.Detail = farmhoundv1.SenseState_SENSE_STATE_TIMED_OUT, detailTimedOut
	default:
		s.count(func(c *Cost) { c.Failed++ })
		r.log.WarnContext(ctx, "sense failed", "sense", sense.Name, "error", out.err)
		sense.State, sense.Detail = farmhoundv1.SenseState_SENSE_STATE_FAILED, detailFailed
	}
	return sense
}

// wait prefers a result over the end of time when both are there.
func (s *slot) wait(ctx context.Context) (outcome, bool) {
	select {
	case out := <-s.busy:
		return out, true
	case <-ctx.Done():
	}
	select {
	case out := <-s.busy:
		return out, true
	default:
		return outcome{}, false
	}
}

func (s *slot) observe(ctx context.Context) (out outcome) {
	began := time.Now()
	out.part = &farmhoundv1.Report{}
	defer func() {
		if v := recover(); v != nil {
			out = outcome{panicked: true, err: fmt.Errorf("%v\n%s", v, debug.Stack())}
		}
		spent := time.Since(began)
		s.count(func(c *Cost) {
			c.Runs++
			c.Spent += spent
			c.Last = spent
			if out.panicked {
				c.Panicked++
			}
		})
	}()
	out.err = s.sensor.Observe(ctx, out.part)
	return out
}

func (s *slot) count(change func(*Cost)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.cost)
}

// Costs returns what each sense has cost so far.
func (r *Runner) Costs() []Cost {
	costs := make([]Cost, 0, len(r.slots))
	for _, s := range r.slots {
		s.mu.Lock()
		costs = append(costs, s.cost)
		s.mu.Unlock()
	}
	return costs
}

// Close waits for calls that are still under way, until ctx is done, and ends what
// the senses keep going. No Scan or Count may follow it.
func (r *Runner) Close(ctx context.Context) error {
	var failed []error
	for _, s := range r.slots {
		if err := s.close(ctx); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// close leaves a sense that does not return as it is: it cannot be ended from outside.
func (s *slot) close(ctx context.Context) error {
	if s.busy != nil {
		select {
		case <-s.busy:
			s.busy = nil
		case <-ctx.Done():
			return fmt.Errorf("wait for the %s sense to return: %w", s.sensor.Name(), ctx.Err())
		}
	}
	if s.counts != nil {
		select {
		case <-s.counts:
			s.counts = nil
		case <-ctx.Done():
			return fmt.Errorf("wait for the %s sense to count: %w", s.sensor.Name(), ctx.Err())
		}
	}
	if c, ok := s.sensor.(Closer); ok {
		if err := c.Close(); err != nil {
			return fmt.Errorf("end the %s sense: %w", s.sensor.Name(), err)
		}
	}
	return nil
}
