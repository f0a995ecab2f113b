package hands

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

// A device that ends while the sense looks is opened again; with the race detector,
// this also shows that reader and look do not meet.
func TestDeviceEnds(t *testing.T) {
	t.Parallel()
	root, write := tree(t, map[string]string{"AT Translated Set 2 keyboard": "/sys/devices/platform/i8042/serio0/input/input3"})
	s := New(host.Host{Root: root}, catalog.BuiltIn())
	d := &s.system.devices
	if _, err := d.look(); err != nil {
		t.Fatal(err)
	}
	first := d.known["event0"]
	if err := write["AT Translated Set 2 keyboard"].Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the device to be opened again", func() bool {
		if _, err := d.look(); err != nil {
			t.Fatal(err)
		}
		return d.known["event0"] != first
	})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// What cannot be waited for is not left open, look after look.
func TestDeviceThatCannotBeReadIsClosed(t *testing.T) {
	t.Parallel()
	root, _ := tree(t, map[string]string{"AT Translated Set 2 keyboard": "/sys/devices/platform/i8042/serio0/input/input3"})
	node := filepath.Join(root, inputFolder, "event0")
	// Nobody can wait for a plain file.
	if err := errors.Join(os.Remove(node), os.WriteFile(node, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	s := New(host.Host{Root: root}, catalog.BuiltIn())
	for range 3 {
		if _, err := s.system.devices.look(); err == nil {
			t.Error("a plain file is taken for a device")
		}
	}
	if n := len(s.system.devices.opened); n != 0 {
		t.Errorf("%d devices count as open", n)
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if target, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && target == node {
			t.Errorf("%s is left open", target)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
