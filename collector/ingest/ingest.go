package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

var (
	// ErrBusy is returned when as much as may wait is waiting already. Nothing of the
	// batch was looked at; it may be sent again a little later.
	ErrBusy = errors.New("too many reports are waiting to be committed")
	// ErrStopped is returned when the pipeline no longer commits, or never will.
	ErrStopped = errors.New("the collector is stopping")
	// ErrBatch is returned for a batch that is not one device's and one boot's reports
	// in ascending sequence from 1. Sending it again cannot help.
	ErrBatch = errors.New("not a batch")
)

// Store is what the hot path asks of a store; store.Fleet has it.
type Store interface {
	Commit(ctx context.Context, changes []store.Change) error
	Device(ctx context.Context, id string) (*store.Device, error)
	EachDevice(ctx context.Context, fn func(*store.Device) error) error
	HighestSequence(ctx context.Context, device, bootID string) (uint64, error)
	Chain(ctx context.Context, device string) (store.Chain, error)
	Epoch(ctx context.Context) ([]byte, error)
	OpenAlert(ctx context.Context, device string) (*fleetv1.Alert, error)
}

// Config is what a pipeline needs. Bounds that are zero have defaults.
type Config struct {
	Store Store
	Judge Judge
	// Now is the collector's clock, for reports that carry no time of arrival.
	Now func() time.Time
	Log *slog.Logger
	// MaxWaiting bounds the reports that were let in and are not committed; 4096.
	// A batch that is larger is let in while nothing else waits.
	MaxWaiting int
	// MaxGroup bounds the changes of one transaction; 128.
	MaxGroup int
	// CachedDevices bounds the devices remembered between reports; 4096.
	CachedDevices int
}

// Pipeline takes reports to the store. Run must be running for anything else to
// succeed; all methods may be called from many goroutines.
type Pipeline struct {
	store    Store
	judge    Judge
	now      func() time.Time
	log      *slog.Logger
	maxGroup int

	gate  *gate
	locks locks
	known *cache
	// queue has no buffer: a job that was received is a job that will be committed.
	queue chan *job
	ready chan struct{}
	// epoch is the store's, known once ready is closed.
	epoch []byte
}

// New makes a pipeline; it does nothing before Run.
func New(c Config) *Pipeline {
	return &Pipeline{
		store:    c.Store,
		judge:    c.Judge,
		now:      c.Now,
		log:      c.Log,
		maxGroup: positive(c.MaxGroup, 128),
		gate:     newGate(positive(c.MaxWaiting, 4096)),
		locks:    locks{of: map[string]*deviceLock{}},
		known:    newCache(positive(c.CachedDevices, 4096)),
		queue:    make(chan *job),
		ready:    make(chan struct{}),
	}
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// Run tells the judge of every stored device and then commits until ctx ends and
// everything that was let in before is committed. It is called once.
func (p *Pipeline) Run(ctx context.Context) error {
	defer p.gate.close() // also where restoring failed
	count := 0
	err := p.store.EachDevice(ctx, func(d *store.Device) error {
		p.judge.Restore(d)
		count++
		return ctx.Err()
	})
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("restore the fleet from the store: %w", err)
	}
	if p.epoch, err = p.store.Epoch(ctx); err != nil {
		return fmt.Errorf("read the store's epoch: %w", err)
	}
	p.log.InfoContext(ctx, "fleet restored", "devices", count)
	close(p.ready)

	stop := ctx.Done()
	for {
		select {
		case <-stop:
			p.gate.close()
			stop = nil
		case <-p.gate.empty:
			return nil
		case first := <-p.queue:
			p.commit(context.WithoutCancel(ctx), p.group(first))
		}
	}
}

// Ready is closed once the fleet is restored. Reports that come earlier wait.
func (p *Pipeline) Ready() <-chan struct{} { return p.ready }

// Report judges and commits the reports of a batch that are not committed yet, and
// returns what to acknowledge. nonce is what the batch came with. It returns after
// the commit is durable. When ctx ends first, the batch is either committed or not, as
// a whole, and sending it again finds out. A batch is also all or nothing when a
// report of it cannot be judged.
func (p *Pipeline) Report(ctx context.Context, nonce []byte, batch []fleet.Observation) (Receipt, error) {
	if len(batch) == 0 {
		return Receipt{}, nil
	}
	if err := check(batch); err != nil {
		return Receipt{}, err
	}
	if err := p.gate.enter(len(batch)); err != nil {
		return Receipt{}, err
	}
	defer p.gate.leave(len(batch))
	if err := p.untilReady(ctx); err != nil {
		return Receipt{}, err
	}
	device, boot := batch[0].Device, batch[0].Report.GetBootId()
	release, err := p.locks.lock(ctx, device, callsPerDevice)
	if err != nil {
		return Receipt{}, err
	}
	before, err := p.standing(ctx, device, boot)
	if err != nil {
		release()
		return Receipt{}, err
	}
	p.known.put(device, before)
	fresh := unseen(batch, before.highest)
	if len(fresh) == 0 {
		release()
		return Receipt{before.highest, repeated(before.chain, p.epoch, boot, nonce)}, nil
	}
	change, after, err := p.judgeReports(ctx, before, linked(fresh, link(before.chain, p.epoch, nonce)))
	if err != nil {
		p.forget(before)
		release()
		return Receipt{}, err
	}
	after.chain = store.Chain{Device: device, Current: newNonce(p.epoch), Previous: nonce, BootID: boot}
	change.Chain = &after.chain
	if err := p.submit(ctx, &job{device: device, change: change, before: before, after: after, remember: true, release: release}); err != nil {
		return Receipt{}, err
	}
	return Receipt{after.highest, after.chain.Current}, nil
}

// Exclusive runs fn while no report of the device is judged or committed. fn may
// change in the store what there is about the device, but may not call Report,
// Exclusive or Sweep.
func (p *Pipeline) Exclusive(ctx context.Context, device string, fn func(context.Context) error) error {
	if err := p.gate.enter(0); err != nil {
		return err
	}
	defer p.gate.leave(0)
	if err := p.untilReady(ctx); err != nil {
		return err
	}
	release, err := p.locks.lock(ctx, device, 0)
	if err != nil {
		return err
	}
	defer release()
	defer p.known.drop(device)
	return fn(ctx)
}

func (p *Pipeline) untilReady(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	default:
	}
	select {
	case <-p.ready:
		return nil
	case <-p.gate.closed:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
