// Package sensor is the laptop's senses and the door to them: what a sense is, and
// the Runner that keeps one sense's trouble from becoming another's.
//
// Each sense lives in a folder of its own and fills its parts of a report. A sense
// reads the machine only through a Host, so that a folder of recorded files is a
// machine to it. The package and everything under it import proto/ only.
package sensor

import (
	"context"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Host is the machine that the senses observe.
type Host = host.Host

// Partial is the error of a sense that observed, but not everything.
type Partial = host.Partial

// Sensor is one sense.
//
// Observe fills the sense's own parts of into, which is empty, and never touches
// another's. It is called by one goroutine at a time, keeps what it needs between
// calls, and returns soon after ctx is done.
//
// A nil error means that everything was observed, a Partial that the parts are true
// but not complete; with any other error the parts are thrown away. What was
// observed once and is gone by the next call (a session that ended) is told again
// if ctx was done before Observe returned.
type Sensor interface {
	// Name is the sense's name in health facts.
	Name() string
	Observe(ctx context.Context, into *farmhoundv1.Report) error
}
