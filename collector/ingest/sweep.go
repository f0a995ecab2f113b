package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// Sweep lets the judge assess every device as of now, as if nothing had come from
// it since, and commits what changed. A device that cannot be assessed is logged
// and does not keep the others from it; the error then says how many there were.
func (p *Pipeline) Sweep(ctx context.Context, now time.Time) error {
	if err := p.gate.enter(0); err != nil {
		return err
	}
	defer p.gate.leave(0)
	if err := p.untilReady(ctx); err != nil {
		return err
	}
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		failed  int
		first   error
		devices = make(chan string)
	)
	// As many as fit a transaction, so that their commits go together.
	for range p.maxGroup {
		workers.Go(func() {
			for device := range devices {
				if err := p.reassess(ctx, device, now); err != nil && ctx.Err() == nil {
					p.log.ErrorContext(ctx, "a device was not re-assessed", "device", device, "error", err)
					mu.Lock()
					if failed++; first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	err := p.store.EachDevice(ctx, func(d *store.Device) error {
		select {
		case devices <- d.Summary.GetId():
			return nil
		case <-p.gate.closed:
			return ErrStopped // the next start sweeps again
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(devices)
	workers.Wait()
	switch {
	case err != nil:
		return fmt.Errorf("re-assess the fleet: %w", err)
	case failed > 0:
		return fmt.Errorf("re-assess the fleet: %d devices failed, the first with: %w", failed, first)
	}
	return nil
}

// reassess judges one device without a report. It reads the device anew under its
// lock: a report may have come since it was listed.
func (p *Pipeline) reassess(ctx context.Context, device string, now time.Time) error {
	release, err := p.locks.lock(ctx, device, 0)
	if err != nil {
		return err
	}
	before, err := p.standing(ctx, device, "")
	if err != nil || before.device == nil {
		release()
		return err
	}
	change, err := p.guard(ctx, device, func() (store.Change, error) { return p.judge.Reassess(before.device, before.open, now) })
	if err != nil || change.Device == nil {
		if err != nil {
			p.forget(before)
		}
		release()
		return err
	}
	change = ordered(change)
	change.Device, change.Reports = counted(change.Device, before.device, 0), nil
	after := before
	after.device, after.open = change.Device, openAfter(before.open, change.Alerts)
	return p.submit(ctx, &job{device: device, change: change, before: before, after: after, release: release})
}
