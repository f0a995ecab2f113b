package hands

import (
	"testing"
	"time"
)

func TestUse(t *testing.T) {
	t.Parallel()
	boot := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	at := func(minutes int) fileTime { return fileTimeOf(boot.Add(time.Duration(minutes) * time.Minute)) }
	now := boot.Add(time.Hour)
	for name, tt := range map[string]struct {
		programs [][2]fileTime // start and stop
		now      bool
		last     time.Time // zero for never
	}{
		"nobody":                    {nil, false, time.Time{}},
		"never used":                {[][2]fileTime{{0, 0}}, false, time.Time{}},
		"under way":                 {[][2]fileTime{{at(30), 0}}, true, now},
		"ended":                     {[][2]fileTime{{at(20), at(30)}}, false, boot.Add(30 * time.Minute)},
		"ended before the boot":     {[][2]fileTime{{at(-90), at(-80)}}, false, boot.Add(-80 * time.Minute)},
		"cut off by the boot":       {[][2]fileTime{{at(-90), 0}}, false, boot.Add(-90 * time.Minute)},
		"one cut off, one ended":    {[][2]fileTime{{at(-90), 0}, {at(1), at(2)}}, false, boot.Add(2 * time.Minute)},
		"one cut off, one goes on":  {[][2]fileTime{{at(-90), 0}, {at(1), 0}}, true, now},
		"with the boot":             {[][2]fileTime{{at(0), 0}}, true, now},
		"a time that cannot be":     {[][2]fileTime{{1 << 63, 1}}, false, time.Time{}},
		"before there were clocks ": {[][2]fileTime{{1, 2}}, false, time.Time{}},
	} {
		var u use
		for _, p := range tt.programs {
			u.note(p[0], p[1], fileTimeOf(boot))
		}
		got := u.stamp(now)
		if u.now != tt.now || (got == nil) != tt.last.IsZero() || got != nil && !got.AsTime().Equal(tt.last) {
			t.Errorf("%s: %v, now %v; want %v, now %v", name, got.AsTime(), u.now, tt.last, tt.now)
		}
	}
}
