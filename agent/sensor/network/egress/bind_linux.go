package egress

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindTo makes a socket leave through an interface, whatever the routes say. The
// kernel allows it to anybody for a socket that is not bound yet (since 5.7).
func bindTo(name string) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var failed error
		if err := c.Control(func(fd uintptr) { failed = unix.BindToDevice(int(fd), name) }); err != nil {
			return fmt.Errorf("bind a socket to an interface: %w", err)
		}
		return failed
	}
}

// noRoute reports whether the kernel knows no way there.
func noRoute(err error) bool {
	return errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EPERM)
}
