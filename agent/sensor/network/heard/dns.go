package heard

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

const (
	dnsHeader = 12
	// mostRecords bounds what is read of one packet.
	mostRecords = 64
	// longestName is of RFC 1035, in bytes.
	longestName = 255
	// mostJumps bounds the pointers followed in one name; each leads back.
	mostJumps = 16

	typeAddress4 = 1
	typePointer  = 12
	typeText     = 16
	typeAddress6 = 28
	typeService  = 33
	typeAny      = 255
)

// parseMDNS reads a packet of multicast DNS. It is ok for an announcement: a response
// with records. What a question asks for is nobody's announcement, and is not read.
func parseMDNS(packet []byte) (kind Kind, ok bool) {
	const response, opcode = 0x80, 0x78
	if len(packet) < dnsHeader || packet[2]&response == 0 || packet[2]&opcode != 0 {
		return Other, false
	}
	questions := int(binary.BigEndian.Uint16(packet[4:]))
	records := int(binary.BigEndian.Uint16(packet[6:])) + int(binary.BigEndian.Uint16(packet[8:])) + int(binary.BigEndian.Uint16(packet[10:]))
	at := afterQuestions(packet, questions)
	if at < 0 {
		return Other, false
	}
	var buffer [longestName]byte
	for range min(records, mostRecords) {
		name, next := readName(packet, at, buffer[:0])
		const fixed = 10 // type, class, time to live, length
		if next < 0 || next+fixed > len(packet) {
			break // cut off: what came before counts
		}
		size := int(binary.BigEndian.Uint16(packet[next+8:]))
		if next+fixed+size > len(packet) {
			break
		}
		ok = true
		if alive := binary.BigEndian.Uint32(packet[next+4:]) > 0; alive {
			kind = max(kind, recordKind(binary.BigEndian.Uint16(packet[next:]), string(name), packet[next+fixed:next+fixed+size]))
		}
		at = next + fixed + size
	}
	return kind, ok
}

// afterQuestions returns the offset behind them, negative where they are broken.
func afterQuestions(packet []byte, questions int) (at int) {
	at = dnsHeader
	for range min(questions, mostRecords) {
		_, next := readName(packet, at, nil)
		if next < 0 || next+4 > len(packet) {
			return -1
		}
		at = next + 4
	}
	return at
}

// ownAddress returns the one IPv4 address that an announcement of multicast DNS gives: so
// somebody who speaks by IPv6 as well is known for the same. It is not valid where there
// is none, or there are several.
func ownAddress(packet []byte) (own netip.Addr) {
	if len(packet) < dnsHeader {
		return own
	}
	at := afterQuestions(packet, int(binary.BigEndian.Uint16(packet[4:])))
	for range mostRecords {
		if at < 0 || at >= len(packet) {
			break
		}
		_, next := readName(packet, at, nil)
		const fixed = 10
		if next < 0 || next+fixed > len(packet) {
			break
		}
		size := int(binary.BigEndian.Uint16(packet[next+8:]))
		at = next + fixed + size
		if at > len(packet) {
			break
		}
		if size != 4 || binary.BigEndian.Uint16(packet[next:]) != typeAddress4 {
			continue
		}
		addr := netip.AddrFrom4([4]byte(packet[next+fixed : at]))
		if own.IsValid() && own != addr {
			return netip.Addr{}
		}
		own = addr
	}
	return own
}

// recordKind returns the kind of thing that has a record.
func recordKind(of uint16, name string, data []byte) Kind {
	switch of {
	case typeAddress4, typeAddress6, typeService, typePointer:
		return nameKind(name)
	case typeText:
		if hasSuffixFold(name, "._device-info._tcp.local") && textHas(data, "model="+macBook) {
			return Laptop
		}
	}
	return Other
}

// textHas reports whether one of the strings of a text record begins so.
func textHas(data []byte, start string) bool {
	for len(data) > 0 {
		size := int(data[0])
		if size+1 > len(data) {
			return false
		}
		if bytes.HasPrefix(data[1:1+size], []byte(start)) {
			return true
		}
		data = data[1+size:]
	}
	return false
}

// parseLLMNR reads a packet of link-local name resolution. Only a question after any
// record of a name is ok: so a computer asks whether its own name is free, before it
// uses it. Other questions are after somebody else's name.
func parseLLMNR(packet []byte) (kind Kind, ok bool) {
	const response, opcode = 0x80, 0x78
	if len(packet) < dnsHeader || packet[2]&(response|opcode) != 0 || binary.BigEndian.Uint16(packet[4:]) != 1 {
		return Other, false
	}
	var buffer [longestName]byte
	name, next := readName(packet, dnsHeader, buffer[:0])
	if next < 0 || next+4 > len(packet) {
		return Other, false
	}
	if binary.BigEndian.Uint16(packet[next:]) != typeAny {
		return Other, true // somebody is there, whatever he asks
	}
	return hostKind(string(name)), true
}

// readName appends the name at an offset to into, labels joined by points, and returns
// the offset behind it; negative for a name that is broken. A byte that is no printable
// ASCII becomes a question mark.
func readName(packet []byte, at int, into []byte) (name []byte, next int) {
	next = -1
	jumps := 0
	for length := 0; at < len(packet); {
		size := int(packet[at])
		switch {
		case size == 0:
			if next < 0 {
				next = at + 1
			}
			return into, next
		case size&0xc0 == 0xc0:
			if at+1 >= len(packet) {
				return into, -1
			}
			if next < 0 {
				next = at + 2
			}
			to := (size&0x3f)<<8 | int(packet[at+1])
			if jumps++; to >= at || jumps > mostJumps {
				return into, -1
			}
			at = to
			continue
		case size > 63 || at+1+size > len(packet):
			return into, -1
		}
		if length += size + 1; length > longestName-1 {
			return into, -1
		}
		if into != nil {
			if len(into) > 0 {
				into = append(into, '.')
			}
			for _, c := range packet[at+1 : at+1+size] {
				if c <= ' ' || c > '~' || c == '.' {
					c = '?'
				}
				into = append(into, c)
			}
		}
		at += 1 + size
	}
	return into, -1
}
