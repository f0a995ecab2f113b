package sensor_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/sensor"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// counter is a Counter made of a function.
type counter struct {
	sense
	count  func(*farmhoundv1.Window)
	closed func() error
}

func (c counter) Count(w *farmhoundv1.Window) { c.count(w) }
func (c counter) Close() error                { return c.closed() }

func counting(name string, count func(*farmhoundv1.Window)) counter {
	return counter{sense{name, place("", nil)}, count, func() error { return nil }}
}

func TestRunnerCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, returned := make(chan struct{}), make(chan struct{})
		var late, counts atomic.Int32
		r := sensor.NewRunner([]sensor.Sensor{
			sense{"counts nothing", place("", nil)},
			counting("panics", func(w *farmhoundv1.Window) {
				w.CallSeconds = proto.Uint32(1)
				panic("a sense has a bug")
			}),
			counting("hangs", func(w *farmhoundv1.Window) {
				n := late.Add(1)
				if n == 1 {
					<-release
					defer close(returned)
				}
				w.OnAcSeconds = proto.Uint32(uint32(n))
			}),
			// In the second window the sense that hangs comes back while others count.
			counting("releases", func(w *farmhoundv1.Window) {
				if counts.Add(1) == 2 {
					close(release)
					<-returned
				}
			}),
			counting("exceeds", func(w *farmhoundv1.Window) {
				w.ActiveSeconds = proto.Uint32(w.GetSeconds() + 40)
				w.Input = &farmhoundv1.InputSeconds{Attached: w.GetSeconds() + 9, BuiltIn: 3}
			}),
			counting("counts", func(w *farmhoundv1.Window) {
				w.LidClosedSeconds = proto.Uint32(w.GetSeconds() - w.GetAsleepSeconds())
			}),
		}, 0, nil)
		start := timestamppb.New(time.Unix(1_790_000_000, 0))
		// Windows follow each other and are of different lengths.
		window := func(seconds uint32) *farmhoundv1.Window {
			w := &farmhoundv1.Window{StartedAt: proto.CloneOf(start), Seconds: seconds, AsleepSeconds: proto.Uint32(seconds / 15), ControlKnown: true}
			start.Seconds += int64(seconds)
			return w
		}
		began := time.Now()
		for _, step := range []struct {
			what    string
			seconds uint32
			onAC    *uint32
			calls   int32
		}{
			{"hangs", 300, nil, 1},
			{"comes back too late", 120, nil, 1},
			{"counts again", 150, proto.Uint32(2), 2},
		} {
			got := window(step.seconds)
			want := proto.CloneOf(got)
			want.ActiveSeconds, want.LidClosedSeconds = proto.Uint32(step.seconds), proto.Uint32(step.seconds-step.seconds/15)
			want.Input = &farmhoundv1.InputSeconds{Attached: step.seconds, BuiltIn: 3}
			want.OnAcSeconds = step.onAC
			r.Count(got)
			synctest.Wait()
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("a sense %s (-want +got):\n%s", step.what, diff)
			}
			if late.Load() != step.calls {
				t.Errorf("a sense %s: it was called %d times, want %d", step.what, late.Load(), step.calls)
			}
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRunnerEndsWhatSensesKeepGoing(t *testing.T) {
	t.Parallel()
	trouble := errors.New("cannot be ended")
	ended := 0
	keeps := func(err error) sensor.Sensor {
		c := counting("keeps", func(*farmhoundv1.Window) {})
		c.closed = func() error { ended++; return err }
		return c
	}
	r := sensor.NewRunner([]sensor.Sensor{keeps(trouble), keeps(nil)}, 0, nil)
	if err := r.Close(t.Context()); !errors.Is(err, trouble) || ended != 2 {
		t.Errorf("%d ended, error %v", ended, err)
	}
}
