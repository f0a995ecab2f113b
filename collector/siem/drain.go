package siem

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// Output carries events to one receiver. Deliver returns nil only when every row
// is safe there; rows may arrive again after an error or a crash, each under the
// same key.
type Output interface {
	Name() string
	Deliver(ctx context.Context, rows []store.OutboxRow) error
}

// The shape of the drain's pauses.
const (
	drainBatch = 100
	retryFirst = time.Second
	retryMost  = 5 * time.Minute
)

// Drain moves outbox rows to one output until the context ends. Rows leave in
// the order of their ids, so a device's events stay in order; a failing output
// is tried again with growing pauses and loses nothing meanwhile. wake says that
// there may be new rows; poll is how often to look without it.
func Drain(ctx context.Context, box store.Outbox, out Output, wake <-chan struct{}, poll time.Duration, log *slog.Logger) {
	pause := retryFirst
	for ctx.Err() == nil {
		more, err := drainOnce(ctx, box, out)
		wait := poll
		switch {
		case err != nil && ctx.Err() == nil:
			wait = time.Duration(float64(pause) * (0.5 + rand.Float64())) //nolint:gosec // jitter is no secret
			log.WarnContext(ctx, "output failed, events are kept and sent again", "output", out.Name(), "error", err, "retry_in", wait.Round(time.Millisecond).String())
			pause = min(2*pause, retryMost)
		case more:
			pause = retryFirst
			continue
		default:
			pause = retryFirst
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// drainOnce delivers one batch and reports whether there may be more.
func drainOnce(ctx context.Context, box store.Outbox, out Output) (bool, error) {
	rows, err := box.PendingOutbox(ctx, out.Name(), drainBatch)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	if err := out.Deliver(ctx, rows); err != nil {
		return false, err
	}
	if err := box.AckOutbox(ctx, out.Name(), rows[len(rows)-1].ID); err != nil {
		return false, err
	}
	return len(rows) == drainBatch, nil
}
