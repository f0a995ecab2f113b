package sensor

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// ownCost is what this process has used of the processors since it started, and its
// resident memory.
func ownCost() (time.Duration, uint64) {
	cpu := processorTime()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return cpu, 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return cpu, 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return cpu, 0
	}
	return cpu, pages * uint64(os.Getpagesize())
}
