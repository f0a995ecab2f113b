//go:build !linux

package footprint

import (
	"errors"
	"time"
)

// costOf is not known how to ask of this system.
func costOf(string, int, time.Duration) (Cost, error) {
	return Cost{}, errors.New("what a process costs is measured on Linux only")
}
