package catalog

import (
	"cmp"
	"slices"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Recognised is what a device was taken for.
type Recognised struct {
	// Entry is the catalogue's; nil where the device matches none and only its
	// shape gives it away. It must not be changed.
	Entry *farmhoundv1.Entry
	// By is the sign, never unspecified.
	By farmhoundv1.RecognisedBy
	// PosesAs is the product whose ids the device borrows, empty where it is none
	// that is known.
	PosesAs string
}

// RemoteConsole reports whether what was recognised drives a laptop from elsewhere.
func (r Recognised) RemoteConsole() bool {
	return r.Entry == nil || r.Entry.GetCategory() == farmhoundv1.Category_CATEGORY_IP_KVM
}

// RecogniseUSB says what a USB device is: an entry by its identity or by the report
// descriptors in its firmware, or else a remote console by its shape. Whoever
// changes every identifier of a remote console leaves the report descriptors, and
// whoever changes those leaves the shape. A nil catalogue knows shapes only.
func (c *Catalog) RecogniseUSB(d *farmhoundv1.UsbDevice) (Recognised, bool) {
	var m Match
	known := false
	if c != nil {
		m, known = c.USB(d)
	}
	if known && m.Entry.GetCategory() == farmhoundv1.Category_CATEGORY_IP_KVM {
		return Recognised{Entry: m.Entry, By: m.by()}, true
	}
	if entry := c.firmware(d); entry != nil {
		return Recognised{Entry: entry, By: farmhoundv1.RecognisedBy_RECOGNISED_BY_REPORT_DESCRIPTOR}, true
	}
	by, posesAs := shapeOf(d)
	if by != farmhoundv1.RecognisedBy_RECOGNISED_BY_UNSPECIFIED {
		return Recognised{By: by, PosesAs: posesAs}, true
	}
	if known {
		return Recognised{Entry: m.Entry, By: m.by()}, true
	}
	return Recognised{}, false
}

// firmware returns the remote console of which the device carries two different
// report descriptors, neither of which says enough alone, where it runs at the speed
// of Linux's gadgets and not of keyboards; nil where there is none.
func (c *Catalog) firmware(d *farmhoundv1.UsbDevice) *farmhoundv1.Entry {
	if c == nil || d.GetSpeedMbps() < highSpeed {
		return nil
	}
	refs := c.hardware().usbTouched(d)
	slices.SortFunc(refs, func(a, b reference) int {
		return cmp.Or(cmp.Compare(a.entry, b.entry), cmp.Compare(a.fact, b.fact))
	})
	var found *farmhoundv1.Entry
	carried := 0
	var last reference
	for _, ref := range slices.Compact(refs) {
		f := c.fact(ref)
		if f.GetKind() != farmhoundv1.FactKind_FACT_KIND_USB_REPORT_DESCRIPTOR || f.GetStrength() != farmhoundv1.Strength_STRENGTH_SUPPORTING {
			continue
		}
		if carried++; carried == 1 || last.entry != ref.entry {
			carried, last = 1, ref
			continue
		}
		entry := c.entry(int(ref.entry))
		if entry.GetCategory() != farmhoundv1.Category_CATEGORY_IP_KVM {
			continue
		}
		// Firmware that others build on is named after where it comes from.
		if found == nil || slices.ContainsFunc(entry.GetFacts(), ownFirmware) {
			found = entry
		}
	}
	return found
}

// ownFirmware reports whether a fact is a report descriptor that nobody else has.
func ownFirmware(f *farmhoundv1.Fact) bool {
	return f.GetKind() == farmhoundv1.FactKind_FACT_KIND_USB_REPORT_DESCRIPTOR && f.GetStrength() == farmhoundv1.Strength_STRENGTH_IDENTIFYING
}

// RecogniseDisplay says which entry a display is. Displays have no shape of their
// own: cheap monitors state as little as remote consoles do, and a nil catalogue
// knows none.
func (c *Catalog) RecogniseDisplay(d *farmhoundv1.Display) (Recognised, bool) {
	if c == nil {
		return Recognised{}, false
	}
	m, ok := c.Display(d)
	if !ok {
		return Recognised{}, false
	}
	return Recognised{Entry: m.Entry, By: farmhoundv1.RecognisedBy_RECOGNISED_BY_IDENTITY}, true
}

// by is the sign of a match of hardware: its words count before its firmware.
func (m Match) by() farmhoundv1.RecognisedBy {
	for _, f := range m.Facts {
		if f.GetKind() == farmhoundv1.FactKind_FACT_KIND_USB && f.GetStrength() != farmhoundv1.Strength_STRENGTH_WEAK {
			return farmhoundv1.RecognisedBy_RECOGNISED_BY_IDENTITY
		}
	}
	return farmhoundv1.RecognisedBy_RECOGNISED_BY_REPORT_DESCRIPTOR
}

const (
	classHID     = 3
	classStorage = 8

	subclassBoot     = 1
	protocolKeyboard = 1
	protocolMouse    = 2

	fullSpeed = 12  // Mb/s
	highSpeed = 480 // Mb/s
)

// Shape is what one USB device offers as a whole.
type Shape struct {
	// Keyboard, Absolute and Relative are keyboards and pointers among its interfaces.
	Keyboard, Absolute, Relative bool
	// Digitizer is a pen or touch surface, which also points absolutely.
	Digitizer bool
	// Storage is mass storage.
	Storage bool
	// Gadget says that its keyboard is one that Linux plays: hardware has none of
	// the signs of which it shows two.
	Gadget bool
	// Unread says that an input interface could be a pointer, but its report
	// descriptor could not be read.
	Unread bool
}

// ShapeOf says what a device offers. A boot interface is a keyboard or mouse by
// its protocol where the report descriptor cannot be read.
func ShapeOf(d *farmhoundv1.UsbDevice) Shape {
	s := Shape{Storage: len(d.GetStorageNames()) > 0}
	for _, i := range d.GetInterfaces() {
		if i.GetClass() == classStorage {
			s.Storage = true
		}
		if i.GetClass() != classHID {
			continue
		}
		read := len(i.GetReportDescriptorSha256()) > 0
		boot := i.GetSubclass() == subclassBoot
		keyboard := i.GetKeyboard() || !read && boot && i.GetProtocol() == protocolKeyboard
		s.Keyboard = s.Keyboard || keyboard
		s.Absolute = s.Absolute || i.GetAbsolutePointer()
		s.Digitizer = s.Digitizer || i.GetDigitizer()
		s.Relative = s.Relative || i.GetRelativePointer() || !read && boot && i.GetProtocol() == protocolMouse
		s.Unread = s.Unread || !read && !boot && !i.GetAbsolutePointer() && !i.GetRelativePointer() && !i.GetDigitizer() && !i.GetConsumerControl()
		s.Gadget = s.Gadget || keyboard && played(i, d.GetSpeedMbps())
	}
	return s
}

// Input says whether the device is a keyboard or pointer at all.
func (s Shape) Input() bool { return s.Keyboard || s.Absolute || s.Relative }

// played reports whether at least two signs say that Linux's HID gadget plays the
// keyboard: the gadget names its interfaces "HID Interface", states version 1.01 of
// the HID standard with an interval of 4 at high speed and 10 at full speed, and
// runs at high speed, which few keyboards of hardware do.
func played(i *farmhoundv1.UsbInterface, speed uint32) bool {
	signs := 0
	for _, sign := range []bool{
		sameWords(i.GetName(), "HID Interface"),
		i.GetHidVersion() == 0x0101 && (i.GetPollInterval() == 4 || i.GetPollInterval() == 10),
		speed >= highSpeed,
	} {
		if sign {
			signs++
		}
	}
	return signs >= 2
}

// shapeOf is the rule for disguised remote consoles. One USB device that is both a
// keyboard and a pointer with absolute coordinates is what a console needs and no
// ordinary keyboard or mouse is; the exceptions are in hardware_known.go.
func shapeOf(d *farmhoundv1.UsbDevice) (by farmhoundv1.RecognisedBy, posesAs string) {
	s := ShapeOf(d)
	product, isProduct := ordinaryProducts[usbID{d.GetVendorId(), d.GetProductId()}]
	posesAs = product.name
	honest := pointsHonestly(d) && !s.Gadget
	switch {
	case d.GetBuiltIn() && !s.Gadget:
		// What is built in is as its maker made it.
		return 0, ""
	case !s.Keyboard && !isProduct:
		return 0, ""
	case s.Keyboard && s.Absolute && s.Storage && !honest:
		return farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE_WITH_STORAGE, posesAs
	case isProduct && product.impossible(s, d):
		return farmhoundv1.RecognisedBy_RECOGNISED_BY_IMPOSSIBLE_IDENTITY, posesAs
	case !s.Keyboard:
		return 0, ""
	case d.GetSerial().GetClass() == farmhoundv1.SerialClass_SERIAL_CLASS_WINDOWS_GENERATED:
		// Windows makes this form up for devices without a serial number. One that
		// sends it copied what Windows shows for the device that it poses as.
		return farmhoundv1.RecognisedBy_RECOGNISED_BY_IMPOSSIBLE_IDENTITY, posesAs
	case s.Gadget && keyboardMakers[d.GetVendorId()] != "":
		return farmhoundv1.RecognisedBy_RECOGNISED_BY_IMPOSSIBLE_IDENTITY, keyboardMakers[d.GetVendorId()] + " keyboard"
	case s.Absolute && !honest:
		return farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE, ""
	case s.Gadget && (s.Relative || s.Digitizer || s.Unread || s.Storage):
		// A console with its pointer set to relative or declared as a touch screen, or
		// whose report descriptors cannot be read. A lone keyboard that Linux plays is a hobby project.
		return farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE, ""
	}
	return 0, ""
}

// impossible reports whether the device offers what the product does not have.
func (p ordinaryProduct) impossible(s Shape, d *farmhoundv1.UsbDevice) bool {
	return s.Absolute || s.Storage && !p.storage || s.Gadget || d.GetSpeedMbps() > fullSpeed ||
		d.GetSerial().GetClass() == farmhoundv1.SerialClass_SERIAL_CLASS_WINDOWS_GENERATED ||
		p.unnumbered && d.GetSerial().GetClass() > farmhoundv1.SerialClass_SERIAL_CLASS_ABSENT ||
		slices.ContainsFunc(d.GetInterfaces(), func(i *farmhoundv1.UsbInterface) bool { return networks[i.GetClass()] })
}

// networks are the interface classes of network adapters, modems and serial lines.
var networks = map[uint32]bool{0x02: true, 0x0a: true, 0xe0: true}

// pointsHonestly reports whether a device is of a kind that points absolutely for
// reasons of its own.
func pointsHonestly(d *farmhoundv1.UsbDevice) bool {
	if absoluteMakers[d.GetVendorId()] != "" {
		return true
	}
	for _, p := range absoluteProducts {
		if p.vendor == d.GetVendorId() && p.first <= d.GetProductId() && d.GetProductId() <= p.last &&
			(p.maker == "" || strings.Contains(words(d.GetManufacturer()), p.maker)) {
			return true
		}
	}
	// A pen or touch surface beside the pointer: a tablet or touch screen with keys.
	return ShapeOf(d).Digitizer
}
