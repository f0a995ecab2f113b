package egress

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// aboutSize holds the destination in either family, with room for more.
const aboutSize = 128

// tellDestination has the kernel say with each datagram to which address it went. A
// socket for both families is told of IPv4 in the form of IPv6.
func tellDestination(conn *net.UDPConn, six bool) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if six {
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		} else {
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
	return errors.Join(err, failed)
}

// fromDestination makes of what the kernel said what it takes to answer: the same
// address, through whichever interface the routes prefer.
func fromDestination(about []byte) []byte {
	messages, err := unix.ParseSocketControlMessage(about)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			info := unix.Inet6Pktinfo{Addr: [16]byte(m.Data)}
			return unix.PktInfo6(&info)
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= unix.SizeofInet4Pktinfo:
			// ipi_ifindex, ipi_spec_dst, ipi_addr: the last is where it went.
			info := unix.Inet4Pktinfo{Spec_dst: [4]byte(m.Data[8:])}
			return unix.PktInfo4(&info)
		}
	}
	return nil
}
