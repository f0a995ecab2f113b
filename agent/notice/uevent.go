package notice

import (
	"bytes"
	"slices"
)

// subsystems of the kernel whose devices the senses look at. Power supplies are not
// among them: they tell of every per cent.
var subsystems = []string{"usb", "hid", "drm", "input"}

// concerns reports whether a message of the kernel is of a device of a subsystem that
// came, went or changed. It begins with action@path and goes on with KEY=value, each
// ended by a zero byte.
func concerns(message []byte, wanted []string) bool {
	header, rest, ok := bytes.Cut(message, []byte{0})
	if !ok || bytes.IndexByte(header, '@') <= 0 {
		return false // of another sender, such as udev
	}
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{0})
		if value, ok := bytes.CutPrefix(line, []byte("SUBSYSTEM=")); ok {
			return slices.Contains(wanted, string(value))
		}
	}
	return false
}
