package persona

import (
	"net/netip"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// newStock is that of the reserved casting.
var newStock = &stock{
	makes: []maker{
		{"Dell Inc.", []string{"Latitude 5540", "XPS 13 9345", "Dell Pro 13 PV13250"}, []string{""}, 7, []farmhoundv1.OperatingSystem{windows, windows, windows, linux}},
		{"LENOVO", []string{"21LS001AUS", "20UES1BT00", "21M7CTO1WW"}, []string{"PF", "PC", "YX"}, 6, []farmhoundv1.OperatingSystem{windows, windows, linux}},
		{"HP", []string{"HP EliteBook 845 14 inch G11 Notebook PC", "HP Dragonfly 13.5 inch G4 Notebook PC"}, []string{"5CG", "8CC"}, 7, []farmhoundv1.OperatingSystem{windows}},
		{"Apple Inc.", []string{"Mac14,9", "Mac15,3", "Mac16,12", "MacBookPro17,1"}, []string{""}, 10, []farmhoundv1.OperatingSystem{macos}},
		{"Acer", []string{"TravelMate P214-55", "TravelMate Spin P614"}, []string{"NXV"}, 12, []farmhoundv1.OperatingSystem{windows}},
		{"Microsoft Corporation", []string{"Surface Laptop, 7th Edition", "Surface Laptop Go 3"}, []string{"0F3"}, 9, []farmhoundv1.OperatingSystem{windows}},
		{"TUXEDO", []string{"TUXEDO InfinityBook Pro Gen9", "TUXEDO Pulse 14 Gen4"}, []string{"NB"}, 9, []farmhoundv1.OperatingSystem{linux}},
		{"Dynabook Inc.", []string{"PORTEGE X30L-K", "TECRA A40-K"}, []string{"Z"}, 8, []farmhoundv1.OperatingSystem{windows}},
		{"LG Electronics", []string{"17Z90R-K.AAC7U1"}, []string{"308"}, 9, []farmhoundv1.OperatingSystem{windows}},
	},
	made: []float64{2.5, 3, 2, 2.5, 0.5, 0.8, 0.5, 0.4, 0.4},
	versions: map[farmhoundv1.OperatingSystem][]string{
		windows: {"Windows 11 Enterprise 24H2", "Windows 11 Pro 23H2", "Windows 11 Enterprise 25H2", "Windows 10 Pro 22H2"},
		linux:   {"Ubuntu 24.04.3 LTS", "Linux Mint 22.2", "Debian GNU/Linux 12 (bookworm)", "Fedora Linux 42 (Workstation Edition)", "Arch Linux"},
		macos:   {"macOS 14.8.1", "macOS 15.7.1", "macOS 26.0.1"},
	},
	keyboards: []gear{
		{0x413c, 0x2107, "Dell", "Dell USB Entry Keyboard", false, 1, []*farmhoundv1.UsbInterface{keyboardFace()}},
		{0x046d, 0xc34b, "Logitech", "USB Keyboard", false, 1, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}}},
		{0x17ef, 0x60ee, "Lenovo", "TrackPoint Keyboard II", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), mouseFace(), {Class: 3}}},
		{0x03f0, 0x354a, "HP", "HP 125 Wired Keyboard", false, 1, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}}},
		{0x3297, 0x1977, "ZSA Technology Labs", "Moonlander Mark I", true, 12, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}, {Class: 3, Keyboard: true, RelativePointer: true}}},
		{0x1b1c, 0x1b2d, "Corsair", "Corsair Gaming K95 RGB PLATINUM Keyboard", true, 12, []*farmhoundv1.UsbInterface{{Class: 3, Keyboard: true}, {Class: 3}}},
		// A keyboard that carries a small drive with its maker's program.
		{0x04b4, 0x0818, "Dygma", "Raise", true, 12, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 2, Subclass: 2}, {Class: 3, AbsolutePointer: true}}},
	},
	typed: []float64{3, 3, 1, 2, 0.6, 0.6, 0.2},
	mice: []gear{
		{0x046d, 0xc53f, "Logitech", "USB Receiver", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), mouseFace(), {Class: 3}}},
		{0x046d, 0xc05a, "Logitech", "USB Optical Mouse", false, 1, []*farmhoundv1.UsbInterface{mouseFace()}},
		{0x17ef, 0x608d, "PixArt", "Lenovo USB Optical Mouse", false, 1, []*farmhoundv1.UsbInterface{mouseFace()}},
		{0x12cf, 0x0c12, "Contour Design", "RollerMouse Red", false, 12, []*farmhoundv1.UsbInterface{mouseFace(), keyboardFace(), {Class: 3}}},
		{0x03f0, 0x134a, "PixArt", "HP USB Optical Mouse", false, 1, []*farmhoundv1.UsbInterface{mouseFace()}},
	},
	extras: []gear{
		{0x28bd, 0x0928, "UGTABLET", "Deco Mini7", false, 12, []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}, {Class: 3, Keyboard: true}, {Class: 3}}},
		{0x056a, 0x0378, "Wacom Co.,Ltd.", "Intuos BT M", true, 12, []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}, {Class: 3}, {Class: 3}}},
		{0x0765, 0x5020, "X-Rite, Inc.", "i1 Display Pro", false, 12, []*farmhoundv1.UsbInterface{{Class: 3}}},
		{0x1050, 0x0402, "Yubico", "YubiKey FIDO", false, 12, []*farmhoundv1.UsbInterface{{Class: 3}}},
		{0x076b, 0x3031, "HID Global", "OMNIKEY 3x21 Smart Card Reader", false, 12, []*farmhoundv1.UsbInterface{{Class: 11}}},
		{0x0781, 0x5591, "SanDisk", "Ultra USB 3.0", true, 5000, []*farmhoundv1.UsbInterface{{Class: 8, Subclass: 6, Protocol: 80}}},
		{0x0b95, 0x1790, "ASIX Elec. Corp.", "AX88179", true, 5000, []*farmhoundv1.UsbInterface{{Class: 255, Subclass: 255}}},
		{0x0c2e, 0x0b61, "Honeywell", "Voyager 1450g", true, 12, []*farmhoundv1.UsbInterface{keyboardFace()}},
		{0x0eef, 0xc000, "eGalax Inc.", "USB TouchController", false, 12, []*farmhoundv1.UsbInterface{{Class: 3, AbsolutePointer: true}}},
		{0x1395, 0x0025, "Sennheiser", "SC 60 USB ML", false, 12, []*farmhoundv1.UsbInterface{{Class: 1, Subclass: 1}, {Class: 1, Subclass: 2}, {Class: 3}}},
	},
	screens: []screen{
		{"DEL", 0xa0ef, "DELL U2419H", 53, 30}, {"LEN", 0x62b2, "T24i-30", 53, 30}, {"HPN", 0x3693, "HP E27 G5", 60, 34}, {"GSM", 0x773e, "LG ULTRAWIDE", 80, 34},
		{"AOC", 0x2470, "24P1", 53, 30}, {"SAM", 0x7179, "C34J79x", 80, 34}, {"BNQ", 0x7f65, "BenQ PD2705Q", 60, 34}, {"ACR", 0x0681, "B246WL", 52, 32},
	},
	consoles: newConsoles,
	routers:  []string{"e8:de:27", "9c:3d:cf", "28:80:88", "68:d7:9a", "b8:27:c5", "0c:8e:29", "d4:35:1d", "f4:92:bf"},
	lans: []netip.Prefix{
		netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("192.168.0.0/24"), netip.MustParsePrefix("192.168.8.0/24"),
		netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("172.16.42.0/24"), netip.MustParsePrefix("192.168.100.0/24"), netip.MustParsePrefix("192.168.4.0/22"),
	},
	helpers: []string{"screenconnect", "splashtop", "ninjaone", "ninjaone", "atera", "pulseway", "kaseya-vsa", "n-able-rmm", "simplehelp", "teamviewer", "rustdesk", "dwagent"},
	vpns:    []string{"nordvpn", "mullvad", "private-internet-access", "cyberghost", "ivpn", "cloudflare-warp", "protonvpn", "hide-me"},
	jigglers: map[farmhoundv1.OperatingSystem][]string{
		windows: {"mouse-jiggler", "move-mouse", "powertoys-awake", "murgee-auto-tools"}, macos: {"keepingyouawake", "owly", "caffeine", "nosleep"}, linux: {"keep-presence", "caffeine"},
	},
	beats: []int64{5, 25, 30, 60, 120, 180, 300},
	strange: []string{
		"anydesk", "anydesk", "rustdesk", "chrome-remote-desktop", "chrome-remote-desktop", "teamviewer", "dwagent", "todesk", "sunlogin", "aspia", "helpwire", "anyviewer",
		"ultraviewer", "jump-desktop", "meshcentral-agent", "rudesktop", "litemanager", "zoho-assist", "awesun", "deskin", "parsec",
	},
	faces: []*console{
		{vendor: 0x046d, product: 0xc52b, maker: "Logitech, Inc.", name: "USB Receiver"}, {vendor: 0x045e, product: 0x07f8, maker: "Microsoft", name: "Wired Keyboard 600"},
		{vendor: 0x413c, product: 0x2113, maker: "Dell", name: "Dell KB216 Wired Keyboard"}, {vendor: 0x03f0, product: 0x354a, maker: "HP", name: "HP 125 Wired Keyboard"},
		{vendor: 0x1b1c, product: 0x1b2d, maker: "Corsair", name: "Corsair Gaming K95 RGB PLATINUM Keyboard"}, {vendor: 0x04d9, product: 0xa0cd, maker: "Holtek", name: "USB-HID Keyboard"},
		{vendor: 0x17ef, product: 0x6099, maker: "LiteOn", name: "Lenovo Traditional USB Keyboard"}, {vendor: 0x05ac, product: 0x0250, maker: "Apple Inc.", name: "Apple Keyboard"},
	},
	drives: []string{"Kingston DataTraveler", "USB Mass Storage", "CD-ROM Drive", "SMI USB DISK"},
	posed: func(d draw) string {
		return pick(d, "", d.text(digits, 4)+"HS"+d.text(digits, 4)+"S"+d.text(digits, 1), d.text("0123456789abcdef", 16), d.text(serialLetters, 10))
	},
	abroad: foreignOf(), hubs: operatorsAt, claims: inhabited(),
}

// newConsoles are remote consoles as their firmware shows itself (KVMSRC).
var newConsoles = []*console{
	{
		id: "pikvm", vendor: 0x1d6b, product: 0x0104, maker: "PiKVM", name: "PiKVM Composite Device", serial: "CAFEBABE", storage: "PiKVM Flash Drive",
		keyboard: "5333cc3a23db1dd7a9e8303e2169a54a7070f69822fa503014834652c24410b6", absolute: "3a71a5a23705ee80a711e143d1242e34cb5d85592d4b5e6ac3f20bf8b9830a12",
		display: &farmhoundv1.Display{Maker: "LNX", ProductCode: 0x7771, Name: "PiKVM V3"}, displaySerial: "CAFEBABE", period: 60,
	},
	{
		// An older image, on a bridge that shows itself otherwise.
		id: "pikvm", vendor: 0x1d6b, product: 0x0104, maker: "PiKVM", name: "PiKVM Composite Device", serial: "CAFEBABE", storage: "PiKVM Optical Drive",
		keyboard: "5333cc3a23db1dd7a9e8303e2169a54a7070f69822fa503014834652c24410b6", absolute: "d9b93f5aa0cb2ab2f041d8c2da5f5b6c527e74192e2f1efa15c4844bec079621",
		display: &farmhoundv1.Display{Maker: "TSB", ProductCode: 0x8888, Name: "PI-KVM Video"}, displaySerial: "PI-KVM", period: 60,
	},
	{
		id: "glinet-comet", vendor: 0x38eb, product: 0x0104, maker: "Glinet", name: "Glinet Composite Device", serial: "CAFEBABE", storage: "Glinet  Optical Drive",
		keyboard: "5333cc3a23db1dd7a9e8303e2169a54a7070f69822fa503014834652c24410b6", absolute: "3a71a5a23705ee80a711e143d1242e34cb5d85592d4b5e6ac3f20bf8b9830a12",
		display: &farmhoundv1.Display{Maker: "LNX", ProductCode: 0x7773, Name: "PiKVM V4 Plus"}, displaySerial: "CAFEBABE", period: 60,
	},
	{
		// With the copy of a screen that its owner may choose.
		id: "jetkvm", vendor: 0x1d6b, product: 0x0104, maker: "JetKVM", name: "USB Emulation Device", storage: "JetKVM Virtual Media",
		keyboard: "81c9b5a7d7ecf4b95e29ce9b164556dcabd48b7a4eda208cac92a53506580de8", absolute: "5e10a7f6cc69f21793b95593064334b5ce36150a399f454ead84d6fe18c06d3f",
		display: &farmhoundv1.Display{Maker: "ACR", ProductCode: 0x0681, Name: "B246WL"}, displaySerial: "T8NEE0038522", period: 20,
	},
	{
		id: "nanokvm", vendor: 0x3346, product: 0x1009, maker: "sipeed", name: "NanoKVM", serial: "0123456789ABCDEF", storage: "NanoKVM USB Mass Storage",
		keyboard: "bba88cf2c2245cf8f5a2c4503537c0232c6623e7e8106ba156f356a348281601", absolute: "406e9a7433451eed0818bb87b5a42e5eeda7114ed4d4aa238941a467fd43c90e",
		display: &farmhoundv1.Display{Maker: "SPD", ProductCode: 0x3301, Name: "NanoKVM"}, displaySerial: "NanoKVM", period: 15,
	},
	{
		id: "tinypilot", vendor: 0x1d6b, product: 0x0104, maker: "tinypilot", name: "Multifunction USB Device", serial: "6b65796d696d6570690",
		keyboard: "3ff35a2908d55c14bf4aafb20aad79d621c7a2e3628805b7e30d6873fd9ed35c", absolute: "0eab8b0c15825160c836a918858b1a417c5e16e49988b2a3eb3df167a2647e14",
		display: &farmhoundv1.Display{Maker: "TSB", ProductCode: 0x9876, Name: "TinyPilot"}, displaySerial: "TinyPilot", period: 45,
	},
	{
		id: "blikvm", vendor: 0x1d6b, product: 0x0106, maker: "smart-kvm", name: "Multifunction USB Device", serial: "6b65796d696d6570690", storage: "BliKVM Flash Drive",
		keyboard: "3ff35a2908d55c14bf4aafb20aad79d621c7a2e3628805b7e30d6873fd9ed35c", absolute: "0eab8b0c15825160c836a918858b1a417c5e16e49988b2a3eb3df167a2647e14",
		display: &farmhoundv1.Display{Maker: "TSB", ProductCode: 0x8888, Name: "Toshiba-H2C", DecoySerial: 0x88888800}, displaySerial: "88888800", period: 30,
	},
}
