package siem

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/faulty"
)

// boxStore is a store that has an outbox only.
type boxStore struct {
	store.Store
	box *memoryBox
}

func (b boxStore) PendingOutbox(ctx context.Context, output string, limit int) ([]store.OutboxRow, error) {
	return b.box.PendingOutbox(ctx, output, limit)
}

func (b boxStore) AckOutbox(ctx context.Context, output string, id int64) error {
	return b.box.AckOutbox(ctx, output, id)
}

// TestDrainThroughFaults: whatever the outbox does, every event arrives, the first
// time in order, and only what was acknowledged nowhere arrives again.
func TestDrainThroughFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			box := &memoryBox{}
			var want []int64
			for id := int64(1); id <= 5*drainBatch+7; id++ {
				box.rows = append(box.rows, store.OutboxRow{ID: id})
				want = append(want, id)
			}
			failing := faulty.New(boxStore{box: box}, faulty.Plan{Seed: seed, Fail: 0.3, Tear: 0.3, Delay: 0.2, Latency: time.Minute})
			out := &flaky{refuse: int(seed), want: 1 << 30}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				Drain(ctx, failing, out, nil, time.Minute, slog.New(slog.DiscardHandler))
			}()
			time.Sleep(24 * time.Hour) // of the bubble's time
			cancel()
			<-ended
			var first []int64
			for _, id := range out.ids {
				if len(first) == 0 || id > first[len(first)-1] {
					first = append(first, id)
				}
			}
			if diff := cmp.Diff(want, first); diff != "" {
				t.Errorf("seed %d: %s", seed, diff)
			}
			if box.acked != want[len(want)-1] || len(failing.Faults()) < 2 {
				t.Errorf("seed %d: acknowledged up to %d, with the faults %v", seed, box.acked, failing.Faults())
			}
		})
	}
}
