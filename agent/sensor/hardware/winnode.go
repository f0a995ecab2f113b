package hardware

import (
	"slices"
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/usb"
)

// node is one present device of Windows' device tree.
type node struct {
	// instance and parent are device instance ids, for example
	// USB\VID_046D&PID_C52B&MI_00\7&1c54b96&0&0000.
	instance, parent string
	// hardware and compatible are the ids by which Windows finds a driver.
	hardware, compatible []string
	// description is what the device itself told the bus: iProduct or iInterface.
	description string
	// unique says that the last part of the instance is the device's own serial
	// number and not made up by Windows.
	unique bool
	// container is the id of the thing that it is part of.
	container string
	// location is the first of its location paths.
	location string
	edid     []byte
	// axes are those of a HID collection, where they could be asked for.
	axes axes
}

// axes says how a HID collection states X and Y.
type axes struct{ absoluteX, absoluteY, relative bool }

// thisComputer is the container of what is built into the computer.
const thisComputer = "{00000000-0000-0000-FFFF-FFFFFFFFFFFF}"

// windowsTree reads devices and displays out of the device tree.
type windowsTree struct {
	nodes map[string]node // by instance, upper case
	order []string
}

func newWindowsTree(nodes []node) windowsTree {
	t := windowsTree{nodes: make(map[string]node, len(nodes))}
	for _, n := range nodes {
		key := strings.ToUpper(n.instance)
		if _, known := t.nodes[key]; !known {
			t.nodes[key] = n
			t.order = append(t.order, key)
		}
	}
	slices.Sort(t.order)
	return t
}

// devices are the USB devices as wholes, ordered by port path.
func (t windowsTree) devices() []device {
	at := map[string]int{}
	var devices []device
	for _, key := range t.order {
		n := t.nodes[key]
		vendor, product, number := usbIDs(n.instance)
		if vendor < 0 || number >= 0 || len(devices) == maxDevices {
			continue
		}
		at[key] = len(devices)
		d := device{instance: key, vendor: uint16(vendor), product: uint16(product), name: n.description, port: windowsPort(n.location)}
		if serial := lastPart(n.instance); n.unique || !strings.Contains(serial, "&") {
			d.serial = serial
		}
		if strings.EqualFold(n.container, thisComputer) {
			d.builtIn = yes(true)
		}
		if !slices.ContainsFunc(n.compatible, func(id string) bool { return strings.EqualFold(id, `USB\COMPOSITE`) }) {
			if i, ok := usbClass(n.compatible); ok {
				d.interfaces = append(d.interfaces, function{Interface: i})
			}
		}
		devices = append(devices, d)
	}
	for _, key := range t.order {
		n := t.nodes[key]
		if _, _, number := usbIDs(n.instance); number >= 0 {
			if i, ok := at[strings.ToUpper(n.parent)]; ok && len(devices[i].interfaces) < usb.MaxInterfaces {
				f, _ := usbClass(n.compatible)
				f.Number = uint8(number)
				devices[i].interfaces = append(devices[i].interfaces, function{Interface: f, name: n.description})
			}
		}
	}
	for _, key := range t.order {
		t.below(t.nodes[key], at, devices)
	}
	slices.SortStableFunc(devices, func(a, b device) int { return comparePorts(a.port, b.port) })
	return devices
}

// below adds what hangs on a USB device through other buses: HID collections and
// storage.
func (t windowsTree) below(n node, at map[string]int, devices []device) {
	bus, rest, _ := strings.Cut(strings.ToUpper(n.instance), `\`)
	if bus != "HID" && bus != "USBSTOR" && bus != "SCSI" {
		return
	}
	number := -1
	t.up(n, func(up string) bool {
		if _, _, own := usbIDs(up); own >= 0 {
			number = own
		}
		i, ok := at[up]
		if !ok {
			return false
		}
		if bus == "HID" {
			devices[i].collection(number, n)
		} else if name := inquiryOf(rest); name != "" && len(devices[i].storage) < maxStorage {
			devices[i].storage = append(devices[i].storage, name)
		}
		return true
	})
}

// up goes from a node's parent to its parent and so on, until found says so.
func (t windowsTree) up(n node, found func(instance string) bool) {
	const deepest = 24 // a tree that leads in circles ends here
	up := strings.ToUpper(n.parent)
	for range deepest {
		if up == "" || found(up) {
			return
		}
		up = strings.ToUpper(t.nodes[up].parent)
	}
}

// usbOf returns the USB device that a node, named by its instance, belongs to.
func (t windowsTree) usbOf(instance string, devices []device) *device {
	n, ok := t.nodes[strings.ToUpper(instance)]
	if !ok {
		return nil
	}
	var of *device
	t.up(n, func(up string) bool {
		if i := slices.IndexFunc(devices, func(d device) bool { return d.instance == up }); i >= 0 {
			of = &devices[i]
		}
		return of != nil
	})
	return of
}

// software says whether a node, named by its instance, hangs on a driver alone: above it
// is one that Windows was told of, ROOT\ or SWD\, before any bus that the firmware found.
// All of those hang on ROOT\ACPI_HAL in the end.
func (t windowsTree) software(instance string) (software, listed bool) {
	n, ok := t.nodes[strings.ToUpper(instance)]
	if !ok {
		return false, false
	}
	t.up(n, func(up string) bool {
		if _, ok := t.nodes[up]; ok {
			listed = true
		}
		switch bus, _, _ := strings.Cut(up, `\`); bus {
		case "ROOT", "SWD":
			software, listed = !strings.HasPrefix(up, `ROOT\ACPI_HAL`), true
			return true
		case "PCI", "ACPI", "ACPI_HAL":
			listed = true
			return true
		}
		return false
	})
	return software, listed
}

// collection notes what a HID collection on an interface is. Windows does not show
// report descriptors, but every top-level application of one.
func (d *device) collection(number int, n node) {
	i := slices.IndexFunc(d.interfaces, func(f function) bool { return number < 0 || int(f.Number) == number })
	if i < 0 {
		return
	}
	r := &d.interfaces[i].report
	for _, id := range n.hardware {
		switch strings.ToUpper(id) {
		case "HID_DEVICE_SYSTEM_KEYBOARD", "HID_DEVICE_UP:0001_U:0006", "HID_DEVICE_UP:0001_U:0007":
			r.Keyboard = true
		case "HID_DEVICE_SYSTEM_MOUSE", "HID_DEVICE_UP:0001_U:0002", "HID_DEVICE_UP:0001_U:0001":
			r.AbsolutePointer = r.AbsolutePointer || n.axes.absoluteX && n.axes.absoluteY
			r.RelativePointer = r.RelativePointer || n.axes.relative
		case "HID_DEVICE_SYSTEM_CONSUMER", "HID_DEVICE_UP:000C_U:0001":
			r.ConsumerControl = true
		default:
			r.Digitizer = r.Digitizer || strings.HasPrefix(strings.ToUpper(id), "HID_DEVICE_UP:000D_U:")
		}
	}
}

// displays are the monitors with the descriptions that the registry keeps of them.
func (t windowsTree) displays() []panel {
	var panels []panel
	for _, key := range t.order {
		n := t.nodes[key]
		if !strings.HasPrefix(key, `DISPLAY\`) || len(panels) == maxDisplays {
			continue
		}
		p := panel{edid: n.edid, connector: strings.ReplaceAll(lastPart(n.instance), "&", ".")}
		if strings.EqualFold(n.container, thisComputer) {
			p.builtIn = yes(true)
		}
		// A virtual monitor hangs on an adapter that hangs on no bus.
		if adapter, ok := t.nodes[strings.ToUpper(n.parent)]; ok && len(adapter.hardware) > 0 {
			p.driver = adapter.hardware[0]
		}
		panels = append(panels, p)
	}
	return panels
}

// usbIDs reads USB\VID_046D&PID_C52B&MI_01\...; number is -1 for a whole device and
// vendor for anything else.
func usbIDs(instance string) (vendor, product, number int) {
	rest, ok := strings.CutPrefix(strings.ToUpper(instance), `USB\`)
	if !ok {
		return -1, -1, -1
	}
	id, _, _ := strings.Cut(rest, `\`)
	vendor, product, number = -1, -1, -1
	for part := range strings.SplitSeq(id, "&") {
		name, value, _ := strings.Cut(part, "_")
		n, err := strconv.ParseUint(value, 16, 16)
		if err != nil {
			continue
		}
		switch name {
		case "VID":
			vendor = int(n)
		case "PID":
			product = int(n)
		case "MI":
			number = int(n & 0xff)
		}
	}
	if product < 0 {
		vendor = -1
	}
	return vendor, product, number
}

// usbClass reads USB\Class_03&SubClass_01&Prot_01, the most exact of the compatible
// ids.
func usbClass(compatible []string) (usb.Interface, bool) {
	for _, id := range compatible {
		rest, ok := strings.CutPrefix(strings.ToUpper(id), `USB\`)
		if !ok || !strings.HasPrefix(rest, "CLASS_") {
			continue
		}
		var i usb.Interface
		for part := range strings.SplitSeq(rest, "&") {
			name, value, _ := strings.Cut(part, "_")
			n := uint8(number(value, 16, 8))
			switch name {
			case "CLASS":
				i.Class = n
			case "SUBCLASS":
				i.Subclass = n
			case "PROT":
				i.Protocol = n
			}
		}
		return i, true
	}
	return usb.Interface{}, false
}

// inquiryOf is the inquiry name in Disk&Ven_Glinet&Prod_Flash_Drive&Rev_1.00\...,
// where spaces are underscores.
func inquiryOf(id string) string {
	id, _, _ = strings.Cut(id, `\`)
	var words []string
	for part := range strings.SplitSeq(id, "&") {
		for _, key := range []string{"VEN_", "PROD_", "REV_"} {
			if value, ok := strings.CutPrefix(part, key); ok {
				words = append(words, strings.Fields(strings.ReplaceAll(value, "_", " "))...)
			}
		}
	}
	return strings.Join(words, " ")
}

// windowsPort is the port path in PCIROOT(0)#PCI(1400)#USBROOT(0)#USB(4)#USB(2).
func windowsPort(location string) string {
	_, ports, found := strings.Cut(strings.ToUpper(location), "#USBROOT(")
	if !found {
		return ""
	}
	path, ports, _ := strings.Cut(ports, ")")
	separator := "-"
	for part := range strings.SplitSeq(ports, "#") {
		if value, ok := strings.CutPrefix(part, "USB("); ok {
			path += separator + strings.TrimSuffix(value, ")")
			separator = "."
		}
	}
	return path
}

func lastPart(instance string) string {
	return instance[strings.LastIndexByte(instance, '\\')+1:]
}

// valueCapsSize is the size of HIDP_VALUE_CAPS (hidpi.h) in bytes.
const valueCapsSize = 72

// parseValueCaps reads an array of HIDP_VALUE_CAPS: which values a collection has,
// and whether they are positions or movements.
func parseValueCaps(values []byte) axes {
	const (
		page, isRange, isAbsolute, usageMin, usageMax = 0, 12, 15, 56, 58

		desktop, x, y = 1, 0x30, 0x31
	)
	word := func(b []byte, at int) int { return int(b[at]) | int(b[at+1])<<8 }
	var a axes
	for ; len(values) >= valueCapsSize; values = values[valueCapsSize:] {
		v := values[:valueCapsSize]
		if word(v, page) != desktop {
			continue
		}
		first, last := word(v, usageMin), word(v, usageMin)
		if v[isRange] != 0 {
			last = word(v, usageMax)
		}
		hasX, hasY := first <= x && x <= last, first <= y && y <= last
		switch {
		case !hasX && !hasY:
		case v[isAbsolute] == 0:
			a.relative = true
		default:
			a.absoluteX, a.absoluteY = a.absoluteX || hasX, a.absoluteY || hasY
		}
	}
	return a
}
