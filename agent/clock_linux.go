package agent

import (
	"time"

	"golang.org/x/sys/unix"
)

// readClock reads all clocks at one moment. CLOCK_BOOTTIME goes on while the
// laptop sleeps and CLOCK_MONOTONIC does not; neither moves when the time is set.
func readClock() moment {
	var boot, awake unix.Timespec
	now := moment{wall: time.Now().UTC()}
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil {
		now.elapsed = time.Since(started)
		return now
	}
	now.elapsed = time.Duration(boot.Nano())
	now.asleep = time.Duration(boot.Nano() - awake.Nano())
	now.sleepKnown = true
	return now
}
