package fleet

import (
	"encoding/binary"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Levels of recognising a remote console, strongest first: how hard each is to fake.
const (
	levelNamed        = "named"
	levelDescriptor   = "descriptor"
	levelShapeStorage = "shape_storage"
	levelImpossible   = "impossible"
	levelShape        = "shape"
)

var levels = []string{levelNamed, levelDescriptor, levelShapeStorage, levelImpossible, levelShape}

const (
	classHID     = 3
	classStorage = 8
)

type usbID struct{ vendor, product uint32 }

// keyboardsOnly are real products that neither point absolutely nor offer
// storage, and whose ids remote consoles borrow.
var keyboardsOnly = map[usbID]string{
	{0x046d, 0xc52b}: "Logitech Unifying receiver",
	{0x045e, 0x005f}: "Microsoft keyboard",
	{0x413c, 0x2011}: "Dell keyboard",
}

// absoluteMakers make tablets, touch screens and virtual machines' pointers,
// which point absolutely for honest reasons.
var absoluteMakers = map[uint32]bool{
	0x056a: true, // Wacom
	0x256c: true, // Huion, Gaomon
	0x28bd: true, // XP-Pen
	0x5543: true, // UC-Logic
	0x04e7: true, // Elo
	0x0eef: true, // eGalax
	0x17e9: true, // DisplayLink
	0x0627: true, // QEMU
	0x0e0f: true, // VMware
	0x80ee: true, // VirtualBox
}

// classifyUSB recognises a device that can drive the laptop from elsewhere.
func (u *update) classifyUSB(d *farmhoundv1.UsbDevice) (*fleetv1.PeripheralState, bool) {
	if d.GetBuiltIn() {
		return nil, false
	}
	level, name := u.f.recognise(d)
	if level == "" {
		return nil, false
	}
	keyboard, _, _ := shape(d)
	p := &fleetv1.PeripheralState{Kind: kindKVM, Level: level, Name: name, Keyboard: keyboard}
	identity := binary.BigEndian.AppendUint32(nil, d.GetVendorId()<<16|d.GetProductId())
	u.identify(p, d.GetSerial(), identity, func(serial []byte) key {
		return u.f.hash(hashPeripheral, []byte("usb"), identity, serial, []byte(d.GetManufacturer()), []byte(d.GetProduct()))
	})
	return p, true
}

// recognise returns the strongest level that applies, with a name.
func (f *Fleet) recognise(d *farmhoundv1.UsbDevice) (level, name string) {
	if f.cfg.Catalog != nil {
		if m, ok := f.cfg.Catalog.USB(d); ok {
			if m.Entry.GetCategory() != farmhoundv1.Category_CATEGORY_IP_KVM {
				return "", "" // known to be something else
			}
			level = levelDescriptor
			for _, fact := range m.Facts {
				if fact.GetKind() == farmhoundv1.FactKind_FACT_KIND_USB && fact.GetStrength() != farmhoundv1.Strength_STRENGTH_WEAK {
					level = levelNamed
				}
			}
			return level, m.Entry.GetName()
		}
	}
	keyboard, absolute, storage := shape(d)
	name = d.GetProduct()
	if name == "" {
		name = "unnamed USB device"
	}
	if known, ok := keyboardsOnly[usbID{d.GetVendorId(), d.GetProductId()}]; ok {
		switch {
		case keyboard && absolute && storage:
			return levelShapeStorage, name
		case absolute || storage:
			return levelImpossible, known
		}
		return "", ""
	}
	if !keyboard || !absolute || absoluteMakers[d.GetVendorId()] {
		return "", ""
	}
	if storage {
		return levelShapeStorage, name
	}
	return levelShape, name
}

// pretends says whether a device is known to pretend input: no keyboard of a person.
func (f *Fleet) pretends(d *farmhoundv1.UsbDevice) bool {
	if f.cfg.Catalog == nil {
		return false
	}
	m, ok := f.cfg.Catalog.USB(d)
	return ok && m.Entry.GetCategory() == farmhoundv1.Category_CATEGORY_JIGGLER
}

// shape says what one device offers as a whole.
func shape(d *farmhoundv1.UsbDevice) (keyboard, absolute, storage bool) {
	for _, i := range d.GetInterfaces() {
		keyboard = keyboard || isKeyboard(i)
		absolute = absolute || i.GetAbsolutePointer()
		storage = storage || i.GetClass() == classStorage
	}
	return keyboard, absolute, storage || len(d.GetStorageNames()) > 0
}

// isKeyboard takes the boot protocol for a report descriptor that cannot be read.
func isKeyboard(i *farmhoundv1.UsbInterface) bool {
	return i.GetKeyboard() || i.GetClass() == classHID && i.GetSubclass() == 1 && i.GetProtocol() == 1
}

// isInput says whether a device is a keyboard or pointer at all.
func isInput(d *farmhoundv1.UsbDevice) bool {
	return slices.ContainsFunc(d.GetInterfaces(), func(i *farmhoundv1.UsbInterface) bool {
		return isKeyboard(i) || i.GetRelativePointer() || i.GetAbsolutePointer() ||
			i.GetClass() == classHID && i.GetSubclass() == 1 && i.GetProtocol() == 2
	})
}
