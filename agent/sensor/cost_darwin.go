package sensor

import "time"

// ownCost is what this process has used of the processors since it started, and the
// memory that it holds.
func ownCost() (time.Duration, uint64) { return processorTime(), heldMemory() }
