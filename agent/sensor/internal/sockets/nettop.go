package sockets

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Statistics are what macOS' nettop tells of one connection.
type Statistics struct {
	Local, Remote netip.AddrPort
	// RTT is the smoothed round trip, zero where none was taken. nettop tells no minimum.
	RTT time.Duration
	// Received and Sent count bytes.
	Received, Sent uint64
}

// ParseNettop returns the connections of what macOS' nettop -L 1 -n -m tcp printed: lines of
// fields behind commas, which the first line names. Lines of processes, which come
// between, have no state, and so is whoever calls itself as a connection passed over.
func ParseNettop(text string) (list []Statistics) {
	at := map[string]int{}
	for line := range strings.Lines(text) {
		field := strings.Split(strings.TrimSpace(line), ",")
		if isHeader(field) {
			clear(at)
			for i, name := range field {
				if _, known := at[name]; !known { // behind the last comma is no field
					at[name] = i
				}
			}
			continue
		}
		value := func(name string) string {
			if i, ok := at[name]; ok && i < len(field) {
				return field[i]
			}
			return ""
		}
		if value("state") != "Established" || len(list) == MaxRows {
			continue
		}
		// The connection itself stands under a column without a name.
		s := Statistics{RTT: roundTrip(value("rtt_avg"))}
		var ok bool
		if s.Local, s.Remote, ok = nettopEnds(value("")); !ok {
			continue
		}
		s.Received, _ = strconv.ParseUint(value("bytes_in"), 10, 64)
		s.Sent, _ = strconv.ParseUint(value("bytes_out"), 10, 64)
		list = append(list, s)
	}
	return list
}

// isHeader reports whether a line names the fields. Where the time is left out, so is
// its name; what a terminal is told before the first line does not matter.
func isHeader(field []string) bool {
	bytesIn, state := false, false
	for _, name := range field {
		bytesIn, state = bytesIn || name == "bytes_in", state || name == "state"
	}
	return bytesIn && state
}

// nettopEnds reads "tcp4 192.0.2.1:22<->198.51.100.2:50000"; between an IPv6 address and
// its port stands a dot.
func nettopEnds(text string) (local, remote netip.AddrPort, ok bool) {
	kind, ends, _ := strings.Cut(text, " ")
	separator := byte(':')
	switch kind {
	case "tcp4":
	case "tcp6":
		separator = '.'
	default:
		return local, remote, false
	}
	here, there, found := strings.Cut(ends, "<->")
	local, ok = nettopEnd(here, separator)
	remote, also := nettopEnd(there, separator)
	return local, remote, found && ok && also
}

func nettopEnd(text string, separator byte) (netip.AddrPort, bool) {
	at := strings.LastIndexByte(text, separator)
	if at < 0 {
		return netip.AddrPort{}, false
	}
	addr, err := netip.ParseAddr(text[:at])
	port, failed := strconv.ParseUint(text[at+1:], 10, 16)
	return netip.AddrPortFrom(addr.WithZone("").Unmap(), uint16(port)), err == nil && failed == nil
}

// roundTrip reads "108.53 ms". A number without its unit says nothing.
func roundTrip(text string) time.Duration {
	count, unit, _ := strings.Cut(text, " ")
	n, err := strconv.ParseFloat(count, 64)
	units := map[string]time.Duration{"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second}
	one, known := units[unit]
	if err != nil || !known || !(n > 0) || n > float64(time.Hour/one) {
		return 0
	}
	return time.Duration(n * float64(one))
}

// Measure fills in the round trip of a connection where the list has it. macOS tells the
// smoothed one: the least that is seen of it stands for the minimum, and is never less.
func (s *Socket) Measure(list []Statistics) {
	for i := range list {
		if l := &list[i]; l.Local == s.Local && l.Remote == s.Remote {
			s.RTT, s.MinRTT = l.RTT, l.RTT
			if !s.Measured {
				s.Measured, s.Received, s.Acked = true, l.Received, l.Sent
			}
			return
		}
	}
}
