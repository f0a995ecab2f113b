package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Tables are Windows' tables of TCP connections with their owners. They keep their
// memory from listing to listing and are for one goroutine at a time.
type Tables struct {
	buffer                                 []byte
	tcpTable, setStatistics, getStatistics *windows.LazyProc
}

// NewTables returns the tables of this machine.
func NewTables() *Tables {
	helper := windows.NewLazySystemDLL("iphlpapi.dll")
	return &Tables{
		tcpTable:      helper.NewProc("GetExtendedTcpTable"),
		setStatistics: helper.NewProc("SetPerTcpConnectionEStats"),
		getStatistics: helper.NewProc("GetPerTcpConnectionEStats"),
	}
}

// largestTable bounds one table.
const largestTable = countSize + row6Size*MaxRows

// Append appends the connections and listeners of every process to dst.
func (t *Tables) Append(dst []Owned) ([]Owned, error) {
	for _, family := range []struct {
		number uintptr
		add    func([]Owned, []byte) []Owned
	}{{windows.AF_INET, AppendOwned4}, {windows.AF_INET6, AppendOwned6}} {
		table, err := t.read(family.number)
		if err != nil {
			return dst, fmt.Errorf("GetExtendedTcpTable: %w", err)
		}
		dst = family.add(dst, table)
	}
	return dst, nil
}

// read fills the buffer, which is made larger as long as the table outgrows it.
func (t *Tables) read(family uintptr) ([]byte, error) {
	const ownerAll = 5 // TCP_TABLE_OWNER_PID_ALL
	if err := t.tcpTable.Find(); err != nil {
		return nil, err
	}
	if t.buffer == nil {
		t.buffer = make([]byte, 16<<10)
	}
	for {
		size := uint32(len(t.buffer))
		code, _, _ := t.tcpTable.Call(uintptr(unsafe.Pointer(&t.buffer[0])), uintptr(unsafe.Pointer(&size)), 0, family, ownerAll, 0)
		switch {
		case code == 0:
			return t.buffer[:min(int(size), len(t.buffer))], nil
		case windows.Errno(code) == windows.ERROR_INSUFFICIENT_BUFFER && len(t.buffer) < largestTable:
			t.buffer = make([]byte, min(max(int(size)+4<<10, 2*len(t.buffer)), largestTable))
		default:
			return nil, windows.Errno(code)
		}
	}
}

// errNotIPv4 says that a connection's statistics are not asked for.
var errNotIPv4 = errors.New("statistics are read of IPv4 connections only")

// Statistics that Windows keeps of a connection where it is told to: TCP_ESTATS_TYPE.
const (
	dataStatistics = 1
	pathStatistics = 3
)

// Measure fills in the round trips and bytes of a connection, counted from the first
// call on. Windows lets administrators ask, and Wine nobody.
func (t *Tables) Measure(s *Owned) error {
	if !s.Local.Addr().Is4() {
		return errNotIPv4
	}
	if err := errors.Join(t.setStatistics.Find(), t.getStatistics.Find()); err != nil {
		return err
	}
	var row [20]byte // MIB_TCPROW
	binary.LittleEndian.PutUint32(row[0:], windowsEstablished)
	putEnd(row[4:], s.Local)
	putEnd(row[12:], s.Remote)
	var data [dataSize]byte
	var path [pathSize]byte
	if err := errors.Join(t.statistics(&row, dataStatistics, data[:]), t.statistics(&row, pathStatistics, path[:])); err != nil {
		return err
	}
	s.setStatistics(data[:], path[:])
	return nil
}

func putEnd(b []byte, end netip.AddrPort) {
	address := end.Addr().As4()
	copy(b, address[:])
	binary.BigEndian.PutUint16(b[4:], end.Port())
}

// statistics switches one kind of statistics on and reads what has come of it.
func (t *Tables) statistics(row *[20]byte, kind uintptr, into []byte) error {
	enable := byte(1)
	at := uintptr(unsafe.Pointer(row))
	if code, _, _ := t.setStatistics.Call(at, kind, uintptr(unsafe.Pointer(&enable)), 0, 1, 0); code != 0 {
		return windows.Errno(code)
	}
	code, _, _ := t.getStatistics.Call(at, kind, 0, 0, 0, 0, 0, 0, uintptr(unsafe.Pointer(&into[0])), 0, uintptr(len(into)))
	if code != 0 {
		return windows.Errno(code)
	}
	return nil
}
