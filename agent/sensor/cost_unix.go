//go:build linux || darwin

package sensor

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is what this process has used of the processors since it started.
func processorTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
