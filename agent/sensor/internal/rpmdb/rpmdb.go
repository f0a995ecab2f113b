// Package rpmdb reads which packages rpm has installed from its database, where that
// is a SQLite file or one in rpm's own ndb format.
//
// It is no database engine: it walks the tables that it needs, once and read-only. A
// file that somebody writes at the moment can look torn, which is an error and right
// again the next time. Everything is bounded, since the file may be anything. The
// package imports nothing of Farmhound.
package rpmdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds on what is read of one database.
const (
	maxPackages = 100_000
	maxHeader   = 1 << 20 // of one package's header; names and versions stand at its beginning
)

// ErrFormat is the error for a database of another kind, or of none.
var ErrFormat = errors.New("not an rpm database in SQLite or ndb format")

// Installed calls found for every installed package whose name is wanted, with its
// version and release. The slice that wanted is given is valid during the call.
func Installed(r io.ReaderAt, size int64, wanted func(name []byte) bool, found func(name, version string)) error {
	var start [16]byte
	if _, err := r.ReadAt(start[:], 0); err != nil {
		return ErrFormat
	}
	var err error
	switch {
	case bytes.Equal(start[:], []byte(sqliteMagic)):
		err = readSQLite(r, size, wanted, found)
	case bytes.Equal(start[:4], []byte(ndbMagic)):
		err = readNDB(r, size, wanted, found)
	default:
		return ErrFormat
	}
	if err != nil {
		return fmt.Errorf("read rpm's database: %w", err)
	}
	return nil
}

// readSQLite takes the names from the small table that rpm finds packages by, and
// opens the headers, which are large, of wanted ones only.
func readSQLite(r io.ReaderAt, size int64, wanted func([]byte) bool, found func(name, version string)) error {
	d, err := openSQLite(r, size)
	if err != nil {
		return err
	}
	names, err := d.rootOf("Name")
	if err != nil {
		return err
	}
	packages, err := d.rootOf("Packages")
	if err != nil {
		return err
	}
	var numbers []int64
	count := 0
	err = d.walk(names, func(_ int64, record []byte) error {
		if count++; count > maxPackages {
			return errors.New("too many packages")
		}
		columns, err := columnsOf(record, 2)
		if err != nil {
			return err
		}
		if number, ok := columns[1].integer(); ok && wanted(columns[0].data) {
			numbers = append(numbers, number)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, number := range numbers {
		record, err := d.row(packages, number, maxHeader)
		if err != nil {
			return err
		}
		columns, err := columnsOf(record, 2)
		if err != nil {
			return err
		}
		if h, ok := parseHeader(columns[1].data); ok && wanted([]byte(h.name)) {
			found(h.name, h.version)
		}
	}
	return nil
}
