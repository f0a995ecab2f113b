// Package utmp reads the record of logins that Linux keeps in /run/utmp, in the
// forms that glibc has on x86-64 and on arm64. Names of users are not taken out of it.
// The package imports nothing of Farmhound but agent/sensor/host.
package utmp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// maxSize bounds what is read: some 2,600 records.
const maxSize = 1 << 20

// Offsets into struct utmp of utmp.h that do not differ.
const (
	offsetType = 0
	offsetPID  = 4
	offsetLine = 8
	sizeLine   = 32
	offsetHost = 76
	sizeHost   = 256
)

// layout is where the fields that follow the host are. On x86-64 glibc keeps times
// of 32 bits in the file, so that programs of 32 bits can share it; arm64 has no
// such past and keeps 64.
type layout struct {
	size, seconds, micros, address int
	wide                           bool
}

var layouts = [...]layout{
	{size: 384, seconds: 340, micros: 344, address: 348},
	{size: 400, seconds: 344, micros: 352, address: 360, wide: true},
}

// userProcess is the type of a record of somebody logged on.
const userProcess = 7

// lastType is the highest type of record.
const lastType = 9

// Login is one record of somebody logged on.
type Login struct {
	// Line is the terminal without /dev/, such as pts/0 or tty2, or an X display
	// such as :0.
	Line string
	// PID is the process that leads the session.
	PID int
	// StartedAt is when it began.
	StartedAt time.Time
	// Peer is the address it came from; not valid for local logins.
	Peer netip.Addr
	// Remote is whether the record names a host other than an X display.
	Remote bool
}

// Read returns the logins of the host, in the file's order.
func Read(h host.Host) ([]Login, error) {
	data, err := h.ReadFile("/run/utmp", maxSize)
	if err != nil {
		var second error
		if data, second = h.ReadFile("/var/run/utmp", maxSize); second != nil {
			return nil, fmt.Errorf("read logins: %w", err)
		}
	}
	return parse(data)
}

// parse returns the logins in the contents of a utmp file. Whole records before one
// that is cut short are returned beside the error.
func parse(data []byte) ([]Login, error) {
	l := layoutOf(data)
	var logins []Login
	for ; len(data) >= l.size; data = data[l.size:] {
		if recordType(data) == userProcess {
			logins = append(logins, l.parse(data[:l.size]))
		}
	}
	if len(data) != 0 {
		return logins, fmt.Errorf("read logins: %d bytes of a record, want %d", len(data), l.size)
	}
	return logins, nil
}

// layoutOf tells the layouts apart by the contents, since a file may come from
// another machine: read at the wrong step, records have types that there are not.
func layoutOf(data []byte) layout {
	for _, l := range layouts {
		if len(data)%l.size == 0 && l.fits(data) {
			return l
		}
	}
	return layouts[0]
}

func (l layout) fits(data []byte) bool {
	for ; len(data) >= l.size; data = data[l.size:] {
		if recordType(data) > lastType {
			return false
		}
	}
	return true
}

func recordType(record []byte) uint16 {
	// The file is in the machine's byte order, which is little-endian on both.
	return binary.LittleEndian.Uint16(record[offsetType:])
}

func (l layout) parse(record []byte) Login {
	little := binary.LittleEndian
	seconds, micros := int64(little.Uint32(record[l.seconds:])), int64(little.Uint32(record[l.micros:]))
	if l.wide {
		// Beyond the year 9999 is not a time.
		seconds = int64(min(little.Uint64(record[l.seconds:]), 253_402_300_799))
		micros = int64(little.Uint64(record[l.micros:]) % 1_000_000)
	}
	name := text(record[offsetHost : offsetHost+sizeHost])
	return Login{
		Line:      text(record[offsetLine : offsetLine+sizeLine]),
		PID:       int(little.Uint32(record[offsetPID:])),
		StartedAt: time.Unix(seconds, micros%1_000_000*1000).UTC(),
		Peer:      address(record[l.address:l.address+16], name),
		Remote:    name != "" && name[0] != ':',
	}
}

// address prefers the binary address; programs that leave it empty often have the
// address in the host's name.
func address(raw []byte, name string) netip.Addr {
	if !bytes.Equal(raw, make([]byte, 16)) {
		if bytes.Equal(raw[4:], make([]byte, 12)) {
			return netip.AddrFrom4([4]byte(raw))
		}
		return netip.AddrFrom16([16]byte(raw)).Unmap()
	}
	addr, err := netip.ParseAddr(name)
	if err != nil || addr.IsUnspecified() {
		return netip.Addr{}
	}
	return addr.WithZone("").Unmap()
}

func text(field []byte) string {
	if end := bytes.IndexByte(field, 0); end >= 0 {
		field = field[:end]
	}
	return string(field)
}
