package fleet

import (
	"encoding/binary"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const keptPeripherals = 16

// Kinds of peripherals that a picture remembers.
const (
	kindKVM     = "kvm"
	kindDisplay = "display"
	kindDummy   = "dummy_display"
)

// hardware replaces what is known to be attached.
func (u *update) hardware() {
	part := u.rep.GetHardware()
	if part == nil {
		for _, p := range u.pic.GetPeripherals() {
			if p.GetPresent() && !u.newRun {
				p.LastUnix = max(p.GetLastUnix(), u.at)
			}
		}
		return
	}
	u.pic.Hardware = &fleetv1.HardwareState{}
	listed := make(map[string]bool)
	for _, d := range part.GetUsb() {
		if c, ok := u.f.classifyUSB(d); ok {
			u.peripheral(c, listed)
		} else if d.BuiltIn == nil || !d.GetBuiltIn() {
			u.pic.Hardware.OtherInputAttached = u.pic.Hardware.OtherInputAttached || isInput(d)
		}
	}
	for _, d := range part.GetDisplays() {
		if !d.GetBuiltIn() {
			u.peripheral(u.f.classifyDisplay(d), listed)
		}
	}
	for _, p := range u.pic.GetPeripherals() {
		if p.GetPresent() && !listed[string(p.GetKey())] {
			p.Present = false
			u.event(u.at, "hardware_detached", sentence("%s was detached.", peripheralWords(p)))
		}
	}
	u.pic.Peripherals = keepPeripherals(u.pic.GetPeripherals())
}

// peripheral enters one attached peripheral.
func (u *update) peripheral(found *fleetv1.PeripheralState, listed map[string]bool) {
	listed[string(found.GetKey())] = true
	i := slices.IndexFunc(u.pic.GetPeripherals(), func(p *fleetv1.PeripheralState) bool {
		return string(p.GetKey()) == string(found.GetKey())
	})
	if i < 0 {
		found.FirstUnix = u.at
		u.pic.Peripherals = append(u.pic.Peripherals, found)
		i = len(u.pic.Peripherals) - 1
	}
	p := u.pic.Peripherals[i]
	if !p.GetPresent() {
		u.event(u.at, "hardware_attached", sentence("%s was attached.", peripheralWords(found)))
	}
	// Recognition follows the catalogue, which may have grown.
	p.Kind, p.Level, p.Name, p.Serial = found.GetKind(), found.GetLevel(), found.GetName(), found.GetSerial()
	p.Present = true
	p.LastUnix = max(p.GetLastUnix(), u.at)
}

func peripheralWords(p *fleetv1.PeripheralState) string {
	switch {
	case p.GetKind() == kindDummy:
		return "A display that is not there, " + quote(p.GetName()) + ","
	case p.GetKind() == kindDisplay:
		return "The display " + quote(p.GetName())
	case p.GetLevel() == levelNamed || p.GetLevel() == levelDescriptor:
		return "The remote console " + quote(p.GetName())
	}
	return "A device shaped like a remote console, " + quote(p.GetName()) + ","
}

// keepPeripherals drops the longest detached beyond the bound, displays first.
func keepPeripherals(all []*fleetv1.PeripheralState) []*fleetv1.PeripheralState {
	worth := func(p *fleetv1.PeripheralState) int64 {
		w := p.GetLastUnix()
		if p.GetKind() != kindDisplay {
			w += 90 * daySeconds
		}
		if p.GetPresent() {
			w += 30 * daySeconds
		}
		return w
	}
	for len(all) > keptPeripherals {
		least := 0
		for i, p := range all {
			if worth(p) < worth(all[least]) {
				least = i
			}
		}
		all = slices.Delete(all, least, least+1)
	}
	return all
}

func (f *Fleet) classifyDisplay(d *farmhoundv1.Display) *fleetv1.PeripheralState {
	p := &fleetv1.PeripheralState{Kind: kindDisplay, Name: d.GetName()}
	if p.Name == "" {
		p.Name = d.GetMaker()
	}
	identity := binary.BigEndian.AppendUint32([]byte(d.GetMaker()), d.GetProductCode())
	if d.GetSerial().GetClass() == farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY && len(d.GetSerial().GetHash()) > 0 {
		k := f.hash(hashPeripheral, identity, d.GetSerial().GetHash())
		p.Serial = k[:]
	}
	k := f.hash(hashPeripheral, []byte("display"), identity, []byte(d.GetName()), []byte(d.GetVirtualDriver()), d.GetSerial().GetHash())
	p.Key = k[:]
	if f.cfg.Catalog == nil {
		return p
	}
	m, ok := f.cfg.Catalog.Display(d)
	if !ok {
		return p
	}
	switch m.Entry.GetCategory() {
	case farmhoundv1.Category_CATEGORY_IP_KVM:
		p.Kind, p.Level, p.Name = kindKVM, levelNamed, m.Entry.GetName()
	case farmhoundv1.Category_CATEGORY_VIRTUAL_DISPLAY:
		p.Kind, p.Name = kindDummy, m.Entry.GetName()
	}
	return p
}
