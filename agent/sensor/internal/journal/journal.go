// Package journal reads the messages that are appended to a file of systemd's journal.
//
// It is no query engine: it walks the objects behind the last one that it saw, and tells
// of short, uncompressed messages. journald writes a message that is in the file already
// no second time but refers to it: only its first entry is told of. Everything is bounded, since the file may be anything.
// The package imports nothing of Farmhound.
package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// The parts of the format that are needed.
const (
	magic        = "LPKSHHRH"
	headerSize   = 144
	objectHeader = 16
	dataHeader   = 64
	entryHeader  = 64
	typeData     = 1
	typeEntry    = 3
	compact      = 1 << 4 // an incompatible flag: data objects are longer by 8 bytes
	compressed   = 1<<0 | 1<<1 | 1<<2
)

// What is read in one look, and of one message.
const (
	maxObjects = 8192
	maxMessage = 1024
)

var errFormat = errors.New("not a journal")

// Follower follows one file. The zero value begins at the file's end at its first look.
type Follower struct {
	at      uint64   // the last object that was read
	file    [16]byte // its id, by which another in its place shows
	message [][]byte
}

// Appended calls found for every message since the last call, with the time at which the
// journal took it. What was there before the first call is left alone. A burst that is
// too long for one call goes on in the next.
func (f *Follower) Appended(r io.ReaderAt, found func(at time.Time, message []byte)) error {
	var h [headerSize]byte
	if _, err := r.ReadAt(h[:], 0); err != nil || string(h[:8]) != magic {
		return errFormat
	}
	payload := uint64(dataHeader)
	if binary.LittleEndian.Uint32(h[12:])&compact != 0 {
		payload += 8
	}
	first, tail := binary.LittleEndian.Uint64(h[88:]), binary.LittleEndian.Uint64(h[136:])
	if tail > 1<<40 || first > tail {
		return errFormat
	}
	same := tail >= f.at && f.file == [16]byte(h[24:40])
	f.file = [16]byte(h[24:40])
	if f.at == 0 {
		f.at = tail
		return nil
	}
	offset := first
	if same {
		size, _, _, ok := object(r, f.at)
		if !ok {
			f.at = tail
			return errFormat
		}
		offset = next(f.at, size)
	} else {
		f.message = nil // another file in its place
	}
	for count := 0; offset <= tail && count < maxObjects; count++ {
		size, kind, flags, ok := object(r, offset)
		if !ok {
			f.at = tail
			return errFormat
		}
		f.read(r, offset, size, kind, flags, payload, found)
		f.at, offset = offset, next(offset, size)
	}
	return nil
}

// read keeps a message until the entry that it belongs to, which comes behind it.
func (f *Follower) read(r io.ReaderAt, offset, size uint64, kind, flags byte, payload uint64, found func(time.Time, []byte)) {
	switch {
	case kind == typeData && flags&compressed == 0 && size > payload && size-payload <= maxMessage && len(f.message) < 16:
		b := make([]byte, size-payload)
		if _, err := r.ReadAt(b, int64(offset+payload)); err != nil {
			return
		}
		if text, ok := bytes.CutPrefix(b, []byte("MESSAGE=")); ok {
			f.message = append(f.message, text)
		}
	case kind == typeEntry && size >= entryHeader:
		var e [entryHeader]byte
		if _, err := r.ReadAt(e[:], int64(offset)); err != nil {
			return
		}
		at := time.UnixMicro(int64(binary.LittleEndian.Uint64(e[24:]) & (1<<52 - 1))).UTC()
		for _, text := range f.message {
			found(at, text)
		}
		f.message = f.message[:0]
	}
}

// object reads the beginning of an object.
func object(r io.ReaderAt, offset uint64) (size uint64, kind, flags byte, ok bool) {
	var h [objectHeader]byte
	if _, err := r.ReadAt(h[:], int64(offset)); err != nil {
		return 0, 0, 0, false
	}
	size = binary.LittleEndian.Uint64(h[8:])
	return size, h[0], h[1], size >= objectHeader && size <= 1<<40
}

func next(offset, size uint64) uint64 { return (offset + size + 7) &^ 7 }
