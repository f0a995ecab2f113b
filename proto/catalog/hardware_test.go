package catalog_test

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func digest(t *testing.T, text string) []byte {
	t.Helper()
	sum, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestUSB(t *testing.T) {
	t.Parallel()
	const (
		kvmdPointer  = "d9b93f5aa0cb2ab2f041d8c2da5f5b6c527e74192e2f1efa15c4844bec079621"
		kvmdKeyboard = "5333cc3a23db1dd7a9e8303e2169a54a7070f69822fa503014834652c24410b6"
		jetPointer   = "5e10a7f6cc69f21793b95593064334b5ce36150a399f454ead84d6fe18c06d3f"
		commonMouse  = "55c045b2daf5c91fd72fd8e1821e02a41c4118ea1badfdf4644e6db3d9970eed"
		kernelKeys   = "81c9b5a7d7ecf4b95e29ce9b164556dcabd48b7a4eda208cac92a53506580de8"
	)
	device := func(vendor, product uint32, maker, name string, descriptors ...string) *farmhoundv1.UsbDevice {
		d := &farmhoundv1.UsbDevice{VendorId: vendor, ProductId: product, Manufacturer: maker, Product: name}
		for _, sum := range descriptors {
			d.Interfaces = append(d.Interfaces, &farmhoundv1.UsbInterface{Class: 3, ReportDescriptorSha256: digest(t, sum)})
		}
		return d
	}
	storage := device(0x38eb, 0x0003, "Dell", "Keyboard")
	storage.StorageNames = []string{"GLINET  Flash Drive     1.00"}
	decoy := device(0x1d6b, 0x0104, "Linux", "Multifunction USB Device", "3ff35a2908d55c14bf4aafb20aad79d621c7a2e3628805b7e30d6873fd9ed35c")
	decoy.Serial = &farmhoundv1.PeripheralSerial{Class: farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN}
	cases := []struct {
		name   string
		device *farmhoundv1.UsbDevice
		want   string
		also   []string
	}{
		{"nil", nil, "", nil},
		{"named", device(0x1d6b, 0x0104, "PiKVM", "PiKVM Composite Device"), "pikvm", nil},
		{"padded words", device(0x1d6b, 0x0104, " jetkvm ", "USB  Emulation Device"), "jetkvm", nil},
		{"vendor of its own", device(0x3346, 0x1009, "x", "y"), "nanokvm", nil},
		{"posing as a Logitech receiver", device(0x046d, 0xc52b, "Logitech", "USB Receiver", kernelKeys, jetPointer), "jetkvm", nil},
		{"firmware that two makers share", device(0x046d, 0xc52b, "Logitech", "USB Receiver", kvmdKeyboard, kvmdPointer), "pikvm", nil},
		{"shared firmware and a word", device(0x1d6b, 0x0104, "PiKVM", "x", kvmdPointer), "pikvm", nil},
		{"storage name survives", storage, "glinet-comet", nil},
		{"real Logitech receiver", device(0x046d, 0xc52b, "Logitech", "USB Receiver"), "", nil},
		{"hobby keyboard", device(0x2341, 0x8036, "Arduino LLC", "Arduino Leonardo", kernelKeys, commonMouse), "", nil},
		{"a Linux gadget", device(0x1d6b, 0x0104, "Linux Foundation", "Multifunction Composite Gadget"), "", nil},
		{"decoy serial and a shared keyboard", decoy, "tinypilot", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, ok := catalog.BuiltIn().USB(c.device)
			if ok != (c.want != "") || m.Entry.GetId() != c.want {
				t.Fatalf("got %q %v, want %q", m.Entry.GetId(), ok, c.want)
			}
			if diff := cmp.Diff(c.also, m.Also); diff != "" {
				t.Error(diff)
			}
		})
	}
	if m, ok := catalog.BuiltIn().ReportDescriptor(digest(t, jetPointer)); !ok || m.Entry.GetId() != "jetkvm" {
		t.Errorf("by descriptor: %v", m.Entry.GetId())
	}
	if m, ok := catalog.BuiltIn().ReportDescriptor(digest(t, commonMouse)); ok {
		t.Errorf("a common mouse is a %s", m.Entry.GetId())
	}
}

func TestDisplay(t *testing.T) {
	t.Parallel()
	display := func(maker string, code uint32, name string) *farmhoundv1.Display {
		return &farmhoundv1.Display{Maker: maker, ProductCode: code, Name: name}
	}
	decoy := func(d *farmhoundv1.Display) *farmhoundv1.Display {
		d.Serial = &farmhoundv1.PeripheralSerial{Class: farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN}
		return d
	}
	virtual := display("XXX", 1, "x")
	virtual.VirtualDriver = "usbmmidd"
	cases := []struct {
		name    string
		display *farmhoundv1.Display
		want    string
	}{
		{"nil", nil, ""},
		{"PiKVM", display("LNX", 0x7771, "PiKVM V3"), "pikvm"},
		{"JetKVM", display("TSB", 0x8801, "T749-fHD720"), "jetkvm"},
		{"Toshiba television", display("TSB", 0x0105, "TOSHIBA-TV"), ""},
		{"built-in second screen with a KVM's ids", display("TSB", 0x8888, "ScreenXpert-"), ""},
		{"monitor whose maker id is KVM", display("KVM", 0x1234, "LCD"), ""},
		{"published decoy", decoy(display("DEL", 0x2013, "DELL D2721H")), ""},
		{"the real monitor", display("DEL", 0x2013, "DELL D2721H"), ""},
		{"virtual display", display("MTT", 0x1337, "VDD by MTT"), "mtt-virtual-display"},
		{"virtual display by its driver", virtual, "usbmmidd"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, ok := catalog.BuiltIn().Display(c.display)
			if ok != (c.want != "") || m.Entry.GetId() != c.want {
				t.Errorf("got %q %v, want %q", m.Entry.GetId(), ok, c.want)
			}
		})
	}
}
