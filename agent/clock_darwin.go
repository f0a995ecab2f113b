package agent

import (
	"time"

	"golang.org/x/sys/unix"
)

// readClock reads all clocks at one moment. CLOCK_MONOTONIC_RAW is the kernel's continuous
// time, which goes on while the laptop sleeps, and CLOCK_UPTIME_RAW its absolute time, which
// does not; neither moves when the time is set.
func readClock() moment {
	var all, awake unix.Timespec
	now := moment{wall: time.Now().UTC()}
	if unix.ClockGettime(unix.CLOCK_MONOTONIC_RAW, &all) != nil || unix.ClockGettime(unix.CLOCK_UPTIME_RAW, &awake) != nil ||
		all.Nano() < awake.Nano() {
		now.elapsed = time.Since(started)
		return now
	}
	now.elapsed = time.Duration(all.Nano())
	now.asleep = time.Duration(all.Nano() - awake.Nano())
	now.sleepKnown = true
	return now
}
