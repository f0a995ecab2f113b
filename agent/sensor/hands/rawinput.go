package hands

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// On Windows a helper in each session of a person tells the service of input, in
// frames of its own: that a device is there, by the name that Windows has for it, and
// that it made input. Device 0 is none: software made that input.
const (
	frameDevice = 'D' // number (4 bytes), length (2), name
	frameInput  = 'I' // number (4 bytes), flags (1)

	flagKey       = 1
	flagDigitizer = 2

	mostName = 512
	// mostHelped bounds the devices that a helper may name.
	mostHelped = 256
	// touchLasts, in milliseconds, is how long after a touch the pointer that moves
	// without a device is the touchpad's: Windows makes it of the touches.
	touchLasts = 500
)

var errFrame = errors.New("the helper sends what is no frame")

func appendDevice(b []byte, number uint32, name string) []byte {
	name = name[:min(len(name), mostName)]
	b = binary.LittleEndian.AppendUint32(append(b, frameDevice), number)
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(name))), name...)
}

func appendInput(b []byte, number uint32, flags byte) []byte {
	return append(binary.LittleEndian.AppendUint32(append(b, frameInput), number), flags)
}

// helped counts what one helper tells.
type helped struct {
	ledger *ledger
	// stands says how a device, by its instance, stands in the device tree.
	stands func(instance string) standing
	// name tells one session's devices from another's.
	name    string
	devices map[uint32]*namedDevice
	// touched is the last digitizer that was touched, and when.
	touched   *source
	touchedAt int64
}

// namedDevice is a device that a helper named. The helper names it at its first input,
// when Windows may still be listing what it consists of, so that it is placed again.
type namedDevice struct {
	*source
	name   string
	origin origin
	// named is when it was, and again when it is to be placed again, in milliseconds of
	// the ledger's clock; zero is never.
	named, again int64
}

// read counts until the helper ends. It returns nil where the helper ended well.
func (h *helped) read(from io.Reader) error {
	in := bufio.NewReaderSize(from, 1024)
	h.devices = map[uint32]*namedDevice{0: {source: h.ledger.open(h.name+" none", injected)}}
	defer func() {
		for _, d := range h.devices {
			h.ledger.close(d.source)
		}
	}()
	for {
		if err := h.frame(in); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read from the helper: %w", err)
		}
	}
}

func (h *helped) frame(in *bufio.Reader) error {
	var head [7]byte
	kind, err := in.ReadByte()
	if err != nil {
		return err
	}
	switch kind {
	case frameDevice:
		if _, err := io.ReadFull(in, head[:6]); err != nil {
			return err
		}
		number, size := binary.LittleEndian.Uint32(head[:]), int(binary.LittleEndian.Uint16(head[4:]))
		// A number is one device's: each name takes up one of the ledger's sources.
		if size > mostName || h.devices[number] != nil || len(h.devices) > mostHelped {
			return errFrame
		}
		name := make([]byte, size)
		if _, err := io.ReadFull(in, name); err != nil {
			return err
		}
		d := &namedDevice{name: string(name), named: h.ledger.clock()}
		h.devices[number] = d
		h.place(d, d.named)
	case frameInput:
		if _, err := io.ReadFull(in, head[:5]); err != nil {
			return err
		}
		h.input(binary.LittleEndian.Uint32(head[:]), head[4])
	default:
		return errFrame
	}
	return nil
}

// place says where a device's input comes from, and when that is to be asked again: soon
// where the device tree has no such device yet, and once when it is settled.
func (h *helped) place(d *namedDevice, now int64) {
	asked, listed := false, true
	o := placeWindows(d.name, func(instance string) standing {
		s := h.stands(instance)
		asked, listed = true, s != unlisted
		return s
	})
	if d.source == nil || o != d.origin {
		d.source, d.origin = h.ledger.open(h.name+" "+d.name, o), o
	}
	switch d.again = 0; {
	case asked && now-d.named < settled && !listed:
		d.again = now + freshTree
	case asked && now-d.named < settled:
		d.again = d.named + settled
	}
}

func (h *helped) input(number uint32, flags byte) {
	d := h.devices[number]
	if d == nil {
		return
	}
	now, key := h.ledger.clock(), flags&flagKey != 0
	if d.again != 0 && now >= d.again {
		h.place(d, now)
	}
	s := d.source
	switch {
	case flags&flagDigitizer != 0:
		h.touched, h.touchedAt = s, now
	case number == 0 && !key && h.touched != nil && now-h.touchedAt < touchLasts:
		s = h.touched
	}
	h.ledger.note(s, now, key)
}

// placeWindows says where the input of a device comes from by its name, such as
// \\?\HID#VID_046D&PID_C52B&MI_00#7&2f1&0&0000#{378de44c-56ef-11d1-bc8c-00a0c91405dd},
// and by how it stands in the device tree: a driver can name a device as it likes.
func placeWindows(name string, stands func(instance string) standing) origin {
	name = strings.ToUpper(strings.TrimLeft(name, `\?.`))
	bus, rest, _ := strings.Cut(name, "#")
	id, _, _ := strings.Cut(rest, "#")
	switch {
	case bus == "TERMINPUT_BUS", strings.HasPrefix(id, "RDP_"):
		return session
	case bus == "ROOT", bus == "SWD":
		return injected // a driver without a device
	case bus == "ACPI":
		return builtIn
	case bus != "HID":
		return attached
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(rest, id+"#"), "#")
	switch stands(bus + `\` + id + `\` + number) {
	case unlisted:
		return unplaced
	case driven:
		return injected
	case hungOnConsole:
		return kvmLike
	}
	if strings.HasPrefix(id, "VID_") || strings.HasPrefix(id, "{") { // a service of Bluetooth
		return attached
	}
	return builtIn // over I2C or SPI, or the laptop's own buttons: HID#SYNA8004&COL01
}
