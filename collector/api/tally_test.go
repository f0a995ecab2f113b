package api

import (
	"fmt"
	"testing"
	"time"
)

func TestTally(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 4, 0, 0, 0, 0, time.UTC)
	tally := newTally(time.Minute, func() time.Time { return now })
	for i, step := range []struct {
		after time.Duration
		key   string
		want  uint64
	}{
		{0, "a", 1}, {0, "a", 0}, {time.Second, "a", 0}, {0, "b", 1}, {time.Minute, "a", 3}, {0, "a", 0}, {time.Minute, "a", 2}, {0, "b", 1},
	} {
		now = now.Add(step.after)
		if got := tally.add(step.key); got != step.want {
			t.Errorf("step %d: told %d, want %d", i, got, step.want)
		}
	}
	for i := range 2 * maxKeys {
		tally.add(fmt.Sprint(i))
	}
	if len(tally.keys) > maxKeys {
		t.Errorf("%d keys are kept", len(tally.keys))
	}
}
