package egress

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindTo makes a socket leave through an interface, whatever the routes say.
func bindTo(name string) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		out, err := net.InterfaceByName(name)
		if err != nil {
			return fmt.Errorf("bind a socket to an interface: %w", err)
		}
		var failed error
		err = c.Control(func(fd uintptr) {
			if strings.HasSuffix(network, "6") {
				failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_BOUND_IF, out.Index)
			} else {
				failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BOUND_IF, out.Index)
			}
		})
		return errors.Join(err, failed)
	}
}

// noRoute reports whether the kernel knows no way there.
func noRoute(err error) bool {
	return errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENXIO)
}
