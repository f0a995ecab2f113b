package sockets

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// maxTable bounds the bytes read of one table: rows are 150 to 180 bytes.
const maxTable = 64 << 20

// Lister lists sockets of one host, reusing its memory. It is for one goroutine at a time.
type Lister struct {
	host   host.Host
	rows   []Socket
	buffer []byte
}

// NewLister returns a Lister for the host.
func NewLister(h host.Host) *Lister { return &Lister{host: h} }

// List returns the connections and listeners. The result is valid until the next
// call. Rows that could be read are returned beside an error. Measured reports
// whether the kernel was asked, so that round trips and bytes are there.
func (l *Lister) List(ctx context.Context) (rows []Socket, measured bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if l.host.Live() {
		if err := l.dump(); err == nil {
			return l.rows, true, nil
		} else if errors.Is(err, errTooMany) {
			return l.rows, true, err
		}
		// A sandbox may forbid netlink; the tables tell less but are always there.
	}
	return l.rows, false, l.readTables()
}

func (l *Lister) readTables() error {
	l.rows = l.rows[:0]
	var failed error
	for _, name := range [...]string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if err := l.read(name); errors.Is(err, fs.ErrNotExist) && name == "/proc/net/tcp6" {
			continue // a kernel without IPv6
		} else if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		var malformed int
		var err error
		l.rows, malformed, err = appendTable(l.rows, l.buffer)
		if malformed > 0 {
			err = errors.Join(err, describeMalformed(name, malformed))
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// read fills the buffer with a file.
func (l *Lister) read(name string) error {
	f, err := l.host.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	l.buffer = l.buffer[:0]
	for len(l.buffer) < maxTable {
		if cap(l.buffer)-len(l.buffer) < 4096 {
			l.buffer = append(l.buffer, make([]byte, max(len(l.buffer), 16<<10))...)[:len(l.buffer)]
		}
		n, err := f.Read(l.buffer[len(l.buffer):cap(l.buffer)])
		l.buffer = l.buffer[:len(l.buffer)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
