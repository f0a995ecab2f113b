package sockets

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

const (
	// maxTable bounds the bytes read of one table: rows are 150 to 180 bytes.
	maxTable = 64 << 20
	// maxSpaces bounds the network namespaces that are asked besides the agent's own.
	maxSpaces = 64
)

// Lister lists sockets of one host, reusing its memory. It is for one goroutine at a time.
type Lister struct {
	host   host.Host
	rows   []Socket
	buffer []byte
}

// NewLister returns a Lister for the host.
func NewLister(h host.Host) *Lister { return &Lister{host: h} }

// List returns the connections and listeners of the agent's own network namespace,
// and of others, each given as processes that are in it. The result is valid until
// the next call. Rows that could be read are returned beside an error. Measured
// reports whether the kernel was asked everywhere, so that round trips and bytes are
// there.
func (l *Lister) List(ctx context.Context, others ...[]int) (rows []Socket, measured bool, err error) {
	l.rows = l.rows[:0]
	measured, err = l.listOne("/proc/net/", 0)
	for i, processes := range others[:min(len(others), maxSpaces)] {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		before := len(l.rows)
		asked, failed := l.listOther(processes)
		for at := range l.rows[before:] {
			l.rows[before+at].Space = i + 1
		}
		measured = measured && asked
		err = errors.Join(err, failed)
	}
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	return l.rows, measured, err
}

// listOther lists a namespace by the first of its processes that is still there. One
// without any has gone with them.
func (l *Lister) listOther(processes []int) (asked bool, err error) {
	for _, id := range processes {
		asked, err = l.listOne("/proc/"+strconv.Itoa(id)+"/net/", id)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			return asked, err
		}
	}
	return true, nil
}

// listOne appends the rows of one namespace and reports whether the kernel was asked.
func (l *Lister) listOne(folder string, process int) (asked bool, err error) {
	if l.host.Live() {
		before := len(l.rows)
		if err := l.dump(process); err == nil || errors.Is(err, errTooMany) {
			return true, err
		}
		// A sandbox may forbid netlink, or to go to another namespace; the tables
		// tell less but are always there.
		l.rows = l.rows[:before]
	}
	return false, l.readTables(folder)
}

func (l *Lister) readTables(folder string) error {
	var failed error
	for _, name := range [...]string{folder + "tcp", folder + "tcp6"} {
		if err := l.read(name); errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(name, "6") {
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
