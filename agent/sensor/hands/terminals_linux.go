package hands

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const mostTerminals = 64

// terminals counts input that reaches the pseudo-terminals of remote logons, by the
// kernel's own notice that a program read from one. What it read is not seen.
type terminals struct {
	sensor *Sensor

	notify   int
	wake     [2]int
	begun    bool
	reader   sync.WaitGroup
	stop     chan struct{}
	mu       sync.Mutex
	source   *source
	byWatch  map[int32]int // number of the terminal
	byNumber map[int]int32
}

// follow has exactly these terminals watched.
func (t *terminals) follow(numbers []int) error {
	if len(numbers) > 0 && !t.begun {
		if err := t.start(); err != nil {
			return err
		}
	}
	if !t.begun {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	wanted := map[int]bool{}
	for _, n := range numbers[:min(len(numbers), mostTerminals)] {
		wanted[n] = true
		if _, known := t.byNumber[n]; known {
			continue
		}
		w, err := unix.InotifyAddWatch(t.notify, "/dev/pts/"+strconv.Itoa(n), unix.IN_ACCESS)
		if errors.Is(err, unix.ENOENT) {
			continue // the session ended meanwhile
		}
		if err != nil {
			return fmt.Errorf("watch a terminal: %w", err)
		}
		t.byNumber[n], t.byWatch[int32(w)] = int32(w), n
	}
	for n, w := range t.byNumber {
		if !wanted[n] {
			_, _ = unix.InotifyRmWatch(t.notify, uint32(w)) // gone with its terminal, or now
			delete(t.byNumber, n)
			delete(t.byWatch, w)
		}
	}
	return nil
}

func (t *terminals) start() error {
	var err error
	if t.notify, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		return fmt.Errorf("watch terminals: %w", err)
	}
	if err = unix.Pipe2(t.wake[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		unix.Close(t.notify)
		return fmt.Errorf("watch terminals: %w", err)
	}
	t.begun, t.stop = true, make(chan struct{})
	t.byWatch, t.byNumber = map[int32]int{}, map[int]int32{}
	t.source = t.sensor.ledger.open("terminals", session)
	t.reader.Go(t.read)
	return nil
}

func (t *terminals) read() {
	buffer := make([]byte, 64*unix.SizeofInotifyEvent)
	pause := time.NewTimer(0)
	defer pause.Stop()
	waits := []unix.PollFd{{Fd: int32(t.notify), Events: unix.POLLIN}, {Fd: int32(t.wake[0]), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(waits, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if waits[1].Revents != 0 {
			return
		}
		if n, err := unix.Read(t.notify, buffer); err == nil {
			t.take(buffer[:n])
		}
		pause.Reset(atATime)
		select {
		case <-pause.C:
		case <-t.stop:
			return
		}
	}
}

func (t *terminals) take(data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(data) >= unix.SizeofInotifyEvent {
		watch, mask := int32(binary.NativeEndian.Uint32(data)), binary.NativeEndian.Uint32(data[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(data[12:]))
		n, known := t.byWatch[watch]
		switch {
		case !known:
		case mask&unix.IN_IGNORED != 0:
			// The terminal is gone; another may come by its number.
			delete(t.byWatch, watch)
			delete(t.byNumber, n)
		case mask&unix.IN_ACCESS != 0:
			t.sensor.ledger.note(t.source, t.sensor.ledger.clock(), true)
		}
		data = data[min(size, len(data)):]
	}
}

func (t *terminals) close() error {
	if !t.begun {
		return nil
	}
	close(t.stop)
	_, err := unix.Write(t.wake[1], []byte{0})
	t.reader.Wait()
	for _, fd := range []int{t.notify, t.wake[0], t.wake[1]} {
		unix.Close(fd)
	}
	t.begun = false
	if err != nil {
		return fmt.Errorf("end watching terminals: %w", err)
	}
	return nil
}
