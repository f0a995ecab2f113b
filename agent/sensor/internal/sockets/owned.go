package sockets

import (
	"encoding/binary"
	"net/netip"
)

// Owned is a socket with the process that owns it.
type Owned struct {
	Socket
	// PID is the owning process; zero for one that has gone.
	PID uint32
}

// Rows of Windows' tables with owners: MIB_TCPROW_OWNER_PID, MIB_TCP6ROW_OWNER_PID.
// A count of 32 bits goes before them.
const (
	countSize = 4
	row4Size  = 24
	row6Size  = 56
)

// States of TCP as Windows numbers them.
const (
	windowsListen      = 2
	windowsEstablished = 5
)

// AppendOwned4 appends the connections and listeners of a table that Windows'
// GetExtendedTcpTable gave for IPv4 with owners. A table that says it is longer than
// it is is read as far as it goes. Rows in other states are left out.
func AppendOwned4(dst []Owned, table []byte) []Owned {
	for row := range rowsOf(table, row4Size) {
		// state, local address and port, remote address and port, owner
		dst = appendOwned(dst, binary.LittleEndian.Uint32(row), binary.LittleEndian.Uint32(row[20:]),
			end4(row[4:]), end4(row[12:]))
	}
	return dst
}

// AppendOwned6 is AppendOwned4 for IPv6.
func AppendOwned6(dst []Owned, table []byte) []Owned {
	for row := range rowsOf(table, row6Size) {
		// local address, scope and port, remote address, scope and port, state, owner
		dst = appendOwned(dst, binary.LittleEndian.Uint32(row[48:]), binary.LittleEndian.Uint32(row[52:]),
			end6(row), end6(row[24:]))
	}
	return dst
}

// rowsOf yields the rows of a table.
func rowsOf(table []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		if len(table) < countSize {
			return
		}
		count := int(min(binary.LittleEndian.Uint32(table), MaxRows))
		rows := table[countSize:]
		for range min(count, len(rows)/size) {
			if !yield(rows[:size]) {
				return
			}
			rows = rows[size:]
		}
	}
}

func appendOwned(dst []Owned, state, owner uint32, local, remote netip.AddrPort) []Owned {
	s := Owned{Socket: Socket{Local: local}, PID: owner}
	switch state {
	case windowsListen:
		s.State = Listen
	case windowsEstablished:
		s.State, s.Remote = Established, remote
	default:
		return dst
	}
	return append(dst, s)
}

// end4 reads an address and a port, which are in network order within their words.
func end4(b []byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), binary.BigEndian.Uint16(b[4:]))
}

func end6(b []byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b)).Unmap(), binary.BigEndian.Uint16(b[20:]))
}
