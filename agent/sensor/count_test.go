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
		release := make(chan struct{})
		var late atomic.Int32
		r := sensor.NewRunner([]sensor.Sensor{
			sense{"counts nothing", place("", nil)},
			counting("panics", func(w *farmhoundv1.Window) {
				w.CallSeconds = proto.Uint32(1)
				panic("a sense has a bug")
			}),
			counting("hangs", func(w *farmhoundv1.Window) {
				if late.Add(1) == 1 {
					<-release
				}
				w.OnAcSeconds = proto.Uint32(uint32(late.Load()))
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
		window := func() *farmhoundv1.Window {
			return &farmhoundv1.Window{StartedAt: start, Seconds: 300, AsleepSeconds: proto.Uint32(20), ControlKnown: true}
		}
		want := window()
		want.ActiveSeconds, want.LidClosedSeconds = proto.Uint32(300), proto.Uint32(280)
		want.Input = &farmhoundv1.InputSeconds{Attached: 300, BuiltIn: 3}

		began := time.Now()
		for range 2 { // the second time, the sense that hangs is not called again
			got := window()
			r.Count(got)
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		if took := time.Since(began); took > 3*time.Second || late.Load() != 1 {
			t.Errorf("took %v, the sense that hangs was called %d times", took, late.Load())
		}
		close(release)
		synctest.Wait()
		got := window()
		r.Count(got)
		want.OnAcSeconds = proto.Uint32(2) // its own, and not what it brought too late
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("afterwards (-want +got):\n%s", diff)
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
