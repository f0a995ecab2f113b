package egress

import (
	"errors"
	"fmt"
	"math/bits"
	"net"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// Options of ws2ipdef.h that x/sys does not name for both families.
const (
	ipUnicastInterface   = 31 // IP_UNICAST_IF: the index in network byte order
	ipv6UnicastInterface = 31 // IPV6_UNICAST_IF: the index in host byte order
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
				failed = windows.SetsockoptInt(windows.Handle(fd), windows.IPPROTO_IPV6, ipv6UnicastInterface, out.Index)
			} else {
				index := int(int32(bits.ReverseBytes32(uint32(out.Index))))
				failed = windows.SetsockoptInt(windows.Handle(fd), windows.IPPROTO_IP, ipUnicastInterface, index)
			}
		})
		return errors.Join(err, failed)
	}
}

// noRoute reports whether the system knows no way there.
func noRoute(err error) bool {
	return errors.Is(err, windows.WSAENETUNREACH) || errors.Is(err, windows.WSAEADDRNOTAVAIL)
}
