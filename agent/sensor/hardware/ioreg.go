package hardware

import (
	"cmp"
	"encoding/hex"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/edid"
	"github.com/farmhound-security/farmhound/agent/sensor/hardware/usb"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Bounds on what is read of ioreg's output.
const (
	maxObjects    = 8192
	maxProperties = 256
)

// object is one object of macOS's registry as ioreg prints it.
type object struct {
	class string
	// depth is how far it is indented: what follows deeper is below it.
	depth      int
	properties map[string]string
}

// parseIoreg reads the text that ioreg prints: a line "+-o name <class X, ...>" for
// every object, lines `"key" = value` for its properties, both behind bars that
// draw the tree.
func parseIoreg(text string) []object {
	var objects []object
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if at := strings.Index(line, "+-o "); at >= 0 && strings.Trim(line[:at], " |") == "" {
			if len(objects) == maxObjects {
				return objects
			}
			_, class, _ := strings.Cut(line[at:], "<class ")
			class, _, _ = strings.Cut(class, ",")
			objects = append(objects, object{class: strings.Trim(class, "> "), depth: at, properties: map[string]string{}})
			continue
		}
		line = strings.TrimLeft(line, " |")
		if len(objects) == 0 || !strings.HasPrefix(line, `"`) {
			continue
		}
		key, value, found := strings.Cut(line[1:], `" = `)
		if last := objects[len(objects)-1]; found && len(last.properties) < maxProperties {
			last.properties[key] = value
		}
	}
	return objects
}

// text is a property's string, without the marks around it.
func (o object) text(key string) string {
	return strings.Trim(o.properties[key], `"`)
}

// number is the first property of the keys that is a number.
func (o object) number(keys ...string) uint64 {
	for _, key := range keys {
		if n, err := strconv.ParseUint(o.properties[key], 10, 64); err == nil {
			return n
		}
	}
	return 0
}

// data is a property's bytes, which ioreg prints as <hexadecimal>.
func (o object) data(key string) []byte {
	raw, err := hex.DecodeString(strings.Trim(o.properties[key], "<>"))
	if err != nil {
		return nil
	}
	return raw
}

// yes is a property that is Yes or No, nil where it is neither.
func (o object) yes(key string) *bool {
	switch o.properties[key] {
	case "Yes":
		return yes(true)
	case "No":
		return yes(false)
	}
	return nil
}

// ioregSpeeds are the speeds of "Device Speed", in Mb/s.
var ioregSpeeds = []uint32{1, 12, 480, 5000, 10000, 20000}

// ioregDevices reads USB devices with everything below them. A hub's devices are
// printed below it and once more for themselves.
func ioregDevices(objects []object) []device {
	var devices []device
	var within []int // indexes of devices around the object, by depth
	depths := []int{}
	seen := map[uint64]bool{}
	for _, o := range objects {
		for len(depths) > 0 && depths[len(depths)-1] >= o.depth {
			depths, within = depths[:len(depths)-1], within[:len(within)-1]
		}
		if o.class == "IOUSBHostDevice" || o.class == "IOUSBDevice" {
			location := o.number("locationID")
			at := -1 // of one that is there already, with its parts
			switch {
			case seen[location]:
			case len(devices) == maxDevices:
				return devices
			default:
				at = len(devices)
				seen[location] = true
				devices = append(devices, ioregDevice(o, location))
			}
			depths, within = append(depths, o.depth), append(within, at)
			continue
		}
		if n := len(within); n > 0 && within[n-1] >= 0 {
			devices[within[n-1]].addIoreg(o)
		}
	}
	return devices
}

func ioregDevice(o object, location uint64) device {
	d := device{
		port:   ioregPort(uint32(location)),
		vendor: uint16(o.number("idVendor")), product: uint16(o.number("idProduct")),
		manufacturer: cmp.Or(o.text("USB Vendor Name"), o.text("kUSBVendorString")),
		name:         cmp.Or(o.text("USB Product Name"), o.text("kUSBProductString")),
		serial:       cmp.Or(o.text("USB Serial Number"), o.text("kUSBSerialNumberString")),
		builtIn:      o.yes("Built-In"),
	}
	if n := o.number("Device Speed"); n < uint64(len(ioregSpeeds)) && o.properties["Device Speed"] != "" {
		d.speed = ioregSpeeds[n]
	}
	return d
}

// addIoreg takes in an object below the device: an interface, what is HID on it, or
// storage.
func (d *device) addIoreg(o object) {
	switch {
	case o.properties["bInterfaceClass"] != "" && len(d.interfaces) < usb.MaxInterfaces:
		d.interfaces = append(d.interfaces, function{name: cmp.Or(o.text("USB Interface Name"), o.text("kUSBString")), Interface: usb.Interface{
			Number: uint8(o.number("bInterfaceNumber")), Class: uint8(o.number("bInterfaceClass")),
			Subclass: uint8(o.number("bInterfaceSubClass")), Protocol: uint8(o.number("bInterfaceProtocol")),
		}})
	case o.properties["ReportDescriptor"] != "":
		raw := o.data("ReportDescriptor")
		for i := len(d.interfaces) - 1; i >= 0 && len(raw) > 0 && len(raw) <= usb.MaxReport; i-- {
			if f := &d.interfaces[i]; f.Class == usb.ClassHID && f.digest == nil {
				f.read(raw)
				return
			}
		}
	case o.properties["Device Characteristics"] != "" && len(d.storage) < maxStorage:
		all := o.properties["Device Characteristics"]
		name := strings.Join(strings.Fields(ioregField(all, "Vendor Name")+" "+ioregField(all, "Product Name")+" "+ioregField(all, "Product Revision Level")), " ")
		if name != "" {
			d.storage = append(d.storage, name)
		}
	}
}

// ioregPort is the port path in a location: the bus in the high byte, then a digit
// of four bits for every hub.
func ioregPort(location uint32) string {
	path := strconv.Itoa(int(location >> 24))
	separator := "-"
	for shift := 20; shift >= 0; shift -= 4 {
		if digit := location >> shift & 0xf; digit != 0 {
			path += separator + strconv.Itoa(int(digit))
			separator = "."
		}
	}
	return path
}

// ioregField is a value inside a property that is a dictionary: {"key"=value,...}.
func ioregField(text, key string) string {
	_, value, found := strings.Cut(text, `"`+key+`"=`)
	if !found {
		return ""
	}
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		value, _, _ = strings.Cut(quoted, `"`)
		return value
	}
	if end := strings.IndexAny(value, ",}"); end >= 0 {
		value = value[:end]
	}
	return value
}

// ioregDisplays reads displays: with their description where macOS shows it, on
// Intel, and else from what it decoded of it.
func ioregDisplays(objects []object) []panel {
	var panels []panel
	for _, o := range objects {
		if len(panels) == maxDisplays {
			return panels
		}
		attributes := o.properties["DisplayAttributes"]
		switch {
		case o.properties["IODisplayEDID"] != "":
			p := panel{edid: o.data("IODisplayEDID")}
			if o.class == "AppleBacklightDisplay" {
				p.builtIn = yes(true)
			}
			panels = append(panels, p)
		case strings.Contains(attributes, `"ProductAttributes"=`):
			integer := func(key string, bits int) uint64 { return number(ioregField(attributes, key), 10, bits) }
			panels = append(panels, panel{decoded: &edid.Display{
				Maker: ioregField(attributes, "ManufacturerID"), Name: ioregField(attributes, "ProductName"),
				ProductCode: uint16(integer("ProductID", 16)), Serial: uint32(integer("SerialNumber", 32)),
				SerialText: ioregField(attributes, "AlphanumericSerialNumber"),
				Week:       uint8(integer("WeekOfManufacture", 8)), Year: uint16(min(integer("YearOfManufacture", 16), 2300)),
			}})
		}
	}
	return panels
}

// ioregPower reads lid, mains and battery.
func ioregPower(objects []object) power {
	var p power
	for _, o := range objects {
		if lid := o.yes("AppleClamshellState"); lid != nil {
			p.lidClosed = lid
		}
		if mains := o.yes("ExternalConnected"); mains != nil {
			p.source = farmhoundv1.PowerSource_POWER_SOURCE_BATTERY
			if *mains {
				p.source = farmhoundv1.PowerSource_POWER_SOURCE_AC
			}
		}
		if n := o.number("CycleCount"); n > 0 && n < 1<<31 {
			p.cycles = proto.Uint32(uint32(n))
		}
	}
	return p
}

// number reads an unsigned number; what is none is zero. Linux writes a half in
// speeds, as in 1.5.
func number(s string, base, bits int) uint64 {
	whole, _, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(whole, base, bits)
	if err != nil {
		return 0
	}
	return n
}
