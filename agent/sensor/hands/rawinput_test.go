package hands

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// oneTree has a console under the same ids as somebody's receiver, and drivers that name
// what they make as devices are.
func oneTree(instance string) standing {
	switch instance {
	case `HID\VID_046D&PID_C52B&MI_00\6&AAA&0&0000`:
		return hungOnConsole
	case `HID\VMULTI&COL01\1&1`, `HID\VID_1234&PID_5678\1&2`, `HID\VHF\1&3`:
		return driven
	case `HID\VID_1&PID_2\NEW`, `HID\NEW\1`:
		return unlisted
	}
	return hung
}

func TestPlaceWindows(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]origin{
		`\\?\ACPI#LEN0071#4&2e7bb2d6&0#{884b96c3-56ef-11d1-bc8c-00a0c91405dd}`:                                                          builtIn,
		`\\?\HID#SYNA8004&Col01#5&1f3c2d&0&0000#{378de44c-56ef-11d1-bc8c-00a0c91405dd}`:                                                 builtIn,
		`\\?\HID#VID_046D&PID_C52B&MI_00#7&2f1&0&0000#{884b96c3-56ef-11d1-bc8c-00a0c91405dd}`:                                           attached,
		`\\?\HID#{00001812-0000-1000-8000-00805f9b34fb}_Dev_VID&02046d_PID&b369#a&31e5d0&0&0000#{884b96c3-56ef-11d1-bc8c-00a0c91405dd}`: attached,
		`\\?\TERMINPUT_BUS#UMB#2&2c22bcc1&0&Session2Keyboard0#{884b96c3-56ef-11d1-bc8c-00a0c91405dd}`:                                   session,
		`\\?\Root#RDP_MOU#0000#{378de44c-56ef-11d1-bc8c-00a0c91405dd}`:                                                                  session,
		`\\?\Root#VirtualMouse#0000#{378de44c-56ef-11d1-bc8c-00a0c91405dd}`:                                                             injected,
		`\\?\HID#VID_046d&PID_C52B&MI_00#6&aaa&0&0000#{884b96c3-56ef-11d1-bc8c-00a0c91405dd}`:                                           kvmLike,
		`\\?\HID#VID_&PID_#`: attached,
		`\\?\HID#VMULTI&Col01#1&1#{378de44c-56ef-11d1-bc8c-00a0c91405dd}`:      injected,
		`\\?\HID#VID_1234&PID_5678#1&2#{378de44c-56ef-11d1-bc8c-00a0c91405dd}`: injected,
		`\\?\HID#VHF#1&3#{378de44c-56ef-11d1-bc8c-00a0c91405dd}`:               injected,
		`\\?\HID#VID_1&PID_2#new#{378de44c-56ef-11d1-bc8c-00a0c91405dd}`:       unplaced,
		`\\?\HID#NEW#1#{378de44c-56ef-11d1-bc8c-00a0c91405dd}`:                 unplaced,
		"": attached,
	} {
		if got := placeWindows(name, oneTree); got != want {
			t.Errorf("%s comes from %d, want %d", name, got, want)
		}
	}
}

func TestHelped(t *testing.T) {
	t.Parallel()
	c := &handClock{now: 1_000}
	l := newLedger(c.read)
	h := &helped{ledger: l, stands: oneTree, name: "session 2"}
	var frames []byte
	frames = appendDevice(frames, 7, `\\?\HID#SYNA8004&Col02#5&1f3c2d&0&0001#{4d1e55b2-f16f-11cf-88cb-001111000030}`)
	frames = appendInput(frames, 7, flagDigitizer)
	frames = appendInput(frames, 0, 0)  // the pointer that Windows makes of the touch
	frames = appendInput(frames, 99, 0) // of a device that was not named
	if err := h.read(bytes.NewReader(frames)); err != nil {
		t.Fatal(err)
	}
	c.now = 301_000
	w := &farmhoundv1.Window{Seconds: 300}
	l.count(w, whole)
	if diff := cmp.Diff(&farmhoundv1.InputSeconds{BuiltIn: 1}, w.GetInput(), protocmp.Transform()); diff != "" {
		t.Errorf("a touchpad (-want +got):\n%s", diff)
	}
	if err := h.read(bytes.NewReader(appendInput(appendInput(nil, 0, flagKey), 0, 0))); err != nil {
		t.Fatal(err)
	}
	c.now = 601_000
	l.count(w, whole)
	if w.GetInput().GetInjected() != 1 {
		t.Errorf("software: %v", w.GetInput())
	}
	for _, bad := range [][]byte{{'X'}, appendDevice(nil, 0, "x"), {'D', 1, 0, 0, 0, 255, 255}, {'I', 1}, appendDevice(appendDevice(nil, 7, "x"), 7, "y")} {
		if err := h.read(bytes.NewReader(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

// A number is one device's: a helper that gives it to ever more names fills nothing.
func TestHelpedNamesOnce(t *testing.T) {
	t.Parallel()
	l := newLedger((&handClock{}).read)
	var frames []byte
	for i := range mostSources {
		frames = appendDevice(frames, 7, fmt.Sprintf(`\\?\HID#VID_046D&PID_C52B#%d#{884b96c3}`, i))
	}
	if err := (&helped{ledger: l, stands: oneTree, name: "s"}).read(bytes.NewReader(frames)); !errors.Is(err, errFrame) {
		t.Errorf("read: %v", err)
	}
	l.count(&farmhoundv1.Window{}, whole)
	if len(l.sources) != 0 {
		t.Errorf("%d sources stay", len(l.sources))
	}
}

// A device that is there before its drive, or before the tree has it, is placed again.
func TestHelpedPlacesAgain(t *testing.T) {
	t.Parallel()
	c := &handClock{now: 1_000}
	l := newLedger(c.read)
	stands := map[string]standing{}
	h := &helped{ledger: l, stands: func(instance string) standing { return stands[instance] }, devices: map[uint32]*namedDevice{}, name: "s"}
	frame := func(b []byte) {
		t.Helper()
		if err := h.frame(bufio.NewReader(bytes.NewReader(b))); err != nil {
			t.Fatal(err)
		}
	}
	const drive, keys = `HID\VID_1D6B&PID_0104\1`, `HID\VID_1D6B&PID_0104\2`
	stands[drive] = hung
	frame(appendDevice(nil, 1, `\\?\HID#VID_1D6B&PID_0104#1#{884b96c3}`))
	frame(appendDevice(nil, 2, `\\?\HID#VID_1D6B&PID_0104#2#{884b96c3}`))
	for _, step := range []struct {
		after      int64
		drive      standing
		keys       standing
		first, two origin
	}{
		{0, hung, unlisted, attached, unplaced},
		{freshTree, hungOnConsole, hung, attached, attached},
		{settled, hungOnConsole, hungOnConsole, kvmLike, kvmLike},
		{100_000, hung, hung, kvmLike, kvmLike}, // and stays so
	} {
		c.now = 1_000 + step.after
		stands[drive], stands[keys] = step.drive, step.keys
		frame(appendInput(nil, 1, flagKey))
		frame(appendInput(nil, 2, flagKey))
		if first, two := h.devices[1].source.origin, h.devices[2].source.origin; first != step.first || two != step.two {
			t.Errorf("after %d ms the input is of %d and %d, want %d and %d", step.after, first, two, step.first, step.two)
		}
	}
	if len(l.sources) != 2 {
		t.Errorf("%d sources", len(l.sources))
	}
}

// The tree is read for devices that are new, but not for every one.
func TestTreeReader(t *testing.T) {
	t.Parallel()
	c := &handClock{}
	reads, there, failure := 0, map[string]bool{}, error(nil)
	r := treeReader{clock: c.read, read: func() (func(string) standing, error) {
		reads++
		if failure != nil {
			return nil, failure
		}
		seen := maps.Clone(there)
		return func(instance string) standing {
			if seen[instance] {
				return hung
			}
			return unlisted
		}, nil
	}}
	for _, step := range []struct {
		at       int64
		appears  string
		failure  error
		instance string
		want     standing
		reads    int
	}{
		{at: 0, appears: "A", instance: "A", want: hung, reads: 1},
		{at: 100, instance: "A", want: hung, reads: 1},
		{at: 200, appears: "B", instance: "B", want: hung, reads: 2}, // it came since
		{at: 300, appears: "C", instance: "C", want: unlisted, reads: 2},
		{at: 400, instance: "nothing", want: unlisted, reads: 2},
		{at: 200 + freshTree, instance: "C", want: hung, reads: 3},
		{at: 300 + freshTree, instance: "nothing", want: unlisted, reads: 4},
		{at: 400 + freshTree, instance: "nothing", want: unlisted, reads: 4},
		{at: 100_000, failure: errors.New("the tree"), instance: "A", want: unlisted, reads: 5},
	} {
		c.now, failure = step.at, step.failure
		if step.appears != "" {
			there[step.appears] = true
		}
		if got := r.standing(step.instance); got != step.want || reads != step.reads {
			t.Errorf("at %d %q stands %d after %d readings, want %d after %d", step.at, step.instance, got, reads, step.want, step.reads)
		}
	}
}

func FuzzHelped(f *testing.F) {
	f.Add(appendInput(appendDevice(nil, 7, `\\?\HID#VID_046D&PID_C52B#7#{884b96c3}`), 7, flagKey))
	f.Fuzz(func(t *testing.T, frames []byte) {
		c := &handClock{}
		l := newLedger(c.read)
		_ = (&helped{ledger: l, stands: oneTree, name: "s"}).read(bytes.NewReader(frames))
		if len(l.sources) > mostSources+int(origins) {
			t.Errorf("%d sources", len(l.sources))
		}
	})
}
