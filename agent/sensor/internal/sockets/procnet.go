package sockets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
)

// appendTable appends the sockets of one table in the format of /proc/net/tcp or
// /proc/net/tcp6. Rows that are not of that format are counted and left out: the
// file may have been cut while it was recorded.
func appendTable(dst []Socket, table []byte) (_ []Socket, malformed int, err error) {
	_, table, _ = bytes.Cut(table, newline) // column titles
	for len(table) > 0 {
		var row []byte
		row, table, _ = bytes.Cut(table, newline)
		if len(bytes.TrimSpace(row)) == 0 {
			continue
		}
		if len(dst) >= MaxRows {
			return dst, malformed, errTooMany
		}
		s, ok := parseRow(row)
		if !ok {
			malformed++
		} else if s.State == Established || s.State == Listen {
			dst = append(dst, s)
		}
	}
	return dst, malformed, nil
}

var newline = []byte{'\n'}

// parseRow parses one row: sl local remote st tx:rx tr:tm retrnsmt uid timeout inode …
func parseRow(row []byte) (s Socket, ok bool) {
	var field [10][]byte
	for i := range field {
		row = bytes.TrimLeft(row, " ")
		end := bytes.IndexByte(row, ' ')
		if end < 0 {
			end = len(row)
		}
		if field[i], row = row[:end], row[end:]; len(field[i]) == 0 {
			return s, false
		}
	}
	state, ok1 := parseUint(field[3], 16, 8)
	uid, ok2 := parseUint(field[7], 10, 32)
	inode, ok3 := parseUint(field[9], 10, 64)
	local, ok4 := parseEnd(field[1])
	remote, ok5 := parseEnd(field[2])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return s, false
	}
	s = Socket{Local: local, State: State(state), UID: uint32(uid), Inode: inode}
	if s.State != Listen {
		s.Remote = remote
	}
	return s, true
}

// parseEnd parses an address and port such as 0100007F:1538. The kernel prints the
// address as words in the machine's byte order; the tables read here come from
// little-endian machines, which all that laptops use are.
func parseEnd(text []byte) (netip.AddrPort, bool) {
	colon := bytes.IndexByte(text, ':')
	if colon != 8 && colon != 32 || len(text) != colon+5 {
		return netip.AddrPort{}, false
	}
	port, ok := parseUint(text[colon+1:], 16, 16)
	if !ok {
		return netip.AddrPort{}, false
	}
	var raw [16]byte
	for i := 0; i < colon/8; i++ {
		word, ok := parseUint(text[i*8:i*8+8], 16, 32)
		if !ok {
			return netip.AddrPort{}, false
		}
		binary.LittleEndian.PutUint32(raw[i*4:], uint32(word))
	}
	addr := netip.AddrFrom16(raw).Unmap()
	if colon == 8 {
		addr = netip.AddrFrom4([4]byte(raw[:4]))
	}
	return netip.AddrPortFrom(addr, uint16(port)), true
}

// parseUint is strconv.ParseUint for bytes, without signs, prefixes or allocation.
func parseUint(text []byte, base uint64, size int) (n uint64, ok bool) {
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		var digit uint64
		switch {
		case c >= '0' && c <= '9':
			digit = uint64(c - '0')
		case base == 16 && c >= 'A' && c <= 'F':
			digit = uint64(c-'A') + 10
		case base == 16 && c >= 'a' && c <= 'f':
			digit = uint64(c-'a') + 10
		default:
			return 0, false
		}
		over, product := bits.Mul64(n, base)
		sum, carry := bits.Add64(product, digit, 0)
		if over != 0 || carry != 0 {
			return 0, false
		}
		n = sum
	}
	return n, size == 64 || n < 1<<size
}

// describeMalformed is the error for a table with rows of another format.
func describeMalformed(name string, malformed int) error {
	return fmt.Errorf("%s: %d rows are not in the kernel's format", name, malformed)
}
