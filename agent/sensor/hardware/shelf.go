package hardware

import (
	"time"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// power is lid and power at one moment. What is nil or unspecified is unknown.
type power struct {
	lidClosed *bool
	source    farmhoundv1.PowerSource
	cycles    *uint32
}

// longestSpan is for how long after a sample its state may be taken to hold.
const longestSpan = 10 * time.Minute

// shelf counts for how long the lid was closed and the laptop on mains. Between
// two samples the state of the earlier one holds, until it is seen to have changed.
type shelf struct {
	// last is up to when was counted, and lookedAt when the state was seen: counting
	// alone sees nothing.
	last, lookedAt time.Time
	state          power
	lid, mains     span
}

// span is a count of time within one window, and of the time of which the state was
// known at all.
type span struct{ total, known time.Duration }

func (s *span) add(on bool, length time.Duration) {
	s.known += length
	if on {
		s.total += length
	}
}

// seconds takes the count and begins anew. It is nil where the state was not known
// for nearly all of the awake seconds.
func (s *span) seconds(awake uint32) *uint32 {
	total, known := s.total, s.known
	*s = span{}
	const nearly = 0.9
	if known.Seconds() < nearly*float64(awake) {
		return nil
	}
	return proto.Uint32(min(uint32(total.Round(time.Second)/time.Second), awake))
}

// note takes a sample.
func (s *Sensor) note(now power) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.host.Time()
	s.shelf.pass(at)
	s.shelf.state, s.shelf.lookedAt = now, at
}

// pass lets the last state hold until a moment, unless it was seen too long before.
func (s *shelf) pass(at time.Time) {
	length := at.Sub(s.last)
	if !s.last.IsZero() && length > 0 && at.Sub(s.lookedAt) <= longestSpan {
		if s.state.lidClosed != nil {
			s.lid.add(*s.state.lidClosed, length)
		}
		if s.state.source != farmhoundv1.PowerSource_POWER_SOURCE_UNSPECIFIED {
			s.mains.add(s.state.source == farmhoundv1.PowerSource_POWER_SOURCE_AC, length)
		}
	}
	s.last = at
}

// Count fills the seconds with the lid closed and on mains, and begins anew. A
// window in which a state was not known for a while has no count of it.
func (s *Sensor) Count(window *farmhoundv1.Window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shelf.pass(s.host.Time())
	awake := window.GetSeconds() - min(window.GetAsleepSeconds(), window.GetSeconds())
	window.LidClosedSeconds = s.shelf.lid.seconds(awake)
	window.OnAcSeconds = s.shelf.mains.seconds(awake)
}
