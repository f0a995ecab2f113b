package api

import (
	"math"
	"net"

	"golang.org/x/sys/unix"
)

// roundTrip returns the smallest round trip that the kernel saw on a connection,
// in milliseconds, and its segment size; zeroes where unknown.
func roundTrip(conn *net.TCPConn) (millis float64, segment uint32) {
	if conn == nil {
		return 0, 0
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0
	}
	var info *unix.TCPInfo
	var infoErr error
	err = raw.Control(func(fd uintptr) {
		info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	// The connection may be closed by now; the report it brought counts all the same.
	if err != nil || infoErr != nil {
		return 0, 0
	}
	if info.Min_rtt != math.MaxUint32 { // the kernel's word for none yet
		millis = float64(info.Min_rtt) / 1000
	}
	return millis, info.Snd_mss
}
