package sensor

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// countPatience is how long all senses together may take to count: they only have
// to hand over what they counted.
const countPatience = time.Second

// Count adds to a window what every sense that is a Counter counted since the last
// call. It needs to be told when the window began and how long it is, and returns
// within a second: a sense that hangs or panics leaves its fields unset and takes
// nothing from the others. It is for the goroutine that calls Scan.
func (r *Runner) Count(window *farmhoundv1.Window) {
	ctx, cancel := context.WithTimeout(context.Background(), countPatience)
	defer cancel()
	started := make([]*slot, 0, len(r.slots))
	for _, s := range r.slots {
		if s.startCount(window, r.log) {
			started = append(started, s)
		}
	}
	for _, s := range started {
		if counted, ok := s.counted(ctx); ok {
			counted = bounded(counted)
			// When the window was is the caller's to say.
			counted.StartedAt, counted.Seconds, counted.AsleepSeconds = nil, 0, nil
			proto.Merge(window, counted)
		} else {
			r.log.WarnContext(ctx, "sense did not count in time", "sense", s.sensor.Name(), "timeout", countPatience)
		}
	}
}

// counted prefers a result over the end of time when both are there.
func (s *slot) counted(ctx context.Context) (*farmhoundv1.Window, bool) {
	var counted *farmhoundv1.Window
	select {
	case counted = <-s.counts:
	case <-ctx.Done():
		select {
		case counted = <-s.counts:
		default:
			return nil, false
		}
	}
	s.counts = nil
	return counted, true
}

// startCount asks the sense to count unless its last count is still under way, and
// reports whether it did. What a count that came too late brings, in this call or
// later, is of another window and is dropped.
func (s *slot) startCount(window *farmhoundv1.Window, log *slog.Logger) bool {
	counter, ok := s.sensor.(Counter)
	if !ok {
		return false
	}
	if s.counts != nil {
		select {
		case <-s.counts:
		default:
			return false
		}
	}
	done := make(chan *farmhoundv1.Window, 1)
	s.counts = done
	own := &farmhoundv1.Window{StartedAt: window.GetStartedAt(), Seconds: window.GetSeconds(), AsleepSeconds: window.AsleepSeconds}
	go func() { // owned by the slot: counts until it is received
		defer func() {
			if v := recover(); v != nil {
				log.Error("sense panicked while it counted", "sense", s.sensor.Name(), "error", v, "stack", string(debug.Stack()))
				own = &farmhoundv1.Window{}
			}
			done <- own
		}()
		counter.Count(own)
	}()
	return true
}

// bounded keeps counts within their window, whatever a sense's clock did.
func bounded(w *farmhoundv1.Window) *farmhoundv1.Window {
	for _, seconds := range []*uint32{w.ActiveSeconds, w.LidClosedSeconds, w.OnAcSeconds, w.AssistiveSeconds, w.CallSeconds} {
		if seconds != nil {
			*seconds = min(*seconds, w.GetSeconds())
		}
	}
	if in := w.GetInput(); in != nil {
		for _, seconds := range []*uint32{&in.BuiltIn, &in.Attached, &in.KvmLike, &in.Injected, &in.Session, &in.Jiggler} {
			*seconds = min(*seconds, w.GetSeconds())
		}
	}
	return w
}
