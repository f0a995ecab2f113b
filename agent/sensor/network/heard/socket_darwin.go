package heard

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// perMinute bounds the packets that are read, questions among them: macOS has no filter
// for a datagram socket. Where more is said, the rest is left to the system to drop,
// which wakes nobody.
const perMinute = 240

func open(family int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(fd)
	return fd, unix.SetNonblock(fd, true)
}

// prepare shares the port with the system's own responder, which asks for it so.
func prepare(fd, family int, _ uint16) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil || family == unix.AF_INET {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
}

// joinOn joins with IPv4 by an address of the interface, as every macOS takes it.
func joinOn(fd int, group netip.Addr, index int) error {
	if group.Is6() {
		return joinOn6(fd, group, index)
	}
	own, err := address4(index)
	if err != nil {
		return err
	}
	return unix.SetsockoptIPMreq(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreq{Multiaddr: group.As4(), Interface: own})
}
