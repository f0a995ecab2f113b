// Package usb reads what a USB device states of itself: its binary descriptors
// and the report descriptors of its HID interfaces.
//
// The bytes come from whatever is plugged into the laptop. A length that leads
// out of the bytes, or that is too short for what it describes, ends the reading;
// what was read before stays. The package imports nothing of Farmhound.
package usb

import (
	"encoding/binary"
)

// Bounds on what is kept of one device.
const (
	// MaxInterfaces is the most that a report may hold.
	MaxInterfaces = 32
	// MaxDescriptors bounds the bytes of one device that are worth reading. The
	// total length of a configuration is a 16-bit number.
	MaxDescriptors = 64 << 10
)

// Types of descriptors.
const (
	typeDevice        = 1
	typeConfiguration = 2
	typeInterface     = 4
	typeEndpoint      = 5
	typeHID           = 0x21
)

// ClassHID is the interface class of human interface devices.
const ClassHID = 3

// Device is what a device's descriptors say.
type Device struct {
	Vendor, Product uint16
	// Interfaces of the first configuration in their order, each with its first setting.
	Interfaces []Interface
}

// Interface is one interface of a device.
type Interface struct {
	Number                    uint8
	Class, Subclass, Protocol uint8
	// HIDVersion is bcdHID, 0 where it states none.
	HIDVersion uint16
	// Interval is bInterval of its interrupt endpoint towards the computer, 0 where
	// it has none.
	Interval uint8
}

// ParseDescriptors reads a device descriptor and the configuration after it, as
// Linux gives them in the file "descriptors". The device descriptor may be missing.
// It is not ok where neither it nor an interface can be read.
func ParseDescriptors(data []byte) (d Device, ok bool) {
	configurations := 0
	settled := true // whether the interface being read is one to keep
	for len(data) >= 2 {
		size, kind := int(data[0]), data[1]
		if size < 2 || size > len(data) {
			break
		}
		b := data[:size]
		data = data[size:]
		switch {
		case kind == typeDevice && size >= 18 && !ok:
			d.Vendor, d.Product = binary.LittleEndian.Uint16(b[8:]), binary.LittleEndian.Uint16(b[10:])
			ok = true
		case kind == typeConfiguration:
			if configurations++; configurations > 1 {
				return d, ok
			}
		case kind == typeInterface && size >= 9:
			const alternate = 3
			if settled = b[alternate] == 0 && len(d.Interfaces) < MaxInterfaces; settled {
				d.Interfaces = append(d.Interfaces, Interface{Number: b[2], Class: b[5], Subclass: b[6], Protocol: b[7]})
				ok = true
			}
		case settled && len(d.Interfaces) > 0:
			d.Interfaces[len(d.Interfaces)-1].detail(kind, b)
		}
	}
	return d, ok
}

// detail takes what a descriptor after an interface says of it.
func (i *Interface) detail(kind byte, b []byte) {
	switch {
	case kind == typeHID && len(b) >= 9 && i.Class == ClassHID:
		i.HIDVersion = binary.LittleEndian.Uint16(b[2:])
	case kind == typeEndpoint && len(b) >= 7:
		const towardsComputer, transfer, interrupt = 0x80, 3, 3
		if b[2]&towardsComputer != 0 && b[3]&transfer == interrupt && i.Interval == 0 {
			i.Interval = b[6]
		}
	}
}
