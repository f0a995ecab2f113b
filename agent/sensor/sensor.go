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

// Counter is a sense that also counts between the ends of two windows.
//
// Count fills the sense's own fields of window for the time since the last call, or
// since the sense began to count, and begins anew. A field that could not be counted
// for the whole of that time stays unset, and no count exceeds window.Seconds. What
// window already tells (when it began, its length, how much of it was asleep) is for
// reading. Count returns at once: it takes what was counted meanwhile and asks nobody.
// It may be called while Observe is under way.
type Counter interface {
	Sensor
	Count(window *farmhoundv1.Window)
}

// Closer is a sense that keeps something going between observations. Close ends it,
// waits for it, and is called when no Observe or Count will follow.
type Closer interface {
	Sensor
	Close() error
}
