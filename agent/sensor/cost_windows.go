package sensor

import (
	"runtime/metrics"
	"time"

	"golang.org/x/sys/windows"
)

// ownCost is what this process has used of the processors since it started, and the
// memory that the Go runtime holds of the system.
func ownCost() (time.Duration, uint64) {
	var created, exited, kernel, user windows.Filetime
	var cpu time.Duration
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user); err == nil {
		cpu = ticks(kernel) + ticks(user)
	}
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	return cpu, sample[0].Value.Uint64()
}

// ticks turns a span in units of 100 ns, which Windows keeps in a Filetime, into a duration.
func ticks(t windows.Filetime) time.Duration {
	return time.Duration(uint64(t.HighDateTime)<<32|uint64(t.LowDateTime)) * 100
}
