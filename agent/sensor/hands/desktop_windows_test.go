//go:build desktop

// What needs a Windows desktop that somebody is logged on to: Wine tells nobody in the
// background of what SendInput makes. Run there: go test -tags desktop ./agent/sensor/hands
package hands

import (
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

type keyboardInput struct {
	kind        uint32
	_           uint32
	key, scan   uint16
	flags, time uint32
	extra       uintptr
	_           [8]byte
}

// front puts a window of this program in front: input that nobody receives is none
// to Wine.
func front(t *testing.T) {
	t.Helper()
	class, err := windows.UTF16PtrFromString("STATIC")
	if err != nil {
		t.Fatal(err)
	}
	const visible, overlapped = 0x10000000, 0x00cf0000
	window, _, err := procCreateWindowEx.Call(0, uintptr(unsafe.Pointer(class)), uintptr(unsafe.Pointer(class)), visible|overlapped, 10, 10, 200, 200, 0, 0, 0, 0)
	if window == 0 {
		t.Fatalf("make a window: %v", err)
	}
	_, _, _ = user32.NewProc("SetForegroundWindow").Call(window)
	t.Cleanup(func() { _, _, _ = user32.NewProc("DestroyWindow").Call(window) })
}

// press has a key pressed by software.
func press(t *testing.T) {
	t.Helper()
	const keyboard, up = 1, 2
	send := user32.NewProc("SendInput")
	for _, flags := range []uint32{0, up} {
		in := keyboardInput{kind: keyboard, key: 'A', flags: flags}
		if n, _, err := send.Call(1, uintptr(unsafe.Pointer(&in)), unsafe.Sizeof(in)); n != 1 {
			t.Fatalf("SendInput: %v", err)
		}
	}
}

func TestHelperTellsOfInjectedInput(t *testing.T) { //nolint:paralleltest // the session has one desktop
	runtime.LockOSThread() // its window is the thread's
	defer runtime.UnlockOSThread()
	front(t)
	s := New(host.Host{}, catalog.BuiltIn())
	w := launched(t, s)
	if w.gone() {
		t.Error("the helper has ended")
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		press(t)
		s.ledger.mu.Lock()
		seen := false
		for _, source := range s.ledger.sources {
			seen = seen || source.origin == injected && source.during.count() > 0
		}
		s.ledger.mu.Unlock()
		if seen {
			break
		}
		if w.gone() {
			t.Fatal("the helper has ended")
		}
		if time.Now().After(deadline) {
			t.Fatal("what software typed was not told")
		}
	}
	w.close()
	window := &farmhoundv1.Window{Seconds: 300}
	s.ledger.count(window, whole)
	if window.GetInput().GetInjected() == 0 || window.GetInput().GetAttached() != 0 {
		t.Errorf("window: %v", window)
	}
}
