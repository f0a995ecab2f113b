package egress

import (
	"net"
	"net/netip"
)

// socket answers from the address that was asked. One that is bound to no address
// would answer from whichever the route back prefers, and a laptop takes no answer
// from another than it asked.
type socket struct {
	*net.UDPConn
	// about receives what the system says beside a datagram; empty where it is not asked.
	about []byte
}

func newSocket(conn *net.UDPConn) *socket {
	s := &socket{UDPConn: conn}
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if ok && local.IP.IsUnspecified() && tellDestination(conn, local.IP.To4() == nil) == nil {
		s.about = make([]byte, aboutSize)
	}
	return s
}

// read returns a datagram's length, its sender, and what answers it must carry to
// leave from where it went.
func (s *socket) read(buffer []byte) (n int, from netip.AddrPort, back []byte, err error) {
	n, size, _, from, err := s.ReadMsgUDPAddrPort(buffer, s.about)
	return n, from, fromDestination(s.about[:size]), err
}

// write answers. Who does not get it asks again.
func (s *socket) write(answer []byte, to netip.AddrPort, back []byte) {
	_, _, _ = s.WriteMsgUDPAddrPort(answer, back, to)
}
