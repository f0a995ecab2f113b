package hands

import "strings"

// Bus types of linux/input.h.
const (
	busUSB       = 0x03
	busBluetooth = 0x05
	busI8042     = 0x11
	busI2C       = 0x18
	busHost      = 0x19
	busSPI       = 0x1c
	busRMI       = 0x1d
)

// inputDevice is what the system says of one input device.
type inputDevice struct {
	// path is where it hangs, from /sys/devices on.
	path, name  string
	bus, vendor uint16
	// keyboard and pointer are whether it has keys to type with, or moves a pointer;
	// what has neither is no input.
	keyboard, pointer bool
	// fixed is whether the system knows its USB port to be inside the laptop, console
	// whether its USB device looks like a remote console.
	fixed, console bool
}

// remappers are programs that take a person's keyboard for themselves and pass on
// what it types through a virtual one. Whose hands are on it cannot be told, also
// because anybody can give a virtual device such a name: its input is unplaced.
var remappers = []string{
	"keyd virtual", "kanata", "kmonad", "input-remapper", "xremap", "evremap", "interception", "hawck", "solaar",
	"key-mapper", "makima", "touchegg", "fusuma", "brltty", "steam",
}

// places says where the input of a device comes from.
func (d *inputDevice) places() origin {
	name := strings.ToLower(d.name)
	switch {
	case strings.HasPrefix(d.path, "/sys/devices/virtual/misc/uhid/"):
		// Bluetooth keyboards come in through a program of the system, others do not.
		if d.bus == busBluetooth {
			return attached
		}
		return injected
	case strings.HasPrefix(d.path, "/sys/devices/virtual/"):
		for _, remapper := range remappers {
			if strings.Contains(name, remapper) {
				return unplaced
			}
		}
		return injected
	case d.console:
		return kvmLike
	}
	switch d.bus {
	case busI8042, busI2C, busHost, busSPI, busRMI:
		return builtIn
	case busUSB:
		const apple = 0x05ac
		if d.fixed || d.vendor == apple && strings.Contains(name, "internal") {
			return builtIn
		}
	}
	return attached
}

// Codes of linux/input-event-codes.h that tell what a device is, and events of it.
const (
	eventKey, eventRelative, eventAbsolute = 1, 2, 3

	keyQ, keyEnter, keySpace, keyPad1 = 16, 28, 57, 79
	firstButton, lastButton           = 0x100, 0x15f
	buttonLeft, buttonJoystick        = 0x110, 0x120
	buttonGamepad, toolPen, touch     = 0x130, 0x140, 0x14a
	axisX                             = 0
)

// capabilities sets whether the device has keys or a pointer, by the bitmaps of
// its folder in /sys. Power buttons, lids, hot keys and gamepads are neither.
func (d *inputDevice) capabilities(keys, relative, absolute string) {
	k, rel, abs := parseBitmap(keys), parseBitmap(relative), parseBitmap(absolute)
	d.keyboard = k.has(keyQ) && k.has(keySpace) || k.has(keyPad1) && k.has(keyEnter)
	gamepad := k.has(buttonJoystick) || k.has(buttonGamepad)
	d.pointer = rel.has(axisX) && k.has(buttonLeft) ||
		abs.has(axisX) && !gamepad && (k.has(buttonLeft) || k.has(touch) || k.has(toolPen))
}

// bitmap is a bitmap as /sys writes it: words of the kernel's size in hexadecimal,
// the highest first.
type bitmap []uint64

func parseBitmap(text string) bitmap {
	fields := strings.Fields(text)
	const most = 768/64 + 1 // KEY_MAX
	if len(fields) > most {
		return nil
	}
	words := make(bitmap, len(fields))
	for i, f := range fields {
		var n uint64
		for _, c := range []byte(f) {
			digit, ok := hexDigit(c)
			if !ok || len(f) > 16 {
				return nil
			}
			n = n<<4 | uint64(digit)
		}
		words[len(fields)-1-i] = n
	}
	return words
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

func (b bitmap) has(bit int) bool { return bit/64 < len(b) && b[bit/64]&(1<<(bit%64)) != 0 }
