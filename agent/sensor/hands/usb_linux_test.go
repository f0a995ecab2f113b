package hands

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

// A device with several event nodes is read once for all of them, and again with the
// next look.
func TestUSBDeviceIsReadOnce(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	const folder = "/sys/devices/pci0000:00/usb1/1-4"
	at := filepath.Join(root, folder)
	err := os.MkdirAll(at, 0o755)
	for name, text := range map[string]string{"idVendor": "0603", "idProduct": "1234", "removable": "fixed"} {
		err = errors.Join(err, os.WriteFile(filepath.Join(at, name), []byte(text+"\n"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	h, places := host.Host{Root: root}, usbPlaces{}
	if p := places.of(h, catalog.BuiltIn(), folder); !p.fixed || p.console {
		t.Errorf("first node: %+v", p)
	}
	if err := os.WriteFile(filepath.Join(at, "removable"), []byte("removable\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := places.of(h, catalog.BuiltIn(), folder); !p.fixed {
		t.Errorf("second node: %+v", p)
	}
	if p := (usbPlaces{}).of(h, catalog.BuiltIn(), folder); p.fixed {
		t.Errorf("next look: %+v", p)
	}
}
