//go:build !linux && !windows

package agent

import "time"

// readClock reads the clocks at one moment. Time asleep is not known here: what
// the runtime's clock does during sleep differs by system and version.
func readClock() moment {
	return moment{wall: time.Now().UTC(), elapsed: time.Since(started)}
}
