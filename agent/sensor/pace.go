package sensor

import (
	"errors"
	"time"
)

// Paced is a sense whose parts change seldom and cost much to observe: what it observed
// stands for this long, unless it is given something else to look for. It tells no
// sessions.
type Paced interface {
	Sensor
	Pace() time.Duration
}

// recent reports whether what the sense observed last still stands. What failed does not.
func (s *slot) recent(now time.Time) bool {
	paced, ok := s.sensor.(Paced)
	if !ok || s.stale.Swap(false) || s.kept.part == nil {
		return false
	}
	// Both clocks: a laptop that slept looks again at once.
	return now.Sub(s.keptAt) < paced.Pace() && now.Round(0).Sub(s.keptAt.Round(0)).Abs() < paced.Pace()
}

// keep remembers what the sense observed, if it did and that will be asked for.
func (s *slot) keep(out outcome, now time.Time) {
	if _, paced := s.sensor.(Paced); !paced {
		return
	}
	s.kept, s.keptAt = outcome{}, now
	if _, partial := errors.AsType[Partial](out.err); !out.panicked && (out.err == nil || partial) {
		s.kept = out
	}
}

// forget makes every sense observe anew with the next Scan. It may be called meanwhile.
func (r *Runner) forget() {
	for _, s := range r.slots {
		s.stale.Store(true)
	}
}
