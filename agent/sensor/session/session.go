// Package session is the sense for who is logged on, by kind of session, and for
// where the laptop's clock believes it is.
//
// Names of users are not read out of what the system tells. The package imports
// proto/, agent/sensor/host and the helpers in agent/sensor/internal.
package session

import (
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Name is the sense's name in health facts.
const Name = "session"

// maxLogons is the most that a report may hold, from the schema.
const maxLogons = 64

// Sensor is the sense. Observe is for one goroutine at a time.
type Sensor struct {
	host   host.Host
	system system
}

// New returns the sense for a host.
func New(h host.Host) *Sensor { return &Sensor{host: h, system: newSystem(h)} }

// Name returns the sense's name.
func (s *Sensor) Name() string { return Name }

// place is what is known of the time zone, nil where that is nothing.
func place(zone string, offset *int32) *farmhoundv1.Place {
	if zone == "" && offset == nil {
		return nil
	}
	return &farmhoundv1.Place{TimeZone: zone, UtcOffsetMinutes: offset}
}
