package hands

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

const (
	inputFolder = "/dev/input"
	classFolder = "/sys/class/input"
	mostDevices = 256
	// atATime is how long the reader lets events gather before it reads again: a
	// mouse moves a thousand times a second, and once is enough to know: being woken is
	// what costs. The kernel drops what does not fit and keeps the newest, so that it
	// must be less than what ends a stroke.
	atATime = 200 * time.Millisecond
)

// wireEvent is struct input_event, whose first half is two words of the kernel's size.
const (
	timeSize  = int(unsafe.Sizeof(unix.Timeval{}))
	eventSize = timeSize + 8
)

// devices reads the events of the kernel's input devices. Start it with look; it is
// for one goroutine, and what it starts ends with close.
type devices struct {
	sensor *Sensor
	host   host.Host

	known  map[string]*device // by name; nil for what is no input
	poll   int                // -1 until the reader runs
	wake   [2]int
	reader sync.WaitGroup
	stop   chan struct{}
	mu     sync.Mutex
	opened map[int32]*device // by file descriptor
	offset int64             // what to add to the kernel's milliseconds
}

// device is one input device that is being read.
type device struct {
	fd       int
	path     string
	source   *source
	stamped  bool // with the kernel's monotonic clock
	readable bool
}

// found is what a look at the devices found.
type found struct {
	// some is whether there are devices that could make input, hidden whether some
	// of them may not be read.
	some, hidden bool
}

// look opens what was plugged in since the last time.
func (d *devices) look() (found, error) {
	names, err := d.host.ReadNames(inputFolder, maxNames)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return found{}, err
	}
	if d.known == nil {
		d.known, d.opened, d.poll = map[string]*device{}, map[int32]*device{}, -1
	}
	var f found
	if len(names) == 0 && len(d.known) == 0 {
		return f, nil
	}
	present := map[string]bool{}
	places := usbPlaces{}
	for _, name := range names[:min(len(names), mostDevices)] {
		if !strings.HasPrefix(name, "event") {
			continue
		}
		present[name] = true
		dev, known := d.known[name]
		if !known || d.closed(dev) {
			if dev, err = d.open(name, places); err != nil {
				return f, err
			}
			d.known[name] = dev
		}
		if dev != nil {
			f.some = true
			f.hidden = f.hidden || !dev.readable
		}
	}
	for name, dev := range d.known {
		if !present[name] {
			d.drop(dev)
			delete(d.known, name)
		}
	}
	return f, nil
}

// closed reports whether an input device is not being read: it was hidden, or the
// reader found it gone.
func (d *devices) closed(dev *device) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return dev != nil && dev.fd < 0
}

// open opens a device and has it read. It returns nil for what is no keyboard and no
// pointer.
func (d *devices) open(name string, places usbPlaces) (*device, error) {
	described := describe(d.host, d.sensor, places, name)
	if !described.keyboard && !described.pointer {
		return nil, nil
	}
	dev := &device{fd: -1, path: described.path}
	file := path.Join(d.host.Root, inputFolder, name)
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return dev, nil //nolint:nilerr // hidden; tried again with the next look
	}
	// A program may have taken the node's place meanwhile; a monotonic stamp is the
	// kernel's own.
	dev.fd, dev.readable = fd, true
	dev.stamped = unix.IoctlSetPointerInt(fd, evClockID, unix.CLOCK_MONOTONIC) == nil
	dev.source = d.sensor.ledger.open(described.path, described.places())
	if err := d.watch(dev); err != nil {
		d.drop(dev)
		return nil, err
	}
	return dev, nil
}

// evClockID is EVIOCSCLOCKID, which sets the clock of the stamps.
const evClockID = 0x400445a0

// watch adds a device to what the reader waits for, and starts the reader.
func (d *devices) watch(dev *device) error {
	if d.poll < 0 {
		if err := d.start(); err != nil {
			return err
		}
	}
	// The reader may close a device as soon as it hears of it.
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened[int32(dev.fd)] = dev
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(dev.fd)}
	if err := unix.EpollCtl(d.poll, unix.EPOLL_CTL_ADD, dev.fd, &event); err != nil {
		return fmt.Errorf("wait for input: %w", err)
	}
	return nil
}

func (d *devices) start() error {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("wait for input: %w", err)
	}
	if err := unix.Pipe2(d.wake[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		unix.Close(poll)
		return fmt.Errorf("wait for input: %w", err)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(d.wake[0])}
	if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, d.wake[0], &event); err != nil {
		for _, fd := range []int{poll, d.wake[0], d.wake[1]} {
			unix.Close(fd)
		}
		return fmt.Errorf("wait for input: %w", err)
	}
	d.poll, d.stop = poll, make(chan struct{})
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err == nil {
		d.offset = d.sensor.ledger.clock() - now.Nano()/1e6
	}
	d.reader.Go(d.read)
	return nil
}

// read is the reader: it waits for input, reads all there is, and lets more gather.
func (d *devices) read() {
	var events [16]unix.EpollEvent
	buffer := make([]byte, 64*eventSize)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		n, err := unix.EpollWait(d.poll, events[:], -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == int32(d.wake[0]) {
				return
			}
			d.drain(e.Fd, buffer)
		}
		pause.Reset(atATime)
		select {
		case <-pause.C:
		case <-d.stop:
			return
		}
	}
}

// drain reads what a device has to tell. One that is gone is closed.
func (d *devices) drain(fd int32, buffer []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dev := d.opened[fd]
	if dev == nil {
		return
	}
	for range 8 {
		n, err := unix.Read(int(fd), buffer)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return
		case err != nil || n <= 0:
			d.forget(dev)
			return
		}
		d.take(dev, buffer[:n])
	}
}

// take counts events. Keys that repeat by themselves and those let go are no input,
// and of what lies within some milliseconds one is enough.
func (d *devices) take(dev *device, data []byte) {
	now := d.sensor.ledger.clock()
	const enough = 8 // milliseconds: what most mice take between two movements
	last, lastKey := int64(-enough), false
	for ; len(data) >= eventSize; data = data[eventSize:] {
		pressed, key := readEvent(data[timeSize:eventSize])
		if !pressed {
			continue
		}
		at := now
		if dev.stamped {
			at = min(stamp(data)+d.offset, now)
		}
		if at-last >= enough || key != lastKey {
			d.sensor.ledger.note(dev.source, at, key)
			last, lastKey = at, key
		}
	}
}

// stamp reads the time of an event in milliseconds.
func stamp(data []byte) int64 {
	if timeSize == 8 {
		return int64(binary.NativeEndian.Uint32(data))*1000 + int64(binary.NativeEndian.Uint32(data[4:]))/1000
	}
	return int64(binary.NativeEndian.Uint64(data))*1000 + int64(binary.NativeEndian.Uint64(data[8:]))/1000
}

// readEvent says whether an event is input, and whether of a key. The code is looked
// at for that and no further.
func readEvent(data []byte) (input, key bool) {
	kind, code := binary.NativeEndian.Uint16(data), binary.NativeEndian.Uint16(data[2:])
	switch kind {
	case eventKey:
		const pressed = 1
		return binary.NativeEndian.Uint32(data[4:]) == pressed, code < firstButton || code > lastButton
	case eventRelative, eventAbsolute:
		return true, false
	}
	return false, false
}

// drop closes a device that is no longer there.
func (d *devices) drop(dev *device) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(dev)
}

// forget closes a device; mu is held.
func (d *devices) forget(dev *device) {
	if dev == nil || dev.fd < 0 {
		return
	}
	delete(d.opened, int32(dev.fd))
	unix.Close(dev.fd)
	dev.fd = -1
	d.sensor.ledger.close(dev.source)
}

func (d *devices) close() error {
	if d.known == nil || d.poll < 0 {
		return nil
	}
	close(d.stop)
	_, err := unix.Write(d.wake[1], []byte{0})
	d.reader.Wait()
	for _, dev := range d.known {
		d.drop(dev)
	}
	for _, fd := range []int{d.poll, d.wake[0], d.wake[1]} {
		unix.Close(fd)
	}
	d.poll = -1
	if err != nil {
		return fmt.Errorf("end reading input: %w", err)
	}
	return nil
}
