package agent

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

type fakeMeter struct{ seconds uint32 }

func (m *fakeMeter) Observe(time.Time, []*farmhoundv1.RemoteSession) {}

func (m *fakeMeter) Drain(start, end time.Time) []*farmhoundv1.ControlSeconds {
	if m.seconds == 0 {
		return nil
	}
	seconds := min(m.seconds, uint32(end.Sub(start)/time.Second))
	m.seconds = 0
	return []*farmhoundv1.ControlSeconds{{Tool: "x11vnc", Seconds: seconds}}
}

func nobodyCounts(*farmhoundv1.Window) {}

// fakeClock moves by hand: awake and asleep time apart, and the wall clock by itself.
type fakeClock struct{ now moment }

func (c *fakeClock) read() moment { return c.now }

func (c *fakeClock) awake(d time.Duration) {
	c.now.wall, c.now.elapsed = c.now.wall.Add(d), c.now.elapsed+d
}

func (c *fakeClock) sleep(d time.Duration) { c.awake(d); c.now.asleep += d }

func window(start time.Time, seconds, asleep uint32, control ...*farmhoundv1.ControlSeconds) *farmhoundv1.Window {
	return &farmhoundv1.Window{
		StartedAt: timestamppb.New(start), Seconds: seconds, ControlKnown: true,
		AsleepSeconds: proto.Uint32(asleep), Control: control,
	}
}

func unknown(w *farmhoundv1.Window) *farmhoundv1.Window {
	w.ControlKnown = false
	return w
}

func TestWindows(t *testing.T) {
	t.Parallel()
	control := func(seconds uint32) []*farmhoundv1.ControlSeconds {
		return []*farmhoundv1.ControlSeconds{{Tool: "x11vnc", Seconds: seconds}}
	}
	cases := []struct {
		name string
		live func(*fakeClock, *windows, *fakeMeter)
		want []*farmhoundv1.Window
	}{
		{"too early", func(c *fakeClock, w *windows, _ *fakeMeter) { c.awake(4 * time.Minute); w.tick() }, nil},
		{"one interval", func(c *fakeClock, w *windows, m *fakeMeter) {
			m.seconds = 120
			c.awake(301 * time.Second)
			w.tick()
		}, []*farmhoundv1.Window{window(noon, 301, 0, control(120)...)}},
		{"never more control than time", func(c *fakeClock, w *windows, m *fakeMeter) {
			m.seconds = 400
			c.awake(300 * time.Second)
			w.tick()
		}, []*farmhoundv1.Window{window(noon, 300, 0, control(300)...)}},
		{"a nap is counted inside", func(c *fakeClock, w *windows, _ *fakeMeter) {
			c.awake(4 * time.Minute)
			w.tick()
			c.sleep(30 * time.Second)
			w.tick()
			c.awake(time.Minute)
			w.tick()
		}, []*farmhoundv1.Window{window(noon, 330, 30)}},
		{"control is not known while its sense fails", func(c *fakeClock, w *windows, _ *fakeMeter) {
			c.awake(300 * time.Second)
			w.tick()
			w.observe(noon, nil, false)
			c.awake(300 * time.Second)
			w.tick()
		}, []*farmhoundv1.Window{window(noon, 300, 0), unknown(window(noon.Add(300*time.Second), 300, 0))}},
		{"a night has windows of its own", func(c *fakeClock, w *windows, _ *fakeMeter) {
			c.awake(2 * time.Minute)
			w.tick()
			c.sleep(8 * time.Hour)
			w.tick()
			w.observe(noon, nil, true)
			c.awake(5 * time.Minute)
			w.tick()
		}, []*farmhoundv1.Window{
			window(noon, 120, 0), window(noon.Add(2*time.Minute), 8*3600, 8*3600),
			window(noon.Add(8*time.Hour+2*time.Minute), 300, 0),
		}},
		{"a weekend is cut into days", func(c *fakeClock, w *windows, _ *fakeMeter) {
			c.sleep(60 * time.Hour)
			w.tick()
		}, []*farmhoundv1.Window{
			window(noon, 86400, 86400), window(noon.Add(24*time.Hour), 86400, 86400),
			window(noon.Add(48*time.Hour), 12*3600, 12*3600),
		}},
		{"a clock that is set does not stretch a window", func(c *fakeClock, w *windows, _ *fakeMeter) {
			c.awake(150 * time.Second)
			c.now.wall = c.now.wall.Add(-3 * time.Hour)
			c.awake(150 * time.Second)
			w.tick()
		}, []*farmhoundv1.Window{window(noon.Add(-3*time.Hour), 300, 0)}},
		{"the last window is short", func(c *fakeClock, w *windows, _ *fakeMeter) {
			c.awake(7 * time.Second)
			w.finish()
			w.finish()
		}, []*farmhoundv1.Window{window(noon, 7, 0)}},
	}
	rules, err := fieldrules.Compile((&farmhoundv1.Report{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clock := &fakeClock{moment{wall: noon, elapsed: 77 * time.Hour, asleep: 5 * time.Hour, sleepKnown: true}}
			m := &fakeMeter{}
			w := newWindows(clock.read, m, nobodyCounts, 5*time.Minute)
			w.observe(noon, nil, true)
			c.live(clock, w, m)
			if diff := cmp.Diff(c.want, w.pending, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
			if err := rules.Validate(&farmhoundv1.Report{ObservedAt: timestamppb.Now(), Windows: w.pending}); err != nil {
				t.Errorf("breaks the contract: %v", err)
			}
		})
	}
}

// Every window that ends asks the senses once, also one too short to be told; a long
// sleep does not.
func TestSensesCountPerWindow(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{moment{wall: noon, sleepKnown: true}}
	var asked []uint32
	w := newWindows(clock.read, &fakeMeter{}, func(w *farmhoundv1.Window) {
		asked = append(asked, w.GetSeconds())
		w.ActiveSeconds = proto.Uint32(7)
	}, 5*time.Minute)
	clock.awake(5 * time.Minute)
	w.tick()
	clock.sleep(26 * time.Hour)
	w.tick()
	clock.awake(20 * time.Second)
	w.finish()
	if diff := cmp.Diff([]uint32{300, 0, 20}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	var active []*uint32
	for _, w := range w.pending {
		active = append(active, w.ActiveSeconds)
	}
	if diff := cmp.Diff([]*uint32{proto.Uint32(7), nil, nil, proto.Uint32(7)}, active); diff != "" {
		t.Errorf("active seconds (-want +got):\n%s", diff)
	}
}

func TestPendingWindowsAreBounded(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{moment{wall: noon}}
	w := newWindows(clock.read, &fakeMeter{}, nobodyCounts, time.Minute)
	for range mostWindows + 5 {
		clock.awake(time.Minute)
		w.tick()
	}
	if len(w.pending) != mostWindows || w.lost != 5 {
		t.Errorf("%d pending, %d lost", len(w.pending), w.lost)
	}
	if w.pending[0].GetAsleepSeconds() != 0 || w.pending[0].AsleepSeconds != nil {
		t.Error("sleep is claimed to be known where it is not")
	}
}

func TestRealClock(t *testing.T) {
	t.Parallel()
	before := readClock()
	after := readClock()
	if after.elapsed < before.elapsed || after.wall.IsZero() {
		t.Errorf("clock went from %+v to %+v", before, after)
	}
}
