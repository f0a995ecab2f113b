package sensor

import (
	"log/slog"
	"testing"
	"time"
)

// Neither a week asleep nor a clock that is set makes the guard believe that the agent
// uses too much, and sleep does not hide that it does.
func TestGuardOverClockJumps(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	for _, tt := range []struct {
		name string
		jump time.Duration
		// cpu is what is used a minute before and after.
		cpu  time.Duration
		want bool
	}{
		{"asleep for a week", week, 40 * time.Millisecond, false},
		{"clock set back", -week, 40 * time.Millisecond, false},
		{"too much, and asleep", week, time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := &guard{log: slog.New(slog.DiscardHandler)}
			now, used := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), time.Duration(0)
			run := func(minutes int) {
				for range minutes {
					g.weigh(t.Context(), now, used, 10<<20, nil)
					now, used = now.Add(time.Minute), used+tt.cpu
				}
			}
			run(2)
			now = now.Add(tt.jump)
			run(10)
			if got := g.factor() > 1; got != tt.want {
				t.Errorf("looks are stretched by %d", g.factor())
			}
		})
	}
}
