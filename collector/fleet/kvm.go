package fleet

import (
	"encoding/binary"

	"github.com/farmhound-security/farmhound/proto/catalog"
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

// levelOf is the level of a sign.
var levelOf = map[farmhoundv1.RecognisedBy]string{
	farmhoundv1.RecognisedBy_RECOGNISED_BY_IDENTITY:            levelNamed,
	farmhoundv1.RecognisedBy_RECOGNISED_BY_REPORT_DESCRIPTOR:   levelDescriptor,
	farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE_WITH_STORAGE:  levelShapeStorage,
	farmhoundv1.RecognisedBy_RECOGNISED_BY_IMPOSSIBLE_IDENTITY: levelImpossible,
	farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE:               levelShape,
}

// classifyUSB recognises a device that can drive the laptop from elsewhere.
func (u *update) classifyUSB(d *farmhoundv1.UsbDevice) (*fleetv1.PeripheralState, bool) {
	level, name := u.f.recognise(d)
	if level == "" {
		return nil, false
	}
	p := &fleetv1.PeripheralState{Kind: kindKVM, Level: level, Name: name, Keyboard: catalog.ShapeOf(d).Keyboard}
	identity := binary.BigEndian.AppendUint32(nil, d.GetVendorId()<<16|d.GetProductId())
	u.identify(p, d.GetSerial(), identity, func(serial []byte) key {
		return u.f.hash(hashPeripheral, []byte("usb"), identity, serial, []byte(d.GetManufacturer()), []byte(d.GetProduct()))
	})
	return p, true
}

// recognise returns the strongest level that applies, with a name. What the laptop
// took the device for does not count: the keeper of a farm writes its reports.
func (f *Fleet) recognise(d *farmhoundv1.UsbDevice) (level, name string) {
	r, ok := f.cfg.Catalog.RecogniseUSB(d)
	if !ok || !r.RemoteConsole() {
		return "", ""
	}
	switch {
	case r.Entry != nil:
		name = r.Entry.GetName()
	case r.By == farmhoundv1.RecognisedBy_RECOGNISED_BY_IMPOSSIBLE_IDENTITY && r.PosesAs != "":
		name = r.PosesAs
	case d.GetProduct() != "":
		name = d.GetProduct()
	default:
		name = "unnamed USB device"
	}
	return levelOf[r.By], name
}

// pretends says whether a device is known to pretend input: no keyboard of a person.
func (f *Fleet) pretends(d *farmhoundv1.UsbDevice) bool {
	if f.cfg.Catalog == nil {
		return false
	}
	m, ok := f.cfg.Catalog.USB(d)
	return ok && m.Entry.GetCategory() == farmhoundv1.Category_CATEGORY_JIGGLER
}
