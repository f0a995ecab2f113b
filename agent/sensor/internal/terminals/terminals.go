// Package terminals lists the sessions that Windows keeps for people: at the
// laptop's own screen, and over a protocol such as RDP.
//
// Names of users and of client computers are not taken from what Windows tells. The
// package imports nothing of Farmhound.
package terminals

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// MaxSessions bounds a listing.
const MaxSessions = 256

// Protocol is how a session is shown, in Windows' numbering (WTSClientProtocolType).
type Protocol uint16

// The protocols that Windows knows. Console is also what disconnected sessions have.
const (
	Console Protocol = 0
	Citrix  Protocol = 1
	RDP     Protocol = 2
)

// State is the state of a session in Windows' numbering (WTS_CONNECTSTATE_CLASS).
type State uint32

// States that matter. Active is being used, Shadow is being watched or driven by
// another session, Disconnected goes on without anybody.
const (
	Active       State = 0
	Connected    State = 1
	Shadow       State = 3
	Disconnected State = 4
)

// Session is one session of a person.
type Session struct {
	// ID is Windows' number for it.
	ID       uint32
	State    State
	Protocol Protocol
	// Client is the address that the client says it has, in its own network; not
	// valid where there is none.
	Client netip.Addr
	// LoggedOn and ConnectedAt are zero where they are not known or have not happened.
	LoggedOn, ConnectedAt time.Time
	// Locked is nil where that is not known.
	Locked *bool
}

// Remote reports whether somebody elsewhere is connected to the session.
func (s *Session) Remote() bool {
	return s.Protocol != Console && (s.State == Active || s.State == Shadow)
}

// clientAddress reads a WTS_CLIENT_ADDRESS: the family, and then twenty bytes of
// which an IPv4 address is the third to the sixth. Where Windows puts IPv6 addresses
// is not documented, so that they are not read.
func clientAddress(data []byte) netip.Addr {
	const familyIPv4 = 2
	if len(data) < 10 || binary.LittleEndian.Uint32(data) != familyIPv4 {
		return netip.Addr{}
	}
	address := netip.AddrFrom4([4]byte(data[6:10]))
	if address.IsUnspecified() {
		return netip.Addr{}
	}
	return address
}

// setInfo reads a WTSINFOEX of level 1: the state, the lock and times. The names of
// station, user and domain lie between them and are passed over.
func (s *Session) setInfo(data []byte) {
	const (
		flagsAt, loggedOnAt, connectedAt = 16, 168, 176
		locked, unlocked                 = 0, 1
	)
	if len(data) < connectedAt+8 || binary.LittleEndian.Uint32(data) != 1 {
		return
	}
	if flags := binary.LittleEndian.Uint32(data[flagsAt:]); flags == locked || flags == unlocked {
		isLocked := flags == locked
		s.Locked = &isLocked
	}
	s.LoggedOn, s.ConnectedAt = instant(data[loggedOnAt:]), instant(data[connectedAt:])
}

// instant reads a FILETIME: units of 100 ns since 1601.
func instant(data []byte) time.Time {
	const to1970, perSecond = 11_644_473_600, 10_000_000
	ticks := binary.LittleEndian.Uint64(data)
	if ticks == 0 || ticks > 1<<63-1 {
		return time.Time{}
	}
	t := time.Unix(int64(ticks/perSecond)-to1970, int64(ticks%perSecond)*100).UTC()
	if t.Year() < 1990 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
