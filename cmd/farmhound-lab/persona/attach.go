package persona

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// desk is what a laptop is plugged into.
type desk struct {
	usb      []*farmhoundv1.UsbDevice
	displays []*farmhoundv1.Display
}

// gear is an ordinary USB device.
type gear struct {
	vendor, product uint32
	maker, name     string
	serial          bool // whether it carries a serial of its own
	speed           uint32
	faces           []*farmhoundv1.UsbInterface
}

func keyboardFace() *farmhoundv1.UsbInterface {
	return &farmhoundv1.UsbInterface{Class: 3, Subclass: 1, Protocol: 1, Keyboard: true}
}

func mouseFace() *farmhoundv1.UsbInterface {
	return &farmhoundv1.UsbInterface{Class: 3, Subclass: 1, Protocol: 2, RelativePointer: true}
}

var (
	keyboards = []gear{
		{0x413c, 0x2113, "Dell", "Dell KB216 Wired Keyboard", false, 1, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}}},
		{0x046d, 0xc31c, "Logitech", "USB Keyboard", false, 1, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}}},
		{0x17ef, 0x6099, "LiteOn", "Lenovo Traditional USB Keyboard", false, 1, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}}},
		{0x3434, 0x0361, "Keychron", "Keychron Q6", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}, {Class: 3}}},
		// A gaming keyboard that carries its drivers on a drive of its own.
		{0x1e7d, 0x2e4a, "ROCCAT", "ROCCAT Tyon", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), mouseFace(), {Class: 8, Subclass: 6, Protocol: 80}}},
	}
	mice = []gear{
		{0x413c, 0x301a, "PixArt", "Dell MS116 USB Optical Mouse", false, 1, []*farmhoundv1.UsbInterface{mouseFace()}},
		{0x046d, 0xc077, "Logitech", "USB Optical Mouse", false, 1, []*farmhoundv1.UsbInterface{mouseFace()}},
		{0x046d, 0xc548, "Logitech", "USB Receiver", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), mouseFace(), {Class: 3}}},
	}
	extras = []gear{
		{0x046d, 0x085c, "", "C922 Pro Stream Webcam", true, 480, []*farmhoundv1.UsbInterface{{Class: 14, Subclass: 1}, {Class: 14, Subclass: 2}, {Class: 1, Subclass: 1}}},
		{0x0b0e, 0x24bb, "", "Jabra Evolve2 40", true, 12, []*farmhoundv1.UsbInterface{{Class: 1, Subclass: 1}, {Class: 1, Subclass: 2}, {Class: 3}}},
		{0x1050, 0x0407, "Yubico", "YubiKey OTP+FIDO+CCID", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}, {Class: 11}}},
		{0x17e9, 0x6006, "DisplayLink", "USB3.0 Dual Video Dock", true, 5000, []*farmhoundv1.UsbInterface{{Class: 255}, {Class: 1, Subclass: 1}, {Class: 2, Subclass: 13}}},
		{0x056a, 0x0374, "Wacom Co.,Ltd.", "Intuos S", true, 12, []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}, {Class: 3}}},
	}
	ownCamera = gear{0x0bda, 0x5588, "", "Integrated_Webcam_FHD", true, 480, []*farmhoundv1.UsbInterface{{Class: 14, Subclass: 1}, {Class: 14, Subclass: 2}}}
)

func (g gear) device(d draw, ring fleetkey.Ring, port string) *farmhoundv1.UsbDevice {
	serial := ""
	if g.serial {
		serial = d.text("0123456789ABCDEF", 12)
	}
	return &farmhoundv1.UsbDevice{
		VendorId: g.vendor, ProductId: g.product, Manufacturer: g.maker, Product: g.name,
		Serial: ring.Serial(fleetkey.PeripheralSerial, serial), Interfaces: g.faces, SpeedMbps: g.speed,
		PortPath: port, BuiltIn: proto.Bool(false),
	}
}

// screen is a monitor on the market.
type screen struct {
	maker         string
	product       uint32
	name          string
	width, height uint32
}

var screens = []screen{
	{"DEL", 0xa1d4, "DELL U2722D", 60, 34}, {"DEL", 0x41d9, "DELL P2419H", 53, 30}, {"HPN", 0x3540, "HP E24 G4", 53, 30},
	{"GSM", 0x5b9f, "LG HDR 4K", 60, 34}, {"ACR", 0x0681, "B246WL", 52, 32}, {"LEN", 0x61e9, "P27h-20", 60, 34}, {"BNQ", 0x78d6, "BenQ GW2480", 53, 30},
}

func (s screen) display(d draw, ring fleetkey.Ring) *farmhoundv1.Display {
	serial := d.text(serialLetters, 10)
	return &farmhoundv1.Display{
		Maker: s.maker, ProductCode: s.product, Name: s.name, Serial: ring.Serial(fleetkey.DisplaySerial, serial),
		Week: uint32(d.whole(1, 52)), Year: uint32(d.whole(2017, 2025)), WidthCm: s.width, HeightCm: s.height,
		ChecksumOk: true, EdidSha256: description(s.name, serial), BuiltIn: proto.Bool(false),
	}
}

// description stands in for the digest of a display's own description.
func description(words ...string) []byte {
	sum := digest(0, words...)
	return sum[:]
}

func panel(d draw) *farmhoundv1.Display {
	name := fmt.Sprintf("LP140WF%d", d.whole(1, 9))
	return &farmhoundv1.Display{
		Maker: "LGD", ProductCode: uint32(d.whole(0x500, 0x7ff)), Name: name, Serial: &farmhoundv1.PeripheralSerial{Class: farmhoundv1.SerialClass_SERIAL_CLASS_ABSENT},
		Week: uint32(d.whole(1, 52)), Year: uint32(d.whole(2021, 2025)), WidthCm: 31, HeightCm: 17, ChecksumOk: true,
		EdidSha256: description("panel", name), BuiltIn: proto.Bool(true),
	}
}

// bare is a laptop with nothing plugged in.
func (w *World) bare(d draw) *desk {
	camera := ownCamera.device(d, w.ring, "1-6")
	camera.BuiltIn = proto.Bool(true)
	return &desk{usb: []*farmhoundv1.UsbDevice{camera}, displays: []*farmhoundv1.Display{panel(d)}}
}

// with returns the desk with more plugged in.
func (k *desk) with(more *desk) *desk {
	return &desk{usb: slices.Concat(k.usb, more.usb), displays: slices.Concat(k.displays, more.displays)}
}

// docked is the laptop with an ordinary keyboard, mouse, perhaps more, and a monitor.
func (w *World) docked(d draw, bare *desk) *desk {
	usb := []*farmhoundv1.UsbDevice{
		w.stock.keyboards[d.weighted(w.stock.typed...)].device(d, w.ring, "1-1.1"), pick(d, w.stock.mice...).device(d, w.ring, "1-1.2"),
	}
	if d.chance(0.5) {
		usb = append(usb, pick(d, w.stock.extras...).device(d, w.ring, "1-1.3"))
	}
	displays := []*farmhoundv1.Display{pick(d, w.stock.screens...).display(d, w.ring)}
	if d.chance(0.3) {
		displays = append(displays, pick(d, w.stock.screens...).display(d, w.ring))
	}
	return bare.with(&desk{usb: usb, displays: displays})
}

// console is a remote console as its firmware shows itself (KVMSRC).
type console struct {
	id              string // catalogue id
	vendor, product uint32
	maker, name     string
	serial          string
	storage         string
	keyboard        string // digests of report descriptors
	absolute        string
	display         *farmhoundv1.Display
	displaySerial   string
	period          int64 // of the jiggler it brings
}

var consoles = []*console{
	{
		id: "pikvm", vendor: 0x1d6b, product: 0x0104, maker: "PiKVM", name: "PiKVM Composite Device", serial: "CAFEBABE", storage: "PiKVM Optical Drive",
		keyboard: "5333cc3a23db1dd7a9e8303e2169a54a7070f69822fa503014834652c24410b6", absolute: "3a71a5a23705ee80a711e143d1242e34cb5d85592d4b5e6ac3f20bf8b9830a12",
		display: &farmhoundv1.Display{Maker: "LNX", ProductCode: 0x7773, Name: "PiKVM V4 Plus"}, displaySerial: "CAFEBABE", period: 60,
	},
	{
		id: "jetkvm", vendor: 0x1d6b, product: 0x0104, maker: "JetKVM", name: "USB Emulation Device", storage: "JetKVM Virtual Media",
		keyboard: "81c9b5a7d7ecf4b95e29ce9b164556dcabd48b7a4eda208cac92a53506580de8", absolute: "5e10a7f6cc69f21793b95593064334b5ce36150a399f454ead84d6fe18c06d3f",
		display: &farmhoundv1.Display{Maker: "TSB", ProductCode: 0x8801, Name: "T749-fHD720", DecoySerial: 0x88888800}, displaySerial: "88888800", period: 20,
	},
	{
		id: "nanokvm", vendor: 0x3346, product: 0x1009, maker: "sipeed", name: "NanoKVM", serial: "0123456789ABCDEF", storage: "NanoKVM USB Mass Storage",
		keyboard: "bba88cf2c2245cf8f5a2c4503537c0232c6623e7e8106ba156f356a348281601", absolute: "406e9a7433451eed0818bb87b5a42e5eeda7114ed4d4aa238941a467fd43c90e",
		display: &farmhoundv1.Display{Maker: "SPD", ProductCode: 0x3301, Name: "NanoKVM"}, displaySerial: "NanoKVM", period: 15,
	},
	{
		id: "tinypilot", vendor: 0x1d6b, product: 0x0104, maker: "tinypilot", name: "Multifunction USB Device", serial: "6b65796d696d6570690",
		keyboard: "3ff35a2908d55c14bf4aafb20aad79d621c7a2e3628805b7e30d6873fd9ed35c", absolute: "0eab8b0c15825160c836a918858b1a417c5e16e49988b2a3eb3df167a2647e14",
		display: &farmhoundv1.Display{Maker: "TSB", ProductCode: 0x9876, Name: "TinyPilot"},
	},
}

// plug returns the console as the laptop sees it: one USB device and one display.
func (c *console) plug(d draw, ring fleetkey.Ring) (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
	serial := c.serial
	if serial == "" {
		serial = d.text("0123456789abcdef", 16)
	}
	device := c.device(ring, serial)
	display := proto.CloneOf(c.display)
	display.Serial = ring.Serial(fleetkey.DisplaySerial, c.displaySerial)
	display.Year, display.ChecksumOk, display.BuiltIn = uint32(d.whole(2020, 2024)), true, proto.Bool(false)
	display.EdidSha256 = description("console", c.id)
	return device, display
}

func (c *console) device(ring fleetkey.Ring, serial string) *farmhoundv1.UsbDevice {
	device := &farmhoundv1.UsbDevice{
		VendorId: c.vendor, ProductId: c.product, Manufacturer: c.maker, Product: c.name,
		Serial: ring.Serial(fleetkey.PeripheralSerial, serial), SpeedMbps: 480, PortPath: "1-2", BuiltIn: proto.Bool(false),
		Interfaces: []*farmhoundv1.UsbInterface{
			{Class: 3, Subclass: 1, Protocol: 1, Name: "HID Interface", Keyboard: true, ReportDescriptorSha256: unhex(c.keyboard)},
			{Class: 3, Name: "HID Interface", AbsolutePointer: true, ReportDescriptorSha256: unhex(c.absolute)},
		},
	}
	if c.storage != "" {
		device.Interfaces = append(device.Interfaces, &farmhoundv1.UsbInterface{Class: 8, Subclass: 6, Protocol: 80, Name: "Mass Storage"})
		device.StorageNames = []string{c.storage}
	}
	return device
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != sha256.Size {
		return nil
	}
	return b
}

// disguise is a retail identity that a console can be given (CHEL, KVMSRC): the
// ids and words are changed and the descriptors recompiled, but the one device
// still types, points absolutely and may offer a drive.
func disguise(d draw, ring fleetkey.Ring, storage bool) (*farmhoundv1.UsbDevice, *farmhoundv1.Display) {
	face := pick(d,
		&console{vendor: 0x046d, product: 0xc31c, maker: "Logitech", name: "USB Keyboard"},
		&console{vendor: 0x046d, product: 0xc52b, maker: "Logitech", name: "USB Receiver"},
		&console{vendor: 0x413c, product: 0x2113, maker: "Dell", name: "Dell KB216 Wired Keyboard"},
		&console{vendor: 0x045e, product: 0x0800, maker: "Microsoft", name: "Microsoft Nano Transceiver v2.0"},
	)
	if storage {
		face.storage = pick(d, "USB DISK 2.0", "Flash Drive", "Optical Drive")
	}
	device := face.device(ring, d.text(serialLetters, 12))
	for _, i := range device.Interfaces {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, d.Uint64()))
		i.Name = ""
		if i.Class == 3 {
			i.ReportDescriptorSha256 = sum[:]
		}
	}
	return device, pick(d, screens...).display(d, ring)
}
