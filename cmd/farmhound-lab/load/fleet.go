package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/laptop"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// agent is one laptop with what it has to deliver, oldest first.
type agent struct {
	laptop.Laptop
	waiting []persona.Delivery
	next    int // of waiting, in the run under way
	echo    *grpc.ClientConn
}

// fleet is all of them.
type fleet struct {
	agents   []*agent
	parallel int
}

// draw lives the world and keeps what its first laptops deliver.
func draw(ctx context.Context, world *persona.World, count int, line laptop.Line) []*agent {
	laptops := world.Laptops()
	laptops = laptops[:min(count, len(laptops))]
	var agents []*agent
	byID := map[string]*agent{}
	for _, l := range laptops {
		a := &agent{Laptop: laptop.Laptop{Laptop: l, Line: line}}
		agents, byID[l.DeviceID] = append(agents, a), a
	}
	for step := range world.Steps() {
		if ctx.Err() != nil {
			break
		}
		for _, d := range step.Deliveries {
			if a := byID[d.Laptop.DeviceID]; a != nil {
				a.waiting = append(a.waiting, d)
			}
		}
	}
	return agents
}

func (f *fleet) reports() int {
	n := 0
	for _, a := range f.agents {
		for _, d := range a.waiting {
			n += len(d.Reports)
		}
	}
	return n
}

// enroll enrols everybody and returns how many seconds that took.
func (f *fleet) enroll(ctx context.Context, secrets []string) (float64, error) {
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(f.parallel, enrolling))
	for i, a := range f.agents {
		if len(a.waiting) == 0 {
			continue // it sleeps all the time
		}
		group.Go(func() error {
			_, err := persist(ctx, func() error { return a.Enroll(ctx, a.waiting[0].Peer, secrets[i%len(secrets)]) })
			return err
		})
	}
	return time.Since(began).Seconds(), group.Wait()
}

// enrolling is how many enrol at once: a collector takes so many from one address.
const enrolling = 16

// persist calls again what was refused for being too much, when the server says, and
// returns how often that was.
func persist(ctx context.Context, call func() error) (refused int, err error) {
	for {
		err := call()
		code := status.Code(errors.Unwrap(err))
		if code != codes.ResourceExhausted && code != codes.Unavailable || ctx.Err() != nil || refused >= mostRefusals {
			return refused, err
		}
		refused++
		timer := time.NewTimer(hint(err))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return refused, ctx.Err()
		}
	}
}

// mostRefusals is after how many refusals of one call a server counts as broken.
const mostRefusals = 60

// hint is when to come again.
func hint(err error) time.Duration {
	for _, detail := range status.Convert(errors.Unwrap(err)).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			return min(max(retry.GetRetryDelay().AsDuration(), time.Millisecond), 10*time.Second)
		}
	}
	return time.Second
}

// sender is how a delivery is brought to a server.
type sender interface {
	send(ctx context.Context, a *agent, d persona.Delivery) error
	carried() int64
}

// reporting brings it to the collector.
type reporting struct{ bytes *atomic.Int64 }

func (reporting) send(ctx context.Context, a *agent, d persona.Delivery) error {
	return a.Report(ctx, d)
}
func (r reporting) carried() int64 { return r.bytes.Load() }

// echoing brings it to the echo, over one connection of each laptop.
type echoing struct{ line laptop.Line }

func newEchoing(line laptop.Line) echoing { return echoing{line} }

func (e echoing) send(ctx context.Context, a *agent, d persona.Delivery) (err error) {
	if a.echo == nil {
		if a.echo, err = a.Dial(d.Peer, e.line); err != nil {
			return err
		}
	}
	back := &farmhoundv1.ReportBatch{}
	if err := a.echo.Invoke(ctx, echoMethod, &farmhoundv1.ReportBatch{Reports: d.Reports}, back, grpc.UseCompressor(gzip.Name)); err != nil {
		return fmt.Errorf("echo to %s: %w", a.Serial, err)
	}
	if len(back.GetReports()) != len(d.Reports) {
		return fmt.Errorf("%d reports were sent and %d came back", len(d.Reports), len(back.GetReports()))
	}
	return nil
}
func (e echoing) carried() int64 { return e.line.Carried.Load() }

// run lets everybody deliver, each laptop's own in order, until everything is delivered
// or time is up. What is under way then is waited for and counts. Interrupted, it
// returns what there is so far.
func (f *fleet) run(ctx context.Context, length time.Duration, to sender, used func(context.Context) (cost, error)) (*Side, error) {
	idle := make(chan *agent, len(f.agents))
	for _, a := range f.agents {
		if a.next = 0; len(a.waiting) > 0 {
			idle <- a
		}
	}
	var before cost
	var err error
	if used != nil {
		if before, err = used(context.WithoutCancel(ctx)); err != nil {
			return nil, err
		}
	}
	r := &run{to: to, idle: idle, until: time.Now().Add(length)}
	r.left.Store(int64(len(idle)))
	if len(idle) == 0 {
		close(idle)
	}
	carried, began := to.carried(), time.Now()
	group, working := errgroup.WithContext(ctx)
	for range f.parallel {
		group.Go(func() error { return r.work(working) })
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return nil, err
	}
	side := r.side(time.Since(began), to.carried()-carried)
	if used != nil {
		after, err := used(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		side.take(before, after)
	}
	return side, nil
}

// run is one run under way.
type run struct {
	to    sender
	idle  chan *agent
	until time.Time
	left  atomic.Int64 // laptops that have something to deliver

	mu      sync.Mutex
	took    []time.Duration
	reports int
	payload int64
	refused int
}

// work delivers until there is nothing left.
func (r *run) work(ctx context.Context) error {
	for {
		var a *agent
		select {
		case a = <-r.idle:
		case <-ctx.Done():
			return ctx.Err()
		}
		if a == nil || time.Now().After(r.until) {
			return nil
		}
		d := a.waiting[a.next]
		began := time.Now()
		refused, err := persist(ctx, func() error { return r.to.send(ctx, a, d) })
		if err != nil {
			return err
		}
		r.note(time.Since(began), d, refused)
		if a.next++; a.next < len(a.waiting) {
			r.idle <- a
		} else if r.left.Add(-1) == 0 {
			close(r.idle)
		}
	}
}

func (r *run) note(took time.Duration, d persona.Delivery, refused int) {
	size := proto.Size(&farmhoundv1.ReportBatch{Reports: d.Reports})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took = append(r.took, took)
	r.reports += len(d.Reports)
	r.payload += int64(size)
	r.refused += refused
}

func (f *fleet) close() error {
	var errs []error
	for _, a := range f.agents {
		errs = append(errs, a.Close())
		if a.echo != nil {
			errs = append(errs, a.echo.Close())
		}
	}
	return errors.Join(errs...)
}
