package hands

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
)

// The little of the X protocol and its input extension that counting takes: who is
// there, and that one of them made input. All numbers are in the byte order that the
// setup request names, which is little-endian here.

const (
	opQueryExtension = 98
	xiSelectEvents   = 46
	xiQueryVersion   = 47
	xiQueryDevice    = 48

	replyError, replyAnswer, replyGeneric = 0, 1, 35

	xiAllDevices       = 0
	xiHierarchyChanged = 11
	xiRawKeyPress      = 13
	xiRawButtonPress   = 15
	xiRawMotion        = 17
	// xiRepeat flags a key that repeats by itself.
	xiRepeat = 1 << 16

	// headSize is the size of every reply and event without what follows it.
	headSize = 32
	// mostFollows bounds what may follow, in bytes.
	mostFollows = 256 << 10
)

var (
	errX11        = errors.New("the X server's answer cannot be read")
	errX11Refused = errors.New("the X server refuses the connection")
)

func pad4(n int) int { return (n + 3) &^ 3 }

// setupRequest opens a connection with the data of a MIT-MAGIC-COOKIE-1, or without
// any where there is none.
func setupRequest(cookie []byte) []byte {
	name := ""
	if len(cookie) > 0 {
		name = cookieName
	}
	b := []byte{'l', 0, 11, 0, 0, 0}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(cookie)))
	b = append(b, 0, 0)
	b = append(b, name...)
	b = append(b, make([]byte, pad4(len(name))-len(name))...)
	b = append(b, cookie...)
	return append(b, make([]byte, pad4(len(cookie))-len(cookie))...)
}

// parseSetup returns the root window of the first screen from what follows the first
// eight bytes of a setup reply.
func parseSetup(b []byte) (root uint32, err error) {
	const fixed = 32
	if len(b) < fixed {
		return 0, errX11
	}
	vendor, screens, formats := int(binary.LittleEndian.Uint16(b[16:])), b[20], int(b[21])
	at := fixed + pad4(vendor) + 8*formats
	if screens == 0 || len(b) < at+4 {
		return 0, errX11
	}
	return binary.LittleEndian.Uint32(b[at:]), nil
}

// request makes a request of whole words.
func request(major, minor byte, body ...byte) []byte {
	b := []byte{major, minor}
	b = binary.LittleEndian.AppendUint16(b, uint16(1+pad4(len(body))/4))
	b = append(b, body...)
	return append(b, make([]byte, pad4(len(body))-len(body))...)
}

func queryExtension(name string) []byte {
	body := binary.LittleEndian.AppendUint16(nil, uint16(len(name)))
	return request(opQueryExtension, 0, append(append(body, 0, 0), name...)...)
}

// selectEvents asks for events of one device.
func selectEvents(major byte, root uint32, device uint16, events ...uint) []byte {
	mask := uint32(0)
	for _, e := range events {
		mask |= 1 << e
	}
	body := binary.LittleEndian.AppendUint32(nil, root)
	body = append(body, 1, 0, 0, 0)
	body = binary.LittleEndian.AppendUint16(body, device)
	body = binary.LittleEndian.AppendUint16(body, 1)
	return request(major, xiSelectEvents, binary.LittleEndian.AppendUint32(body, mask)...)
}

// follows returns how many bytes follow the head of an answer or event.
func follows(head []byte) (int, error) {
	if head[0] != replyAnswer && head[0]&0x7f != replyGeneric {
		return 0, nil
	}
	n := binary.LittleEndian.Uint32(head[4:])
	if n > mostFollows/4 {
		return 0, errX11
	}
	return int(n) * 4, nil
}

// xDevice is one input device of an X server.
type xDevice struct {
	id   uint16
	name string
	// slave is whether it makes input itself rather than standing for others.
	slave bool
}

// parseDevices reads the answer to xiQueryDevice: its head and what follows.
func parseDevices(head, b []byte) ([]xDevice, error) {
	const slavePointer, slaveKeyboard, fixed = 3, 4, 12
	count := int(binary.LittleEndian.Uint16(head[8:]))
	var list []xDevice
	for range count {
		if len(b) < fixed {
			return nil, errX11
		}
		use, classes := binary.LittleEndian.Uint16(b[2:]), int(binary.LittleEndian.Uint16(b[6:]))
		length := int(binary.LittleEndian.Uint16(b[8:]))
		d := xDevice{id: binary.LittleEndian.Uint16(b), slave: use == slavePointer || use == slaveKeyboard}
		b = b[fixed:]
		if len(b) < pad4(length) {
			return nil, errX11
		}
		d.name = string(b[:length])
		b = b[pad4(length):]
		for range classes {
			if len(b) < 4 {
				return nil, errX11
			}
			size := int(binary.LittleEndian.Uint16(b[2:])) * 4
			if size < 4 || len(b) < size {
				return nil, errX11
			}
			b = b[size:]
		}
		list = append(list, d)
	}
	return list, nil
}

// places says where the input of an X device comes from. Physical devices are the
// kernel's and counted there.
func (d *xDevice) places(remote bool) (origin, bool) {
	name := strings.ToLower(d.name)
	switch {
	case !d.slave:
		return unplaced, false
	case strings.Contains(name, "xtest"):
		return injected, true
	case remote, strings.HasPrefix(name, "xrdp"), strings.HasPrefix(name, "tigervnc"), strings.HasPrefix(name, "nx "):
		return session, true
	}
	return unplaced, false
}

// rawInput is what is looked at of an event: that a device made input.
func rawInput(head []byte) (device uint16, key, ok bool) {
	if head[0]&0x7f != replyGeneric {
		return 0, false, false
	}
	kind, flags := binary.LittleEndian.Uint16(head[8:]), binary.LittleEndian.Uint32(head[24:])
	device = binary.LittleEndian.Uint16(head[20:])
	switch kind {
	case xiRawKeyPress:
		return device, true, flags&xiRepeat == 0
	case xiRawButtonPress, xiRawMotion:
		return device, false, true
	}
	return 0, false, false
}

const cookieName = "MIT-MAGIC-COOKIE-1"

// Families of addresses in an Xauthority file: by a machine's name for programs on it,
// and whatever address.
const familyLocal, familyWild = 256, 0xffff

// parseCookie finds the cookie for a display in an Xauthority file: entries of a
// family and four counted strings (address, display, name, data), big-endian. The
// machine's name is not compared: the file is the server's own. An entry without a
// number is for every display of its machine: one for a display of this machine
// serves where none names the display, one for an address elsewhere does not.
func parseCookie(b []byte, display string) []byte {
	var every []byte
	for len(b) >= 2 {
		family := binary.BigEndian.Uint16(b)
		b = b[2:]
		var field [4][]byte
		for i := range field {
			if len(b) < 2 {
				return bytes.Clone(every)
			}
			n := int(binary.BigEndian.Uint16(b))
			if len(b) < 2+n {
				return bytes.Clone(every)
			}
			field[i], b = b[2:2+n], b[2+n:]
		}
		switch {
		case string(field[2]) != cookieName:
		case len(field[1]) == 0:
			if every == nil && (family == familyLocal || family == familyWild) {
				every = field[3]
			}
		case string(field[1]) == display:
			return bytes.Clone(field[3])
		}
	}
	return bytes.Clone(every)
}

// xServer is one X server by how it was called.
type xServer struct {
	display string // such as 0
	auth    string // file of its cookies, may be empty
	// pid is its process, user the user that it runs as, starter the one who called it:
	// they differ where its program is set-uid.
	pid           int
	user, starter uint32
	// system is whether its program is root's and nobody else can write it.
	system bool
	// remote is whether its screen is nobody's in the room: it was made for a session
	// from elsewhere.
	remote bool
	// guest is whether it runs inside a Wayland session, whose devices it only mirrors.
	guest bool
}

// xPrograms are the X servers by the file names of their programs.
var xPrograms = map[string]xServer{
	"Xorg": {}, "Xorg.bin": {}, "X": {}, "Xvfb": {}, "Xwayland": {guest: true},
	"Xvnc": {remote: true}, "Xtigervnc": {remote: true}, "Xtightvnc": {remote: true}, "Xrdp": {remote: true},
	"nxagent": {remote: true}, "x2goagent": {remote: true},
}

// parseServer reads how an X server was called. Not ok is another program. Its
// display is empty where it chose one by itself.
func parseServer(program string, arguments []string) (s xServer, ok bool) {
	s, ok = xPrograms[program]
	if !ok {
		return s, false
	}
	for i, a := range arguments {
		if number, is := strings.CutPrefix(a, ":"); is && i > 0 && s.display == "" {
			number, _, _ = strings.Cut(number, ".")
			if number != "" && len(number) <= 5 && strings.Trim(number, "0123456789") == "" {
				s.display = number
			}
		}
		if a == "-auth" && i+1 < len(arguments) {
			s.auth = arguments[i+1]
		}
		// xrdp's servers are ordinary ones with its own configuration.
		if strings.Contains(a, "xrdp/xorg.conf") {
			s.remote = true
		}
	}
	return s, true
}
