package catalog_test

import (
	"encoding/hex"
	"testing"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Interfaces of the cases: how each is read.
var (
	keys      = &farmhoundv1.UsbInterface{Class: 3, Subclass: 1, Protocol: 1, Keyboard: true, ReportDescriptorSha256: make([]byte, 32)}
	positions = &farmhoundv1.UsbInterface{Class: 3, AbsolutePointer: true, ReportDescriptorSha256: make([]byte, 32)}
	movements = &farmhoundv1.UsbInterface{Class: 3, Subclass: 1, Protocol: 2, RelativePointer: true, ReportDescriptorSha256: make([]byte, 32)}
	pen       = &farmhoundv1.UsbInterface{Class: 3, Digitizer: true, ReportDescriptorSha256: make([]byte, 32)}
	drive     = &farmhoundv1.UsbInterface{Class: 8, Subclass: 6, Protocol: 80}
	serial    = &farmhoundv1.UsbInterface{Class: 2, Subclass: 2}
	unread    = &farmhoundv1.UsbInterface{Class: 3}
	played    = &farmhoundv1.UsbInterface{Class: 3, Subclass: 1, Protocol: 1, Keyboard: true, Name: "HID Interface", HidVersion: 0x0101, PollInterval: 4, ReportDescriptorSha256: make([]byte, 32)}
)

// Without a catalogue a device has its shape, and a display has none.
func TestWithoutACatalogue(t *testing.T) {
	t.Parallel()
	var none *catalog.Catalog
	if r, ok := none.RecogniseDisplay(&farmhoundv1.Display{Maker: "ABC", Name: "any"}); ok {
		t.Errorf("a display is %v", r)
	}
	if r, ok := none.RecogniseUSB(&farmhoundv1.UsbDevice{Interfaces: []*farmhoundv1.UsbInterface{keys, positions, drive}}); !ok || r.By != farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE_WITH_STORAGE {
		t.Errorf("a keyboard with absolute pointer and drive is %v, %t", r, ok)
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	const (
		none       = farmhoundv1.RecognisedBy_RECOGNISED_BY_UNSPECIFIED
		storage    = farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE_WITH_STORAGE
		impossible = farmhoundv1.RecognisedBy_RECOGNISED_BY_IMPOSSIBLE_IDENTITY
		shape      = farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE
	)
	type parts = []*farmhoundv1.UsbInterface
	cases := []struct {
		name            string
		vendor, product uint32
		speed           uint32
		class           farmhoundv1.SerialClass
		parts           parts
		want            farmhoundv1.RecognisedBy
		posesAs         string
	}{
		{name: "keyboard", vendor: 0x1234, parts: parts{keys}},
		{name: "keyboard and mouse", vendor: 0x1234, parts: parts{keys, movements}},
		{name: "keyboard with a drive", vendor: 0x1234, parts: parts{keys, movements, drive}},
		{name: "pointer alone", vendor: 0x1234, parts: parts{positions}},
		{name: "pointer with a drive", vendor: 0x1234, parts: parts{positions, drive}},
		{name: "keyboard and pointer", vendor: 0x1234, parts: parts{keys, positions}, want: shape},
		{name: "with a drive", vendor: 0x1234, parts: parts{keys, positions, drive}, want: storage},
		{name: "pen with keys", vendor: 0x1234, parts: parts{keys, positions, pen}},
		{name: "tablet with keys", vendor: 0x28bd, parts: parts{keys, positions}},
		{name: "tablet's id, played by Linux", vendor: 0x28bd, speed: 480, parts: parts{played, positions}, want: shape},
		{name: "tablet's id, played by Linux, with a drive", vendor: 0x28bd, speed: 480, parts: parts{played, positions, drive}, want: storage},
		{name: "touch screen and keyboard, played by Linux", vendor: 0x1234, speed: 480, parts: parts{played, pen}, want: shape},
		{name: "touch screen and keyboard", vendor: 0x1234, speed: 480, parts: parts{keys, pen}},
		{name: "light gun", vendor: 0xd209, product: 0x1601, speed: 12, parts: parts{keys, positions}},
		{name: "light gun, played by Linux", vendor: 0xd209, product: 0x1601, speed: 480, parts: parts{played, positions}, want: shape},
		{name: "light gun on an Arduino", vendor: 0x2341, product: 0x8042, speed: 12, parts: parts{serial, keys, positions}},
		{name: "receiver", vendor: 0x046d, product: 0xc52b, speed: 12, parts: parts{keys, movements, unread}},
		{name: "receiver that points absolutely", vendor: 0x046d, product: 0xc52b, speed: 12, parts: parts{keys, positions}, want: impossible, posesAs: "Logitech Unifying Receiver"},
		{name: "receiver with a drive", vendor: 0x046d, product: 0xc52b, speed: 12, parts: parts{keys, drive}, want: impossible, posesAs: "Logitech Unifying Receiver"},
		{name: "receiver with all", vendor: 0x046d, product: 0xc52b, parts: parts{keys, positions, drive}, want: storage, posesAs: "Logitech Unifying Receiver"},
		{name: "receiver at high speed", vendor: 0x046d, product: 0xc52b, speed: 480, parts: parts{keys, unread}, want: impossible, posesAs: "Logitech Unifying Receiver"},
		{name: "receiver with a serial line", vendor: 0x046d, product: 0xc52b, speed: 12, parts: parts{keys, serial}, want: impossible, posesAs: "Logitech Unifying Receiver"},
		{name: "receiver with a serial number", vendor: 0x046d, product: 0xc52b, speed: 12, class: farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY, parts: parts{keys, movements}, want: impossible, posesAs: "Logitech Unifying Receiver"},
		{name: "receiver without a serial number", vendor: 0x046d, product: 0xc52b, speed: 12, class: farmhoundv1.SerialClass_SERIAL_CLASS_ABSENT, parts: parts{keys, movements}},
		{name: "keyboard with a serial number", vendor: 0x046d, product: 0xc31c, speed: 12, class: farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY, parts: parts{keys}},
		{name: "mouse that points absolutely", vendor: 0x046d, product: 0xc077, parts: parts{positions}, want: impossible, posesAs: "Logitech Mouse"},
		{name: "serial copied from Windows", vendor: 0x1234, class: farmhoundv1.SerialClass_SERIAL_CLASS_WINDOWS_GENERATED, parts: parts{keys}, want: impossible},
		{name: "drive with such a serial", vendor: 0x1234, class: farmhoundv1.SerialClass_SERIAL_CLASS_WINDOWS_GENERATED, parts: parts{drive}},
		{name: "a maker's keyboard, played by Linux", vendor: 0x17ef, product: 0x9999, parts: parts{played}, want: impossible, posesAs: "Lenovo keyboard"},
		{name: "hobby keyboard, played by Linux", vendor: 0x1d6b, product: 0x0104, speed: 480, parts: parts{played}},
		{name: "played by Linux, pointer unread", vendor: 0x1d6b, product: 0x0104, speed: 480, parts: parts{played, unread}, want: shape},
		{name: "fast keyboard", vendor: 0x1234, speed: 480, parts: parts{keys, movements, unread}},
		{name: "gadget that is no input", vendor: 0x1d6b, product: 0x0104, speed: 480, parts: parts{serial, drive}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := &farmhoundv1.UsbDevice{VendorId: c.vendor, ProductId: c.product, SpeedMbps: c.speed, Interfaces: c.parts, Serial: &farmhoundv1.PeripheralSerial{Class: c.class}}
			r, ok := catalog.BuiltIn().RecogniseUSB(d)
			if ok != (c.want != none) || r.By != c.want || r.PosesAs != c.posesAs || r.Entry != nil {
				t.Errorf("got %v %q %v", r.By, r.PosesAs, r.Entry.GetId())
			}
			if ok && !r.RemoteConsole() {
				t.Error("a shape is a remote console")
			}
			// Without a catalogue the shape is the same.
			var nothing *catalog.Catalog
			if again, _ := nothing.RecogniseUSB(d); again.By != r.By {
				t.Errorf("without a catalogue %v", again.By)
			}
		})
	}
}

// Known to be something else, by its own words, and yet shaped like a console.
func TestRecognisedAsSomethingElse(t *testing.T) {
	t.Parallel()
	jiggler := &farmhoundv1.UsbDevice{VendorId: 0x16c0, ProductId: 0x27da, Manufacturer: "digistump.com", Interfaces: []*farmhoundv1.UsbInterface{movements}}
	r, ok := catalog.BuiltIn().RecogniseUSB(jiggler)
	if !ok || r.Entry.GetId() != "hardware-jiggler" || r.RemoteConsole() {
		t.Errorf("jiggler: %v %v", r.Entry.GetId(), r.By)
	}
	jiggler.Interfaces = []*farmhoundv1.UsbInterface{keys, positions, drive}
	if r, ok := catalog.BuiltIn().RecogniseUSB(jiggler); !ok || !r.RemoteConsole() {
		t.Errorf("a console with a jiggler's ids: %v", r.By)
	}
}

// What is built into the laptop is as its maker made it, unless Linux plays it or it
// says itself what it is.
func TestBuiltIn(t *testing.T) {
	t.Parallel()
	yes := true
	for name, c := range map[string]struct {
		device *farmhoundv1.UsbDevice
		found  bool
	}{
		"keyboard cover":      {&farmhoundv1.UsbDevice{VendorId: 0x1234, BuiltIn: &yes, Interfaces: []*farmhoundv1.UsbInterface{keys, positions}}, false},
		"played by Linux":     {&farmhoundv1.UsbDevice{VendorId: 0x1234, BuiltIn: &yes, SpeedMbps: 480, Interfaces: []*farmhoundv1.UsbInterface{played, positions}}, true},
		"named":               {&farmhoundv1.UsbDevice{VendorId: 0x1d6b, BuiltIn: &yes, Manufacturer: "PiKVM"}, true},
		"keyboard on a cable": {&farmhoundv1.UsbDevice{VendorId: 0x1234, Interfaces: []*farmhoundv1.UsbInterface{keys, positions}}, true},
	} {
		if _, ok := catalog.BuiltIn().RecogniseUSB(c.device); ok != c.found {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

// Two descriptors of one firmware, neither of which says enough alone, name it at a
// gadget's speed, and only there.
func TestTwoReportDescriptorsNameTheFirmware(t *testing.T) {
	t.Parallel()
	sum := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	keyboard := &farmhoundv1.UsbInterface{Class: 3, Keyboard: true, ReportDescriptorSha256: sum("5333cc3a23db1dd7a9e8303e2169a54a7070f69822fa503014834652c24410b6")}
	pointer := &farmhoundv1.UsbInterface{Class: 3, RelativePointer: true, ReportDescriptorSha256: sum("92155ddf022d4091f5e15eea5871107cd6ff7a4e6ada0ef931bd14b86c5632d0")}
	for _, c := range []struct {
		name  string
		speed uint32
		parts []*farmhoundv1.UsbInterface
		found bool
	}{
		{"both at high speed", 480, []*farmhoundv1.UsbInterface{keyboard, pointer}, true},
		{"both at full speed", 12, []*farmhoundv1.UsbInterface{keyboard, pointer}, false},
		{"one of them twice", 480, []*farmhoundv1.UsbInterface{keyboard, keyboard}, false},
		{"one beside an unknown one", 480, []*farmhoundv1.UsbInterface{keyboard, movements}, false},
	} {
		d := &farmhoundv1.UsbDevice{VendorId: 0x3434, ProductId: 0x0109, SpeedMbps: c.speed, Interfaces: c.parts}
		r, found := catalog.BuiltIn().RecogniseUSB(d)
		if found != c.found || found && (r.By != farmhoundv1.RecognisedBy_RECOGNISED_BY_REPORT_DESCRIPTOR || r.Entry.GetId() != "pikvm") {
			t.Errorf("%s: found %v, %v", c.name, found, r)
		}
	}
}
