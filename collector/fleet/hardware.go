package fleet

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	keptPeripherals = 16
	keptPrefixes    = 3
)

// Kinds of peripherals that a picture remembers.
const (
	kindKVM     = "kvm"
	kindDisplay = "display"
	kindDummy   = "dummy_display"
)

// hardware keeps what is known of peripherals: what the latest report with them
// lists is attached.
func (u *update) hardware() {
	part := u.rep.GetHardware()
	latest := u.takes(&u.pic.Orders.Hardware, part != nil)
	switch {
	case part != nil:
		u.peripherals(part, latest)
		u.pic.HardwareSeenUnix = max(u.pic.GetHardwareSeenUnix(), u.at)
	case latest:
		u.pic.Hardware, u.pic.HardwareSeenUnix = nil, 0 // unknown from now on
	case u.pic.GetHardware() != nil && u.order > u.pic.GetOrders().GetHardware() && u.works("hardware"):
		u.pic.HardwareSeenUnix = max(u.pic.GetHardwareSeenUnix(), u.at) // unchanged
		u.beside()
	}
}

func (u *update) peripherals(part *farmhoundv1.Hardware, latest bool) {
	u.pic.HardwareParts = u.carried(u.pic.GetHardwareParts())
	other := false
	for _, d := range part.GetUsb() {
		if c, ok := u.classifyUSB(d); ok {
			u.peripheral(c)
		} else if !d.GetBuiltIn() && catalog.ShapeOf(d).Input() && !u.f.pretends(d) {
			other = true
		}
	}
	for _, d := range part.GetDisplays() {
		if !d.GetBuiltIn() {
			u.peripheral(u.classifyDisplay(d))
		}
	}
	if latest {
		u.pic.Hardware = &fleetv1.HardwareState{OtherInputAttached: other}
	}
	for i, p := range u.pic.GetPeripherals() {
		present := p.GetListedOrder() == u.pic.GetOrders().GetHardware()
		last := p.GetLastUnix()
		if at, ok := goneAt(u.pic.GetHardwareParts(), p.GetListedOrder()); ok && !present {
			last = at
		}
		if present == p.GetPresent() && last == p.GetLastUnix() {
			continue
		}
		was := p.GetPresent()
		p = edit(&u.draft, u.pic.GetPeripherals(), i)
		p.Present, p.LastUnix = present, last
		if was && !present && latest {
			u.event(u.at, "hardware_detached", sentence("%s is no longer attached.", peripheralWords(p)))
		}
	}
	u.pic.Peripherals = keepPeripherals(u.pic.GetPeripherals())
	if latest {
		u.beside()
	}
}

// peripheral enters one attached peripheral.
func (u *update) peripheral(found *fleetv1.PeripheralState) {
	list := u.pic.GetPeripherals()
	i := slices.IndexFunc(list, func(p *fleetv1.PeripheralState) bool { return string(p.GetKey()) == string(found.GetKey()) })
	if i < 0 {
		found.FirstUnix, found.LastUnix = u.at, u.at
		u.made(found)
		i = len(list)
		list = append(list, found)
		u.pic.Peripherals = list
	}
	p := edit(&u.draft, list, i)
	p.FirstUnix = min(p.GetFirstUnix(), u.at)
	if u.order < p.GetListedOrder() {
		return
	}
	if !p.GetPresent() && u.order == u.pic.GetOrders().GetHardware() && p.GetListedOrder() != u.order {
		u.event(u.at, "hardware_attached", sentence("%s is attached.", peripheralWords(found)))
	}
	// Recognition follows the catalogue, which may have grown.
	p.Kind, p.Level, p.Name, p.Serial, p.Keyboard = found.GetKind(), found.GetLevel(), found.GetName(), found.GetSerial(), found.GetKeyboard()
	p.ListedOrder = u.order
	p.LastUnix = max(p.GetLastUnix(), u.at)
}

// beside notes the egress networks beside which peripherals with a serial are
// attached: that by which the report came, and that of the physical interface where a
// tunnel takes the laptop's traffic. A company's own egress stands for no place, and at
// an office people share desks.
func (u *update) beside() {
	if u.late {
		return
	}
	u.attachedBehind(u.peer())
	if physical, err := netip.ParseAddr(u.pic.GetNetwork().GetPhysical()); err == nil {
		i := slices.IndexFunc(u.pic.GetEgresses(), func(e *fleetv1.EgressState) bool {
			known, err := netip.ParseAddr(e.GetAddress())
			return err == nil && sameEgress(known, physical)
		})
		if i >= 0 && u.plausible(u.pic.GetEgresses()[i], u.pic.GetNetwork()) {
			u.attachedBehind(physical)
		}
	}
}

func (u *update) attachedBehind(addr netip.Addr) {
	prefix := egressPrefix(addr)
	if prefix == "" || u.f.cfg.Company.owns(addr) || u.atOffice(u.pic.GetNetwork(), addr) {
		return
	}
	for i, p := range u.pic.GetPeripherals() {
		if len(p.GetSerial()) == 0 || p.GetListedOrder() != u.pic.GetOrders().GetHardware() {
			continue
		}
		if n := len(p.GetEgressPrefixes()); n > 0 && p.GetEgressPrefixes()[n-1] == prefix {
			continue
		}
		p = edit(&u.draft, u.pic.GetPeripherals(), i)
		prefixes := slices.DeleteFunc(p.GetEgressPrefixes(), func(known string) bool { return known == prefix })
		prefixes = append(prefixes, prefix)
		p.EgressPrefixes = prefixes[max(0, len(prefixes)-keptPrefixes):]
	}
}

func peripheralWords(p *fleetv1.PeripheralState) string {
	switch {
	case p.GetKind() == kindDummy:
		return "A display that is not there, " + quote(p.GetName()) + ","
	case p.GetKind() == kindDisplay:
		return "The display " + quote(p.GetName())
	case p.GetLevel() == levelNamed:
		return "The remote console " + quote(p.GetName())
	case p.GetLevel() == levelDescriptor:
		return "A device with the input descriptors of the remote console " + quote(p.GetName())
	case p.GetLevel() == levelImpossible:
		return "A device that has the identity of " + quote(p.GetName()) + " and offers what that product does not have"
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

// identify tells a peripheral apart from the laptop's others, and, by an ordinary
// serial, from any other in the fleet. whole is the former under the hash of a serial.
func (u *update) identify(p *fleetv1.PeripheralState, serial *farmhoundv1.PeripheralSerial, identity []byte, whole func(serial []byte) key) {
	if len(serial.GetHash()) == 0 {
		k := whole(nil)
		p.Key = k[:]
		return
	}
	p.Key = u.known(names(serial.GetKeyId(), serial.GetHash(), serial.GetEarlier(), whole))
	if serial.GetClass() == farmhoundv1.SerialClass_SERIAL_CLASS_ORDINARY {
		p.Serial = u.known(names(serial.GetKeyId(), serial.GetHash(), serial.GetEarlier(), func(hash []byte) key {
			return u.f.hash(hashPeripheral, identity, hash)
		}))
	}
}

func (u *update) classifyDisplay(d *farmhoundv1.Display) *fleetv1.PeripheralState {
	p := &fleetv1.PeripheralState{Kind: kindDisplay}
	p.Name = cmp.Or(d.GetName(), d.GetMaker(), "without a description")
	identity := binary.BigEndian.AppendUint32([]byte(d.GetMaker()), d.GetProductCode())
	u.identify(p, d.GetSerial(), identity, func(serial []byte) key {
		return u.f.hash(hashPeripheral, []byte("display"), identity, []byte(d.GetName()), []byte(d.GetVirtualDriver()), serial)
	})
	if u.f.cfg.Catalog == nil {
		return p
	}
	m, ok := u.f.cfg.Catalog.Display(d)
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
