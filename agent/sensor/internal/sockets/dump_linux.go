package sockets

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// datagramSize is the most that the kernel puts into one datagram of a dump.
const datagramSize = 64 << 10

// dump asks the kernel for the rows of both address families, in the network
// namespace of a process or, for process zero, in that of the calling thread.
func (l *Lister) dump(process int) error {
	fd, err := openDump(process)
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
	for _, family := range [...]uint8{familyIPv4, familyIPv6} {
		if err := l.dumpFamily(fd, family); err != nil {
			return err
		}
	}
	return nil
}

// openDump opens a socket to ask with. Wherever the thread goes that opened it, the
// socket stays in the namespace it was opened in.
func openDump(process int) (fd int, err error) {
	open := func() (err error) {
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
		return err
	}
	if process == 0 {
		err = open()
	} else {
		err = within("/proc/"+strconv.Itoa(process)+"/ns/net", open)
	}
	return fd, err
}

// within runs f on a thread in a network namespace. That thread is given up
// afterwards, so that nothing else of the program ever runs in the namespace.
func within(namespace string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The first thread stands for the process in /proc and must stay where it
			// is. While it is held here, another goroutine gets another thread.
			done <- within(namespace, f)
			runtime.UnlockOSThread()
			return
		}
		handle, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			done <- err
			return
		}
		defer unix.Close(handle)
		if err := unix.Setns(handle, unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
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
