package siem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/farmhound-security/farmhound/collector/store"
)

// File appends events to a file as JSON lines, for any forwarder to tail.
type File struct {
	name string
	path string
}

// NewFile returns an output called name that appends to path. The file is opened
// for every delivery, so that rotation by renaming works.
func NewFile(name, path string) *File { return &File{name: name, path: path} }

// Name is the output's name in the outbox.
func (f *File) Name() string { return f.name }

// Deliver appends the rows and returns once they are on disk. A row that was cut
// off by a crash is completed by a newline first, so that it spoils no other.
func (f *File) Deliver(_ context.Context, rows []store.OutboxRow) (err error) {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the output %s: %w", f.name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var buf bytes.Buffer
	torn, err := endsTorn(file)
	if err != nil {
		return fmt.Errorf("look at the end of the output %s: %w", f.name, err)
	}
	if torn {
		buf.WriteByte('\n')
	}
	for _, row := range rows {
		buf.Write(row.Body)
		buf.WriteByte('\n')
	}
	if _, err := file.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write the output %s: %w", f.name, err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("flush the output %s: %w", f.name, err)
	}
	return nil
}

func endsTorn(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return false, nil
	}
	var last [1]byte
	if _, err := file.ReadAt(last[:], info.Size()-1); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return last[0] != '\n', nil
}
