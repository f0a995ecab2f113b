// Package notice waits for what the system tells unasked: a device was plugged in or
// out, somebody logged on or off. It is what makes an agent look before the next look is
// due; what there is to see the senses find by themselves, so that nothing is lost where
// nothing is told.
//
// It must not import the senses, nor anything that delivers.
package notice

import (
	"context"
	"sync"
	"time"
)

const (
	// settle is how long what was told may take until all of it is there: a device
	// appears in parts.
	settle = time.Second
	// rest is the least time between two notices, whatever goes on.
	rest = 10 * time.Second
)

// Watch calls tell, at most once in ten seconds, when something changed, until ctx is
// done. It returns an error when the system tells nothing of its own; nil when ctx was
// done, and where this system is not asked.
func Watch(ctx context.Context, tell func()) error {
	changed := make(chan struct{}, 1)
	var telling sync.WaitGroup
	telling.Go(func() { pace(ctx, changed, tell) })
	defer telling.Wait()
	return watch(ctx, func() {
		select {
		case changed <- struct{}{}:
		default: // told, and not taken yet
		}
	})
}

// pace passes on what changed, some time after it did and not too often.
func pace(ctx context.Context, changed <-chan struct{}, tell func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		if pause(ctx, settle) != nil {
			return
		}
		select {
		case <-changed: // it is seen with the rest
		default:
		}
		tell()
		if pause(ctx, rest-settle) != nil {
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
