// Package utmpx reads the record of logins that macOS keeps in /var/run/utmpx. Names of
// users are not taken out of it. The package imports nothing of Farmhound but
// agent/sensor/host.
package utmpx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// maxSize bounds what is read: some 1,600 records.
const maxSize = 1 << 20

// A record is struct utmpx32 of Libc's utmpx-darwin.h, with times of 32 bits on every
// processor. The first record is the file's signature.
const (
	recordSize  = 628
	offsetLine  = 260
	sizeLine    = 32
	offsetPID   = 292
	offsetType  = 296
	offsetTime  = 300
	offsetMicro = 304
	offsetHost  = 308
	sizeHost    = 256

	signature     = "utmpx-1.00\x00"
	typeUser      = 7
	typeSignature = 10
)

// Console is the line of a login at a screen. It is not a terminal's name: several people
// who are logged on at once all have it.
const Console = "console"

// errNotRecord is the error for a file that is no record of logins.
var errNotRecord = errors.New("not a record of logins")

// Login is one record of somebody logged on.
type Login struct {
	// Line is the terminal without /dev/, such as ttys001, or Console.
	Line string
	// PID is the process that leads the session.
	PID int32
	// StartedAt is when it began.
	StartedAt time.Time
	// Peer is the address it came from; not valid where the record has none.
	Peer netip.Addr
	// Remote is whether the record names a host at all.
	Remote bool
}

// Read returns the logins of the host, in the file's order.
func Read(h host.Host) ([]Login, error) {
	data, err := h.ReadFile("/var/run/utmpx", maxSize)
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	return parse(data)
}

// parse returns the logins in the contents of the file. Whole records before one that is
// cut short are returned beside the error.
func parse(data []byte) ([]Login, error) {
	if len(data) < recordSize || !bytes.HasPrefix(data, []byte(signature)) || recordType(data) != typeSignature {
		return nil, fmt.Errorf("read logins: %w", errNotRecord)
	}
	var logins []Login
	data = data[recordSize:]
	for ; len(data) >= recordSize; data = data[recordSize:] {
		if recordType(data) == typeUser {
			logins = append(logins, login(data[:recordSize]))
		}
	}
	if len(data) != 0 {
		return logins, fmt.Errorf("read logins: %d bytes of a record, want %d", len(data), recordSize)
	}
	return logins, nil
}

func recordType(record []byte) uint16 { return binary.LittleEndian.Uint16(record[offsetType:]) }

func login(record []byte) Login {
	little := binary.LittleEndian
	name := text(record[offsetHost : offsetHost+sizeHost])
	l := Login{
		Line: text(record[offsetLine : offsetLine+sizeLine]), PID: int32(little.Uint32(record[offsetPID:])),
		StartedAt: time.Unix(int64(little.Uint32(record[offsetTime:])), int64(little.Uint32(record[offsetMicro:])%1_000_000)*1000).UTC(),
		Remote:    name != "",
	}
	if addr, err := netip.ParseAddr(name); err == nil && !addr.IsUnspecified() {
		l.Peer = addr.WithZone("").Unmap()
	}
	return l
}

func text(field []byte) string {
	if end := bytes.IndexByte(field, 0); end >= 0 {
		field = field[:end]
	}
	return string(field)
}
