package catalog

// What is known of ordinary hardware, for telling disguised remote consoles from
// it. Ids and names are those of the public USB id list, usb.ids.

type usbID struct{ vendor, product uint32 }

// ordinaryProduct is a keyboard, mouse or receiver whose offering is known: input
// over full or low speed and nothing else. Remote consoles borrow their ids.
type ordinaryProduct struct {
	name    string
	storage bool // has storage of its own
	// unnumbered is a product whose owners' dumps show no serial number.
	unnumbered bool
}

var ordinaryProducts = map[usbID]ordinaryProduct{
	// The presets that JetKVM offers for posing as others.
	{0x046d, 0xc52b}: {name: "Logitech Unifying Receiver", unnumbered: true},
	{0x045e, 0x005f}: {name: "Microsoft Wireless MultiMedia Keyboard"},
	{0x413c, 0x2011}: {name: "Dell Multimedia Pro Keyboard"},

	{0x046d, 0xc077}: {name: "Logitech Mouse"},
	{0x046d, 0xc05a}: {name: "Logitech M90/M100 Optical Mouse"},
	{0x046d, 0xc30a}: {name: "Logitech iTouch Composite keyboard"},
	{0x046d, 0xc312}: {name: "Logitech DeLuxe 250 Keyboard"},
	{0x046d, 0xc318}: {name: "Logitech Illuminated Keyboard"},
	{0x046d, 0xc31c}: {name: "Logitech Keyboard K120"},
	{0x046d, 0xc31d}: {name: "Logitech Media Keyboard K200"},
	{0x046d, 0xc326}: {name: "Logitech Washable Keyboard K310"},
	{0x046d, 0xc328}: {name: "Logitech Corded Keyboard K280e"},
	{0x046d, 0xc332}: {name: "Logitech G502 Proteus Spectrum Optical Mouse"},
	{0x046d, 0xc33a}: {name: "Logitech G413 Gaming Keyboard"},
	{0x046d, 0xc52e}: {name: "Logitech MK260 Wireless Combo Receiver"},
	{0x046d, 0xc52f}: {name: "Logitech Nano Receiver"},
	{0x046d, 0xc532}: {name: "Logitech Unifying Receiver"},
	{0x046d, 0xc534}: {name: "Logitech Nano Receiver", unnumbered: true},
	{0x046d, 0xc539}: {name: "Logitech Lightspeed Receiver"},
	{0x046d, 0xc53f}: {name: "Logitech Lightspeed Receiver"},
	{0x046d, 0xc542}: {name: "Logitech M185 compact wireless mouse"},
	{0x046d, 0xc548}: {name: "Logitech Bolt Receiver"},

	{0x045e, 0x00cb}: {name: "Microsoft Basic Optical Mouse v2.0"},
	{0x045e, 0x00db}: {name: "Microsoft Natural Ergonomic Keyboard 4000"},
	{0x045e, 0x00dd}: {name: "Microsoft Comfort Curve Keyboard 2000"},
	{0x045e, 0x0745}: {name: "Microsoft Nano Transceiver"},
	{0x045e, 0x0750}: {name: "Microsoft Wired Keyboard 600"},
	{0x045e, 0x0752}: {name: "Microsoft Wired Keyboard 400"},
	{0x045e, 0x07b2}: {name: "Microsoft 2.4GHz Transceiver"},
	{0x045e, 0x07f8}: {name: "Microsoft Wired Keyboard 600"},
	{0x045e, 0x0800}: {name: "Microsoft Wireless keyboard receiver"},

	{0x413c, 0x2003}: {name: "Dell Keyboard SK-8115"},
	{0x413c, 0x2005}: {name: "Dell RT7D50 Keyboard"},
	{0x413c, 0x2006}: {name: "Dell DigitalPersona Keyboard"},
	{0x413c, 0x2010}: {name: "Dell Keyboard"},
	{0x413c, 0x2101}: {name: "Dell SmartCard Reader Keyboard"},
	{0x413c, 0x2105}: {name: "Dell Model L100 Keyboard"},
	{0x413c, 0x2106}: {name: "Dell QuietKey Keyboard"},
	{0x413c, 0x2107}: {name: "Dell KB212-B Quiet Key Keyboard"},
	{0x413c, 0x2110}: {name: "Dell Wired Multimedia Keyboard"},
	{0x413c, 0x2113}: {name: "Dell KB216 Wired Keyboard"},
	{0x413c, 0x3016}: {name: "Dell Optical 5-Button Wheel Mouse"},
	{0x413c, 0x301a}: {name: "Dell MS116 Optical Mouse"},

	{0x03f0, 0x0024}: {name: "HP KU-0316 Keyboard"},
	{0x03f0, 0x034a}: {name: "HP Elite Keyboard"},
	{0x17ef, 0x6009}: {name: "Lenovo ThinkPad Keyboard with TrackPoint"},
	{0x17ef, 0x6019}: {name: "Lenovo M-U0025-O Mouse"},
	{0x17ef, 0x6047}: {name: "Lenovo ThinkPad Compact Keyboard with TrackPoint"},
	{0x17ef, 0x6099}: {name: "Lenovo Traditional USB Keyboard"},
	{0x17ef, 0x60ee}: {name: "Lenovo ThinkPad TrackPoint Keyboard II"},
	{0x04f2, 0x0111}: {name: "Chicony KU-9908 Keyboard"},
	{0x04f2, 0x0402}: {name: "Chicony Genius LuxeMate i200 Keyboard"},
	{0x046a, 0x0011}: {name: "Cherry G83 Keyboard"},
	{0x046a, 0x0023}: {name: "Cherry Keyboard"},
	{0x046a, 0xb090}: {name: "Cherry Keyboard"},
	{0x04b3, 0x3025}: {name: "IBM NetVista Full Width Keyboard"},
	{0x04d9, 0x1603}: {name: "Holtek Keyboard"},
	{0x04d9, 0x1702}: {name: "Holtek Keyboard LKS02"},
	{0x1a2c, 0x0e24}: {name: "China Resource Semico Keyboard"},
	{0x1c4f, 0x0002}: {name: "SiGma Micro Keyboard TRACER Gamma Ivory"},
	{0x1c4f, 0x0026}: {name: "SiGma Micro Keyboard"},
}

// keyboardMakers sell keyboards that are hardware: one of theirs that Linux plays
// is not theirs. Those that also sell appliances built on Linux are among them,
// because such appliances are no keyboards.
var keyboardMakers = map[uint32]string{
	0x03f0: "HP",
	0x0458: "Genius",
	0x045e: "Microsoft",
	0x0461: "Primax",
	0x046a: "Cherry",
	0x046d: "Logitech",
	0x047d: "Kensington",
	0x04b3: "IBM",
	0x04ca: "Lite-On",
	0x04d9: "Holtek",
	0x04f2: "Chicony",
	0x05ac: "Apple",
	0x0951: "HyperX",
	0x09da: "A4Tech",
	0x0b05: "ASUS",
	0x0c45: "Sonix",
	0x1038: "SteelSeries",
	0x1532: "Razer",
	0x17ef: "Lenovo",
	0x1a2c: "China Resource Semico",
	0x1b1c: "Corsair",
	0x1c4f: "SiGma Micro",
	0x1e7d: "ROCCAT",
	0x258a: "SINO WEALTH",
	0x413c: "Dell",
}

// absoluteMakers make things that point absolutely, and some of them with keys, for
// the reason given. A console that borrows one of their ids is found by its report
// descriptors, or as a gadget of Linux.
var absoluteMakers = map[uint32]string{
	0x056a: "drawing tablets", // Wacom
	0x2d1f: "drawing tablets", // Wacom Taiwan
	0x256c: "drawing tablets", // Huion, Gaomon
	0x28bd: "drawing tablets", // XP-Pen
	0x2feb: "drawing tablets", // Veikk
	0x5543: "drawing tablets", // UC-Logic
	0x172f: "drawing tablets", // Waltop
	0x08ca: "drawing tablets", // Aiptek
	0x08f2: "drawing tablets", // Gotop

	0x04e7: "touch screens",      // Elo
	0x0596: "touch screens",      // MicroTouch
	0x0eef: "touch screens",      // eGalax
	0x1926: "touch screens",      // NextWindow
	0x1b96: "pens",               // N-Trig
	0x0b8c: "interactive boards", // SMART
	0x2149: "touch screens",      // Advanced Silicon
	0x222a: "touch screens",      // ILI Technology
	0x2575: "touch screens",      // Weida
	0x27c6: "touch screens",      // Goodix
	0x04f3: "touch screens",      // Elan

	0x04b8: "projectors with a pen, page keys and a drive for their driver", // Epson
	0x0d48: "interactive boards",                                            // Promethean

	0x17e9: "docks with displays", // DisplayLink

	0x0557: "switches that place the pointer of several computers", // ATEN
	0x0b95: "switches",                                             // ASIX

	0x0627: "virtual machines", // QEMU
	0x0e0f: "virtual machines", // VMware
	0x80ee: "virtual machines", // VirtualBox
	0x203a: "virtual machines", // Parallels
}

// absoluteProducts are single products with a keyboard and an absolute pointer for
// honest reasons. Where an id is shared, the maker's word must be there too.
var absoluteProducts = []struct {
	vendor, first, last uint32
	maker               string // lower case
	why                 string
}{
	{0x16c0, 0x0476, 0x04d9, "teensyduino", "Teensy boards: their mouse has a report for positions on the screen"},
	{0x1209, 0x2300, 0x2303, "", "Keyboardio keyboards: their firmware has a mouse for positions"},
	{0x3496, 0x0005, 0x0006, "", "Keyboardio keyboards under the maker's own vendor id"},
	{0x2e8a, 0x107c, 0x107c, "", "DeskHop: two computers on one desk share keyboard and mouse"},
	{0x1209, 0xc000, 0xc000, "hrvoje", "DeskHop under the id of its first versions"},
	{0x2341, 0x0000, 0xffff, "arduino", "Arduino boards: sketches with a keyboard and a mouse for positions"},
	{0x1b4f, 0x0000, 0xffff, "sparkfun", "boards that run Arduino's sketches"},
	{0x239a, 0x0000, 0xffff, "adafruit", "CircuitPython boards: a drive for the program, and a library for positions"},
	{0x2341, 0x8042, 0x8049, "", "GUN4IR light guns: they aim at positions and have keys for games"},
	{0xf143, 0x0000, 0xffff, "openfire", "OpenFIRE light guns"},
	{0xd209, 0x1601, 0x1608, "", "Ultimarc AimTrak light guns"},
	{0x16c0, 0x0f00, 0x0f3f, "sinden", "Sinden light guns"},
	{0x2650, 0x0000, 0xffff, "luidia", "eBeam interactive boards: pen positions and keys for pages"},
}
