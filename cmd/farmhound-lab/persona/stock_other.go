package persona

import (
	"net/netip"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// otherStock is that of the former casting.
var otherStock = &stock{
	makes: []maker{
		{"HP", []string{"HP ZBook Firefly 14 inch G11 Mobile Workstation PC", "HP ProBook 460 16 inch G11 Notebook PC"}, []string{"5CG", "CND"}, 7, []farmhoundv1.OperatingSystem{windows, windows, linux}},
		{"LENOVO", []string{"21KDCTO1WW", "21FCCTO1WW", "21JKS0Y400"}, []string{"PF", "GM", "R9"}, 6, []farmhoundv1.OperatingSystem{windows, linux}},
		{"Apple Inc.", []string{"Mac15,12", "Mac16,7", "MacBookAir10,1"}, []string{""}, 10, []farmhoundv1.OperatingSystem{macos}},
		{"Microsoft Corporation", []string{"Surface Laptop 6 for Business", "Surface Pro 9"}, []string{"0F0"}, 8, []farmhoundv1.OperatingSystem{windows}},
		{"Framework", []string{"Laptop 13 (AMD Ryzen 7040Series)"}, []string{"FRAN"}, 10, []farmhoundv1.OperatingSystem{linux, windows}},
		{"ASUSTeK COMPUTER INC.", []string{"ExpertBook B5404CMA", "ExpertBook B9403CVA"}, []string{"S5N0", "R8N0"}, 9, []farmhoundv1.OperatingSystem{windows}},
		{"FUJITSU CLIENT COMPUTING LIMITED", []string{"LIFEBOOK U7513", "LIFEBOOK E5512"}, []string{"DSEJ"}, 6, []farmhoundv1.OperatingSystem{windows}},
		{"Panasonic Connect Co., Ltd.", []string{"CFSV4-1L", "CFFV5-1"}, []string{"4A"}, 8, []farmhoundv1.OperatingSystem{windows}},
		{"Dell Inc.", []string{"Latitude 9450", "Dell Pro 14 Plus PB14250"}, []string{""}, 7, []farmhoundv1.OperatingSystem{windows, linux}},
	},
	made: []float64{2, 2.5, 3, 1, 0.7, 0.7, 0.5, 0.4, 2},
	versions: map[farmhoundv1.OperatingSystem][]string{
		windows: {"Windows 11 Pro 25H2", "Windows 11 Enterprise 24H2", "Windows 11 Enterprise LTSC 2024"},
		linux:   {"Debian GNU/Linux 13 (trixie)", "Fedora Linux 43 (Workstation Edition)", "Ubuntu 25.10", "Red Hat Enterprise Linux 9.6 (Plow)", "openSUSE Leap 15.6"},
		macos:   {"macOS 13.7.8", "macOS 15.6.1", "macOS 26.1"},
	},
	keyboards: []gear{
		{0x045e, 0x0750, "Microsoft", "Wired Keyboard 600", false, 1, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}}},
		{0x046a, 0x0023, "Cherry GmbH", "CyMotion Master Linux Keyboard G230", false, 1, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}}},
		{0x0853, 0x0100, "Topre Corporation", "HHKB Professional", false, 12, []*farmhoundv1.UsbInterface{keyboardFace()}},
		{0x05ac, 0x024f, "Apple, Inc.", "Apple Keyboard", false, 1, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}}},
		// Keyboards of the hobby show several faces, a pointer among them.
		{0xfeed, 0x6060, "QMK", "Corne", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}, {Class: 3, RelativePointer: true, Keyboard: true}}},
		{0x1532, 0x0241, "Razer", "Razer BlackWidow", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3, Subclass: 0, Protocol: 1, Keyboard: true}, mouseFace()}},
	},
	typed: []float64{3, 2, 0.5, 1, 0.5, 0.7},
	mice: []gear{
		{0x047d, 0x1020, "Kensington", "Kensington Expert Mouse", false, 1, []*farmhoundv1.UsbInterface{mouseFace()}},
		{0x045e, 0x0797, "Microsoft", "Microsoft Optical Mouse", false, 1, []*farmhoundv1.UsbInterface{mouseFace()}},
		{0x1532, 0x0084, "Razer", "Razer DeathAdder V2", false, 12, []*farmhoundv1.UsbInterface{mouseFace(), keyboardFace(), {Class: 3, Protocol: 1, Keyboard: true}}},
		{0x046d, 0xc52b, "Logitech", "USB Receiver", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), mouseFace(), {Class: 3}}},
	},
	extras: []gear{
		{0x256c, 0x006d, "HUION", "Tablet Monitor", false, 12, []*farmhoundv1.UsbInterface{{Class: 3}, {Class: 3, Keyboard: true}, {Class: 3, AbsolutePointer: true}}},
		{0x0fd9, 0x0080, "Elgato", "Stream Deck MK.2", true, 480, []*farmhoundv1.UsbInterface{{Class: 3}}},
		{0x05e0, 0x1200, "Symbol Technologies, Inc, 2008", "Symbol Bar Code Scanner", true, 12, []*farmhoundv1.UsbInterface{keyboardFace()}},
		{0x0c45, 0x7403, "RDing", "FootSwitch1F1.", false, 1, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3, RelativePointer: true}}},
		{0x047f, 0xc056, "Plantronics", "Plantronics Blackwire 3220 Series", true, 12, []*farmhoundv1.UsbInterface{{Class: 1, Subclass: 1}, {Class: 1, Subclass: 2}, {Class: 3}}},
		{0x0911, 0x0c1c, "Philips", "SpeechMike III", true, 12, []*farmhoundv1.UsbInterface{{Class: 1, Subclass: 1}, {Class: 3}, mouseFace(), keyboardFace()}},
		{0x256f, 0xc635, "3Dconnexion", "SpaceMouse Compact", false, 12, []*farmhoundv1.UsbInterface{{Class: 3}}},
		{0x1050, 0x0116, "Yubico", "Yubikey NEO OTP+U2F+CCID", false, 12, []*farmhoundv1.UsbInterface{keyboardFace(), {Class: 3}, {Class: 11}}},
	},
	screens: []screen{
		{"SAM", 0x0f9c, "LS27A600U", 60, 34}, {"EIZ", 0x2745, "EV2795", 60, 34}, {"IVM", 0x6665, "PL2793Q", 60, 34}, {"PHL", 0xc233, "PHL 342E2", 80, 34},
		{"AUS", 0x24f1, "PA248QV", 52, 33}, {"DEL", 0x4232, "DELL D2721H", 60, 34}, {"VSC", 0x4537, "VA2456", 53, 30},
	},
	consoles: otherConsoles,
	routers:  []string{"44:4e:6d", "c0:c9:e3", "d8:07:b6", "b0:4e:26", "94:83:c4", "78:8a:20", "34:27:92"},
	lans: []netip.Prefix{
		netip.MustParsePrefix("192.168.0.0/24"), netip.MustParsePrefix("192.168.0.0/24"), netip.MustParsePrefix("192.168.2.0/24"), netip.MustParsePrefix("192.168.15.0/24"),
		netip.MustParsePrefix("10.1.1.0/24"), netip.MustParsePrefix("192.168.31.0/24"), netip.MustParsePrefix("192.168.86.0/24"),
	},
	helpers: []string{"beyondtrust-remote-support", "isl-online", "meshcentral-agent", "anydesk", "teamviewer"},
	vpns:    []string{"surfshark", "mozilla-vpn", "expressvpn", "windscribe", "protonvpn"},
	jigglers: map[farmhoundv1.OperatingSystem][]string{
		windows: {"auto-mouse-mover", "dont-sleep", "mouse-mover-apps"}, macos: {"amphetamine", "lungo", "jiggler"}, linux: {"caffeine-gnome", "automatic-mouse-mover"},
	},
	beats: []int64{10, 40, 59, 90, 240},
	// Of those with relays most leave no log on the laptop.
	strange: []string{
		"hoptodesk", "supremo", "remotepc", "getscreen", "nomachine", "remote-utilities", "realvnc-server", "gotomypc",
		"rustdesk", "anydesk", "chrome-remote-desktop", "chrome-remote-desktop", "teamviewer", "rustdesk", "anydesk",
	},
	faces: []*console{
		{vendor: 0x046d, product: 0xc52b, maker: "Logitech (x64)", name: "Logitech USB Input Device"},
		{vendor: 0x045e, product: 0x005f, maker: "Microsoft", name: "Wireless MultiMedia Keyboard"},
		{vendor: 0x413c, product: 0x2011, maker: "Dell Inc.", name: "Multimedia Pro Keyboard"},
		{vendor: 0x03f0, product: 0x0024, maker: "Chicony", name: "HP Basic USB Keyboard"},
		{vendor: 0x1b1c, product: 0x1b13, maker: "Corsair", name: "Corsair K70 RGB Gaming Keyboard"},
		{vendor: 0x046d, product: 0xc31c, maker: "Logitech", name: "USB Keyboard"},
	},
	drives: []string{"SanDisk Cruzer", "USB Flash Disk", "Generic Optical Drive"},
	posed:  func(d draw) string { return string('1'+byte(d.IntN(9))) + "&" + d.text("0123456789abcdef", 7) + "&0&1" },
	abroad: abroad(), hubs: otherHubs, claims: everywhere(),
}

// abroad is one place of each country.
func abroad() []locality {
	var all []locality
	for _, land := range lands {
		all = append(all, land.places[0])
	}
	return append(all, elsewhere...)
}

// otherConsoles are remote consoles as their firmware shows itself (KVMSRC).
var otherConsoles = []*console{
	{
		id: "glinet-comet", vendor: 0x38eb, product: 0x0002, maker: "Glinet", name: "Glinet Composite Device", serial: "CAFEBABE", storage: "Glinet Flash Drive",
		keyboard: "5333cc3a23db1dd7a9e8303e2169a54a7070f69822fa503014834652c24410b6", absolute: "3a71a5a23705ee80a711e143d1242e34cb5d85592d4b5e6ac3f20bf8b9830a12",
		display: &farmhoundv1.Display{Maker: "LNX", ProductCode: 0x7771, Name: "PiKVM V3"}, displaySerial: "CAFEBABE", period: 60,
	},
	{
		id: "pikvm", vendor: 0x1d6b, product: 0x0104, maker: "PiKVM", name: "PiKVM Composite Device", serial: "CAFEBABE",
		keyboard: "5333cc3a23db1dd7a9e8303e2169a54a7070f69822fa503014834652c24410b6", absolute: "d9b93f5aa0cb2ab2f041d8c2da5f5b6c527e74192e2f1efa15c4844bec079621",
		display: &farmhoundv1.Display{Maker: "LNX", ProductCode: 0x7772, Name: "PiKVM V4 Mini"}, displaySerial: "CAFEBABE", period: 60,
	},
	{
		id: "blikvm", vendor: 0x1d6b, product: 0x0106, maker: "smart-kvm", name: "Multifunction USB Device", serial: "6b65796d696d6570690",
		keyboard: "3ff35a2908d55c14bf4aafb20aad79d621c7a2e3628805b7e30d6873fd9ed35c", absolute: "0eab8b0c15825160c836a918858b1a417c5e16e49988b2a3eb3df167a2647e14",
		display: &farmhoundv1.Display{Maker: "TSB", ProductCode: 0x8888, Name: "Toshiba-H2C", DecoySerial: 0x88888800}, displaySerial: "88888800", period: 30,
	},
	{
		// As its owner may set it: no drive, the screen a copy of a real one.
		id: "jetkvm", vendor: 0x1d6b, product: 0x0104, maker: "JetKVM", name: "JetKVM USB Emulation Device",
		keyboard: "81c9b5a7d7ecf4b95e29ce9b164556dcabd48b7a4eda208cac92a53506580de8", absolute: "5e10a7f6cc69f21793b95593064334b5ce36150a399f454ead84d6fe18c06d3f",
		display: &farmhoundv1.Display{Maker: "DEL", ProductCode: 0x4232, Name: "DELL D2721H"}, displaySerial: "3S5GQ23", period: 20,
	},
	{
		id: "nanokvm", vendor: 0x3346, product: 0x1009, maker: "sipeed", name: "NanoKVM", serial: "0123456789ABCDEF",
		keyboard: "81c9b5a7d7ecf4b95e29ce9b164556dcabd48b7a4eda208cac92a53506580de8", absolute: "4f5ed1a140900eb71d4879774507b863435ffed8700938b61e4f341a616e5c53",
		display: &farmhoundv1.Display{Maker: "PHL", ProductCode: 0xc233, Name: "PHL 342E2"}, displaySerial: "UK02143047718", period: 15,
	},
}
