package hardware

import (
	"crypto/sha256"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/usb"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// Bounds of the schema on a device's words, in bytes.
const (
	maxWord    = 64
	maxPort    = 32
	maxStorage = 8
)

// device is one USB device as a system tells of it, before anything is judged.
type device struct {
	port                       string
	location                   uint64 // of macOS
	instance                   string // of Windows, upper case
	vendor, product            uint16
	manufacturer, name, serial string
	speed                      uint32 // Mb/s
	builtIn                    *bool
	interfaces                 []function
	storage                    []string // SCSI inquiry names: vendor, product, revision
}

// function is one interface of a device.
type function struct {
	usb.Interface
	name string
	// digest of its report descriptor; nil where that could not be read.
	digest []byte
	report usb.Report
}

// read takes in a report descriptor.
func (f *function) read(descriptor []byte) {
	sum := sha256.Sum256(descriptor)
	f.digest, f.report = sum[:], usb.ParseReport(descriptor)
}

// usb is the device as a report carries it.
func (c *config) usb(d *device) *farmhoundv1.UsbDevice {
	out := &farmhoundv1.UsbDevice{
		VendorId: uint32(d.vendor), ProductId: uint32(d.product),
		Manufacturer: word(d.manufacturer, maxWord), Product: word(d.name, maxWord),
		Serial:    c.keys.Serial(fleetkey.PeripheralSerial, d.serial),
		SpeedMbps: d.speed, PortPath: token(d.port, maxPort), BuiltIn: d.builtIn,
	}
	for i := range d.interfaces[:min(len(d.interfaces), usb.MaxInterfaces)] {
		f := &d.interfaces[i]
		out.Interfaces = append(out.Interfaces, &farmhoundv1.UsbInterface{
			Class: uint32(f.Class), Subclass: uint32(f.Subclass), Protocol: uint32(f.Protocol),
			Name:                   word(f.name, maxWord),
			ReportDescriptorSha256: f.digest,
			Keyboard:               f.report.Keyboard,
			AbsolutePointer:        f.report.AbsolutePointer,
			RelativePointer:        f.report.RelativePointer,
			Digitizer:              f.report.Digitizer,
			ConsumerControl:        f.report.ConsumerControl,
			HidVersion:             uint32(f.HIDVersion),
			PollInterval:           uint32(f.Interval),
		})
	}
	for _, name := range d.storage[:min(len(d.storage), maxStorage)] {
		if name = word(name, maxWord); name != "" {
			out.StorageNames = append(out.StorageNames, name)
		}
	}
	if r, ok := c.catalog.RecogniseUSB(out); ok {
		out.CatalogId, out.RecognisedBy = r.Entry.GetId(), r.By
	}
	return out
}

// word makes what a device says of itself fit for a report: printable, on one
// line, of bounded length.
func word(s string, longest int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) > longest {
		cut := longest
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = strings.TrimSpace(s[:cut])
	}
	return s
}

// token keeps letters, digits and the marks that identifiers use.
func token(s string, longest int) string {
	s = strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-:/+@~", r) {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), longest)]
}

func yes(b bool) *bool { return proto.Bool(b) }

// comparePorts orders port paths by their numbers.
func comparePorts(a, b string) int {
	split := func(r rune) bool { return r == '-' || r == '.' }
	return slices.CompareFunc(strings.FieldsFunc(a, split), strings.FieldsFunc(b, split), func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
}
