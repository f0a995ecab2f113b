// Package sockets lists the TCP connections and listeners of a machine, with what the
// kernel knows of their round trips and bytes.
//
// Linux' kernel is asked through its INET_DIAG dump where it can be; files recorded
// from /proc/net/tcp are read otherwise, and then round trips and bytes are absent.
// Windows' tables with owners, and what macOS' netstat and nettop print, are parsed here as
// well. Rows are parsed into memory that the caller reuses: on Linux and Windows a steady
// scan allocates nothing per row. The package imports nothing of Farmhound but
// agent/sensor/host.
package sockets

import (
	"net/netip"
	"time"
)

// MaxRows bounds one listing, so that a machine with millions of connections
// costs the agent no more than this.
const MaxRows = 1_000_000

// State is a TCP state in the kernel's numbering. Only the listed ones are kept.
type State uint8

// The states that a listing keeps.
const (
	Established State = 1
	Listen      State = 10
)

// Socket is one TCP connection or listener.
type Socket struct {
	// Local and Remote are the two ends; IPv4 addresses mapped into IPv6 are
	// unmapped. Remote is the zero address and port for listeners.
	Local, Remote netip.AddrPort
	// State is Established or Listen.
	State State
	// UID owns the socket.
	UID uint32
	// Inode is the number under which /proc/PID/fd shows the socket; zero for one
	// that no process holds.
	Inode uint64
	// Space is the network namespace it is in: zero for the agent's own, and counted
	// from one in the order in which others were asked for.
	Space int
	// Cookie is the kernel's own id of the socket, unique while the machine runs.
	// Zero where the listing does not tell.
	Cookie uint64
	// Measured says whether the fields below were told.
	Measured bool
	// MinRTT is the smallest round trip of the last minutes, zero where none was
	// taken; RTT is the smoothed one.
	MinRTT, RTT time.Duration
	// Silent is for how long the peer has acknowledged nothing of what the kernel
	// keeps sending it again; zero while it answers, or need not.
	Silent time.Duration
	// Acked counts bytes that were sent and acknowledged, Received bytes received.
	Acked, Received uint64
}

// Covers reports whether a listener takes connections that arrive where this one did.
func (s *Socket) Covers(row *Socket) bool {
	own, to := s.Local.Addr(), row.Local
	// A listener on :: takes IPv4 too unless it was told not to, which is rare and
	// not shown; the kernel would have refused the connection otherwise.
	return s.Space == row.Space && s.Local.Port() == to.Port() &&
		(own == to.Addr() || own.IsUnspecified() && (own.Is6() || to.Addr().Is4()))
}
