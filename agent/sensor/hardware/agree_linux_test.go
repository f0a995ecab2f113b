package hardware_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/hands"
	"github.com/farmhound-security/farmhound/agent/sensor/hardware"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// plug gives the device of a tree an event node of a keyboard, and returns the pipe
// that stands for it.
func plug(t *testing.T, tree hardware.Tree) *os.File {
	t.Helper()
	at := func(name string) string { return filepath.Join(tree.Root, name) }
	input := tree.Interface + "/input/input7"
	for name, text := range map[string]string{
		"/proc/stat": "cpu 0\nbtime 1790000000\n", input + "/name": "A keyboard\n", input + "/id/bustype": "0003\n", input + "/id/vendor": "1234\n",
		input + "/capabilities/key": "fffffffffffffffe\n", input + "/event0/dev": "13:64\n",
	} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"/sys/class/input", "/dev/input"} {
		if err := os.MkdirAll(at(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../.."+strings.TrimPrefix(input, "/sys")+"/event0", at("/sys/class/input/event0")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(at("/dev/input/event0"), 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(at("/dev/input/event0"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pipe.Close() })
	return pipe
}

// typed is where the sense for hands places a key of the device.
func typed(t *testing.T, tree hardware.Tree) string {
	t.Helper()
	pipe := plug(t, tree)
	s := hands.New(host.Host{Root: tree.Root}, catalog.BuiltIn())
	defer s.Close()
	_ = s.Observe(t.Context(), &farmhoundv1.Report{}) // what it misses of this tree is of no concern
	key := binary.NativeEndian.AppendUint16(make([]byte, unsafe.Sizeof(unix.Timeval{})), 1)
	key = binary.NativeEndian.AppendUint16(key, 16)
	if _, err := pipe.Write(binary.NativeEndian.AppendUint32(key, 1)); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		w := &farmhoundv1.Window{Seconds: 300}
		s.Count(w)
		switch in := w.GetInput(); {
		case in.GetKvmLike() > 0:
			return "console"
		case in.GetBuiltIn() > 0:
			return "built in"
		case in.GetAttached() > 0:
			return "attached"
		}
	}
	t.Fatal("the key was not counted")
	return ""
}

// The senses for hardware and for hands take a device for the same.
func TestSensesAgree(t *testing.T) {
	t.Parallel()
	for _, tree := range hardware.SampleTrees(t) {
		t.Run(tree.Name, func(t *testing.T) {
			t.Parallel()
			report := new(farmhoundv1.Report)
			_ = hardware.New(host.Host{Root: tree.Root}, catalog.BuiltIn(), fleetkey.Ring{}).Observe(t.Context(), report)
			devices := report.GetHardware().GetUsb()
			if len(devices) != 1 {
				t.Fatalf("%d devices", len(devices))
			}
			want := "attached"
			if r, ok := catalog.BuiltIn().RecogniseUSB(devices[0]); ok && r.RemoteConsole() {
				want = "console"
			} else if devices[0].GetBuiltIn() {
				want = "built in"
			}
			if got := typed(t, tree); got != want {
				t.Errorf("a key of what hardware takes for %s is counted as %s", want, got)
			}
		})
	}
}
