package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The parts of rpm's own format: pages of slots, each of which names the blocks of one
// package.
const (
	ndbMagic     = "RpmP"
	slotMagic    = 'S' | 'l'<<8 | 'o'<<16 | 't'<<24
	blobMagic    = 'B' | 'l'<<8 | 'b'<<16 | 'S'<<24
	slotSize     = 16
	slotPage     = 4096
	blockSize    = 16
	blobHeader   = 16
	ndbHeader    = 32
	maxSlotPages = 4 * maxPackages * slotSize / slotPage
	// shortHeader is how much is read of a header first: the index, and the strings at
	// the beginning of the data.
	shortHeader = 8 << 10
)

func readNDB(r io.ReaderAt, size int64, wanted func([]byte) bool, found func(name, version string)) error {
	var h [ndbHeader]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return errTorn
	}
	pages := int64(binary.LittleEndian.Uint32(h[12:]))
	if pages > maxSlotPages || pages*slotPage > size {
		return errTorn
	}
	page, blob := make([]byte, slotPage), make([]byte, shortHeader)
	for at := range pages {
		if _, err := r.ReadAt(page, at*slotPage); err != nil {
			return errTorn
		}
		slots := page
		if at == 0 {
			slots = page[ndbHeader:]
		}
		for ; len(slots) > 0; slots = slots[slotSize:] {
			if binary.LittleEndian.Uint32(slots) != slotMagic {
				return errTorn
			}
			id := binary.LittleEndian.Uint32(slots[4:])
			offset := int64(binary.LittleEndian.Uint32(slots[8:])) * blockSize
			if id == 0 || offset == 0 {
				continue // free
			}
			if err := readBlob(r, blob, offset, id, wanted, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// readBlob reads one package's header into memory that is used again; the whole of it
// only where its beginning does not do.
func readBlob(r io.ReaderAt, b []byte, offset int64, number uint32, wanted func([]byte) bool, found func(name, version string)) error {
	n, err := r.ReadAt(b, offset)
	if n < blobHeader || err != nil && !errors.Is(err, io.EOF) {
		return errTorn
	}
	b = b[:n]
	if binary.LittleEndian.Uint32(b) != blobMagic || binary.LittleEndian.Uint32(b[4:]) != number {
		return errTorn
	}
	length := min(int(binary.LittleEndian.Uint32(b[12:])), maxHeader)
	if length > 0 && len(b) >= blobHeader+length {
		b = b[:blobHeader+length]
	}
	h, ok := parseHeader(b[blobHeader:])
	if !ok && blobHeader+length > len(b) {
		whole := make([]byte, length)
		if n, err = r.ReadAt(whole, offset+blobHeader); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read a package's header: %w", err)
		}
		h, ok = parseHeader(whole[:n])
	}
	if ok && wanted([]byte(h.name)) {
		found(h.name, h.version)
	}
	return nil
}
