package network

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// netRow is the size of MIB_IPNET_ROW2: SOCKADDR_INET, index, LUID, hardware address,
// its length, state, flags, and milliseconds since the neighbour answered.
const netRow = 88

// parseNetRow reads one entry of the neighbour table of Windows; it is not ok for one
// that holds no address of the link.
func parseNetRow(row []byte) (n neighbour, ok bool) {
	const (
		family4, family6             = 2, 23
		unreachable, incomplete      = 0, 1
		stale, permanent             = 4, 6
		atIndex, atMAC, atSize       = 28, 40, 72
		atState, atAge, atPort4, at6 = 76, 84, 4, 8
	)
	if len(row) < netRow {
		return n, false
	}
	little := binary.LittleEndian
	switch little.Uint16(row) {
	case family4:
		n.addr = netip.AddrFrom4([4]byte(row[atPort4:]))
	case family6:
		n.addr = netip.AddrFrom16([16]byte(row[at6:])).Unmap()
	default:
		return n, false
	}
	n.device = int(little.Uint32(row[atIndex:]))
	state := little.Uint32(row[atState:])
	if little.Uint32(row[atSize:]) != uint32(len(n.mac)) || state == unreachable || state == incomplete || state > permanent {
		return n, false
	}
	n.mac = mac(row[atMAC:])
	age := time.Duration(little.Uint32(row[atAge:])) * time.Millisecond
	n.lately = state != permanent && (state != stale || age < lately)
	return n, n.mac.names()
}

// parseConnection returns the access point in WLAN_CONNECTION_ATTRIBUTES: state, mode,
// name of the profile, then length and bytes of the network's name, its type, and the
// access point's address.
func parseConnection(b []byte) (m mac, ok bool) {
	const connected, infrastructure = 1, 1
	const atType, atMAC = 4 + 4 + 512 + 36, 4 + 4 + 512 + 36 + 4
	if len(b) < atMAC+len(m) || binary.LittleEndian.Uint32(b) != connected || binary.LittleEndian.Uint32(b[atType:]) != infrastructure {
		return m, false
	}
	m = mac(b[atMAC:])
	return m, m.names()
}
