package sockets

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// datagramSize is the most that the kernel puts into one datagram of a dump.
const datagramSize = 64 << 10

// dump asks the kernel for the rows of both address families.
func (l *Lister) dump() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fmt.Errorf("open socket dump: %w", err)
	}
	defer unix.Close(fd)
	// The kernel answers at once; the limit is for a sandbox that swallows the question.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 2}); err != nil {
		return fmt.Errorf("limit socket dump: %w", err)
	}
	if cap(l.buffer) < datagramSize {
		l.buffer = make([]byte, datagramSize)
	}
	l.rows = l.rows[:0]
	for _, family := range [...]uint8{familyIPv4, familyIPv6} {
		if err := l.dumpFamily(fd, family); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lister) dumpFamily(fd int, family uint8) error {
	request := appendRequest(l.buffer[:0], family)
	if _, err := unix.Write(fd, request); err != nil {
		return fmt.Errorf("ask for sockets: %w", err)
	}
	for {
		n, err := unix.Read(fd, l.buffer[:cap(l.buffer)])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read socket dump: %w", err)
		}
		var done bool
		if l.rows, done, err = appendDump(l.rows, l.buffer[:n]); err != nil || done {
			return err
		}
	}
}
