// Package pefile reads what a Windows program says of itself: the names in its
// version resource and the name in the certificate that it is signed with.
//
// Both are claims that anybody can make, and whether a signature is good is for
// Windows to say. Everything is bounded, since the file may be anything. The package
// imports nothing of Farmhound.
package pefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What is read of one file at most.
const (
	maxSections  = 96 // what Windows loads
	maxEntries   = 4096
	maxVersion   = 64 << 10
	maxSignature = 256 << 10
)

// Directories of the optional header.
const (
	resourceDirectory = 2
	securityDirectory = 4
)

// errNotProgram is the error for a file that is no Windows program, or a torn one.
var errNotProgram = errors.New("not a Windows program")

// Program is what a program says of itself. What it does not say is empty.
type Program struct {
	// Company, Product, Original and Version are CompanyName, ProductName,
	// OriginalFilename and ProductVersion of the version resource.
	Company, Product, Original, Version string
	// Signer is the common name, or else the organisation, in the certificate of
	// the signature inside the file.
	Signer string
}

// Read reads a program. An error says that it is none; a program without a version
// resource or signature, or with a broken one, is not an error.
func Read(r io.ReaderAt) (Program, error) {
	f, err := open(r)
	if err != nil {
		return Program{}, err
	}
	var p Program
	if block := f.versionResource(); block != nil {
		p.readVersion(block)
	}
	if signature := f.signature(); signature != nil {
		p.Signer = signerOf(signature)
	}
	return p, nil
}

// file is an image as its headers describe it.
type file struct {
	io.ReaderAt
	sections            []section
	resources, security directory
}

type section struct{ address, size, offset, onDisk uint32 }

type directory struct{ address, size uint32 }

func open(r io.ReaderAt) (*file, error) {
	var dos [64]byte
	if _, err := r.ReadAt(dos[:], 0); err != nil || string(dos[:2]) != "MZ" {
		return nil, errNotProgram
	}
	at := int64(binary.LittleEndian.Uint32(dos[60:]))
	var header [24]byte
	if _, err := r.ReadAt(header[:], at); err != nil || string(header[:4]) != "PE\x00\x00" {
		return nil, errNotProgram
	}
	sections := int(binary.LittleEndian.Uint16(header[6:]))
	optional := make([]byte, binary.LittleEndian.Uint16(header[20:]))
	if _, err := r.ReadAt(optional, at+24); err != nil || len(optional) < 2 || sections > maxSections {
		return nil, errNotProgram
	}
	f := &file{ReaderAt: r}
	if err := f.readDirectories(optional); err != nil {
		return nil, err
	}
	table := make([]byte, 40*sections)
	if _, err := r.ReadAt(table, at+24+int64(len(optional))); err != nil {
		return nil, fmt.Errorf("%w: sections: %w", errNotProgram, err)
	}
	for ; len(table) > 0; table = table[40:] {
		word := func(at int) uint32 { return binary.LittleEndian.Uint32(table[at:]) }
		f.sections = append(f.sections, section{address: word(12), size: max(word(8), word(16)), offset: word(20), onDisk: word(16)})
	}
	return f, nil
}

func (f *file) readDirectories(optional []byte) error {
	var first int
	switch binary.LittleEndian.Uint16(optional) {
	case 0x10b: // 32 bit
		first = 96
	case 0x20b: // 64 bit
		first = 112
	default:
		return errNotProgram
	}
	if len(optional) < first {
		return errNotProgram
	}
	count := binary.LittleEndian.Uint32(optional[first-4:])
	for n, d := range map[int]*directory{resourceDirectory: &f.resources, securityDirectory: &f.security} {
		if at := first + 8*n; uint32(n) < count && at+8 <= len(optional) {
			d.address, d.size = binary.LittleEndian.Uint32(optional[at:]), binary.LittleEndian.Uint32(optional[at+4:])
		}
	}
	return nil
}

// read returns size bytes at an address of the loaded image, or nil.
func (f *file) read(address, size uint32) []byte {
	for _, s := range f.sections {
		if address < s.address || address-s.address >= s.size {
			continue
		}
		at := address - s.address
		if at > s.onDisk || size > s.onDisk-at {
			return nil
		}
		data := make([]byte, size)
		if _, err := f.ReadAt(data, int64(s.offset)+int64(at)); err != nil {
			return nil
		}
		return data
	}
	return nil
}

// versionResource returns the first resource of type version, in whatever language.
func (f *file) versionResource() []byte {
	const typeVersion = 16
	const isFolder = 1 << 31
	at := uint32(0)
	for level := range 3 { // type, name, language
		count, ok := f.countEntries(at)
		if !ok {
			return nil
		}
		next, found := uint32(0), false
		for i := range count {
			entry := f.read(f.resources.address+at+16+8*i, 8)
			if entry == nil {
				return nil
			}
			if level > 0 || binary.LittleEndian.Uint32(entry) == typeVersion {
				next, found = binary.LittleEndian.Uint32(entry[4:]), true
				break
			}
		}
		if !found || next&isFolder == 0 != (level == 2) {
			return nil
		}
		at = next &^ isFolder
	}
	entry := f.read(f.resources.address+at, 16)
	if entry == nil {
		return nil
	}
	return f.read(binary.LittleEndian.Uint32(entry), min(binary.LittleEndian.Uint32(entry[4:]), maxVersion))
}

// countEntries returns how many entries the resource folder at an offset has.
func (f *file) countEntries(at uint32) (uint32, bool) {
	if f.resources.address == 0 {
		return 0, false
	}
	folder := f.read(f.resources.address+at, 16)
	if folder == nil {
		return 0, false
	}
	count := uint32(binary.LittleEndian.Uint16(folder[12:])) + uint32(binary.LittleEndian.Uint16(folder[14:]))
	return min(count, maxEntries), true
}

// signature returns the PKCS #7 message that a file was signed with, or nil. Its
// directory, other than all others, holds an offset in the file.
func (f *file) signature() []byte {
	const pkcs7 = 2
	const headerSize = 8
	if f.security.address == 0 || f.security.size <= headerSize || f.security.size > maxSignature {
		return nil
	}
	data := make([]byte, f.security.size)
	if _, err := f.ReadAt(data, int64(f.security.address)); err != nil {
		return nil
	}
	length := binary.LittleEndian.Uint32(data)
	if binary.LittleEndian.Uint16(data[6:]) != pkcs7 || length <= headerSize || length > uint32(len(data)) {
		return nil
	}
	return data[headerSize:length]
}
