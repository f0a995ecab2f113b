package hardware

import (
	"cmp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/edid"
	"github.com/farmhound-security/farmhound/agent/sensor/hardware/usb"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/ioreg"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// ioregSpeeds are the speeds of "Device Speed", in Mb/s.
var ioregSpeeds = []uint32{1, 12, 480, 5000, 10000, 20000}

// ioregDevices reads USB devices with everything below them. A hub's devices are
// printed below it and once more for themselves.
func ioregDevices(objects []ioreg.Object) []device {
	var devices []device
	var within []int // indexes of devices around the object, by depth
	depths := []int{}
	seen := map[uint64]bool{}
	for _, o := range objects {
		for len(depths) > 0 && depths[len(depths)-1] >= o.Depth {
			depths, within = depths[:len(depths)-1], within[:len(within)-1]
		}
		if o.Class == "IOUSBHostDevice" || o.Class == "IOUSBDevice" {
			location := o.Number("locationID")
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
			depths, within = append(depths, o.Depth), append(within, at)
			continue
		}
		if n := len(within); n > 0 && within[n-1] >= 0 {
			devices[within[n-1]].addIoreg(o)
		}
	}
	return devices
}

func ioregDevice(o ioreg.Object, location uint64) device {
	d := device{
		port: ioregPort(uint32(location)), location: location,
		vendor: uint16(o.Number("idVendor")), product: uint16(o.Number("idProduct")),
		manufacturer: cmp.Or(o.Text("USB Vendor Name"), o.Text("kUSBVendorString")),
		name:         cmp.Or(o.Text("USB Product Name"), o.Text("kUSBProductString")),
		serial:       cmp.Or(o.Text("USB Serial Number"), o.Text("kUSBSerialNumberString")),
		builtIn:      o.Yes("Built-In"),
	}
	if n := o.Number("Device Speed"); n < uint64(len(ioregSpeeds)) && o.Properties["Device Speed"] != "" {
		d.speed = ioregSpeeds[n]
	}
	return d
}

// USBByLocation reads what ioreg prints of USB devices as the sense does, so that another
// sense places them as this one does: by location. Serial numbers are classed and not
// hashed.
func USBByLocation(c *catalog.Catalog, objects []ioreg.Object) map[uint64]*farmhoundv1.UsbDevice {
	known := config{catalog: c, keys: fleetkey.Ring{}}
	devices := map[uint64]*farmhoundv1.UsbDevice{}
	for _, d := range ioregDevices(objects) {
		devices[d.location] = known.usb(&d)
	}
	return devices
}

// addIoreg takes in an object below the device: an interface, what is HID on it, or
// storage.
func (d *device) addIoreg(o ioreg.Object) {
	switch {
	case o.Properties["bInterfaceClass"] != "" && len(d.interfaces) < usb.MaxInterfaces:
		d.interfaces = append(d.interfaces, function{name: cmp.Or(o.Text("USB Interface Name"), o.Text("kUSBString")), Interface: usb.Interface{
			Number: uint8(o.Number("bInterfaceNumber")), Class: uint8(o.Number("bInterfaceClass")),
			Subclass: uint8(o.Number("bInterfaceSubClass")), Protocol: uint8(o.Number("bInterfaceProtocol")),
		}})
	case o.Properties["ReportDescriptor"] != "":
		raw := o.Data("ReportDescriptor")
		for i := len(d.interfaces) - 1; i >= 0 && len(raw) > 0 && len(raw) <= usb.MaxReport; i-- {
			if f := &d.interfaces[i]; f.Class == usb.ClassHID && f.digest == nil {
				f.read(raw)
				return
			}
		}
	case o.Properties["Device Characteristics"] != "" && len(d.storage) < maxStorage:
		all := o.Properties["Device Characteristics"]
		name := strings.Join(strings.Fields(ioreg.Field(all, "Vendor Name")+" "+ioreg.Field(all, "Product Name")+" "+ioreg.Field(all, "Product Revision Level")), " ")
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

// ioregDisplays reads displays: with their description where macOS shows it, on
// Intel, and else from what it decoded of it.
func ioregDisplays(objects []ioreg.Object) []panel {
	var panels []panel
	for _, o := range objects {
		if len(panels) == maxDisplays {
			return panels
		}
		attributes := o.Properties["DisplayAttributes"]
		switch {
		case o.Properties["IODisplayEDID"] != "":
			p := panel{edid: o.Data("IODisplayEDID")}
			if o.Class == "AppleBacklightDisplay" {
				p.builtIn = yes(true)
			}
			panels = append(panels, p)
		case strings.Contains(attributes, `"ProductAttributes"=`):
			integer := func(key string, bits int) uint64 { return number(ioreg.Field(attributes, key), 10, bits) }
			panels = append(panels, panel{decoded: &edid.Display{
				Maker: ioreg.Field(attributes, "ManufacturerID"), Name: ioreg.Field(attributes, "ProductName"),
				ProductCode: uint16(integer("ProductID", 16)), Serial: uint32(integer("SerialNumber", 32)),
				SerialText: ioreg.Field(attributes, "AlphanumericSerialNumber"),
				Week:       uint8(integer("WeekOfManufacture", 8)), Year: uint16(min(integer("YearOfManufacture", 16), 2300)),
			}})
		}
	}
	return panels
}

// ioregPower reads lid, mains and battery.
func ioregPower(objects []ioreg.Object) power {
	var p power
	for _, o := range objects {
		if lid := o.Yes("AppleClamshellState"); lid != nil {
			p.lidClosed = lid
		}
		if mains := o.Yes("ExternalConnected"); mains != nil {
			p.source = farmhoundv1.PowerSource_POWER_SOURCE_BATTERY
			if *mains {
				p.source = farmhoundv1.PowerSource_POWER_SOURCE_AC
			}
		}
		if n := o.Number("CycleCount"); n > 0 && n < 1<<31 {
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
