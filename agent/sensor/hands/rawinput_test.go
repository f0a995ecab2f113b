package hands

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// oneConsole has a console under the same ids as somebody's receiver.
func oneConsole(instance string) bool { return instance == `HID\VID_046D&PID_C52B&MI_00\6&AAA&0&0000` }

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
		"":                   attached,
	} {
		if got := placeWindows(name, oneConsole); got != want {
			t.Errorf("%s comes from %d, want %d", name, got, want)
		}
	}
}

func TestHelped(t *testing.T) {
	t.Parallel()
	c := &handClock{now: 1_000}
	l := newLedger(c.read)
	h := &helped{ledger: l, console: oneConsole, name: "session 2"}
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
	for _, bad := range [][]byte{{'X'}, appendDevice(nil, 0, "x"), {'D', 1, 0, 0, 0, 255, 255}, {'I', 1}} {
		if err := h.read(bytes.NewReader(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func FuzzHelped(f *testing.F) {
	f.Add(appendInput(appendDevice(nil, 7, `\\?\HID#VID_046D&PID_C52B#7#{884b96c3}`), 7, flagKey))
	f.Fuzz(func(t *testing.T, frames []byte) {
		c := &handClock{}
		l := newLedger(c.read)
		_ = (&helped{ledger: l, console: oneConsole, name: "s"}).read(bytes.NewReader(frames))
		if len(l.sources) > mostSources+int(origins) {
			t.Errorf("%d sources", len(l.sources))
		}
	})
}
