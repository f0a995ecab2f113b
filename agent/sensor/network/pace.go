//go:build !linux && !windows

package network

import "time"

// pace is for how long what the sense observed stands: networks change seldom, and a
// look at one costs more than at all processes.
const pace = time.Minute

// Pace returns for how long what the sense observed stands.
func (s *Sensor) Pace() time.Duration { return pace }
