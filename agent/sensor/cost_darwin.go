package sensor

import (
	"runtime/metrics"
	"time"
)

// ownCost is what this process has used of the processors since it started, and the
// memory that the Go runtime holds of the system.
func ownCost() (time.Duration, uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	return processorTime(), sample[0].Value.Uint64()
}
