// Package machofile reads what a macOS program says of itself in its code signature: its
// identifier, and the team that signed it.
//
// Both are claims that the signature bears out only if macOS has checked it, which it
// does when it starts a program from elsewhere, and which is not repeated here.
// Everything is bounded, since the file may be anything. The package imports nothing of
// Farmhound.
package machofile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What is read of one file at most.
const (
	maxSlices    = 16 // programs for different processors in one file
	maxCommands  = 256 << 10
	maxSignature = 4 << 20 // within which the directory is sought
	maxBlobs     = 64
	maxName      = 256
)

// errNotProgram is the error for a file that is no macOS program, or a torn one.
var errNotProgram = errors.New("not a macOS program")

// Program is what a program says of itself. What it does not say is empty.
type Program struct {
	// Identifier is the signing identifier: an application's bundle identifier, most
	// often, and the name of the file for one that was signed without a thought.
	Identifier string
	// Team is the ten characters under which Apple knows the signer.
	Team string
}

// Read reads a program. An error says that it is none; one without a signature, or with
// a broken one, is not an error. Of a file for several processors the first program
// that has a signature counts.
func Read(r io.ReaderAt) (Program, error) {
	offsets, err := slices(r)
	if err != nil {
		return Program{}, err
	}
	found := false
	for _, offset := range offsets {
		s, err := openSlice(r, offset)
		if err != nil {
			continue
		}
		found = true
		if p, ok := s.signature(); ok {
			return p, nil
		}
	}
	if !found {
		return Program{}, errNotProgram
	}
	return Program{}, nil
}

// Magic numbers of mach-o/fat.h, in big-endian order, and mach-o/loader.h, in the
// processor's, which is little-endian for all that run macOS now.
const (
	fatMagic   = 0xcafebabe
	fatMagic64 = 0xcafebabf
	magic32    = 0xfeedface
	magic64    = 0xfeedfacf
)

// slices returns where the programs in a file begin.
func slices(r io.ReaderAt) ([]int64, error) {
	head, err := read(r, 0, 8)
	if err != nil {
		return nil, err
	}
	size := 20
	switch binary.BigEndian.Uint32(head) {
	case fatMagic:
	case fatMagic64:
		size = 32
	default:
		return []int64{0}, nil
	}
	// Java's classes begin with the same number; their version is larger than any count.
	count := binary.BigEndian.Uint32(head[4:])
	if count > maxSlices {
		return nil, errNotProgram
	}
	table, err := read(r, 8, int(count)*size)
	if err != nil {
		return nil, err
	}
	var offsets []int64
	for ; len(table) >= size; table = table[size:] {
		// processor, its kind, and then offset and size in 32 or 64 bits
		offset := uint64(binary.BigEndian.Uint32(table[8:]))
		if size == 32 {
			offset = binary.BigEndian.Uint64(table[8:])
		}
		if offset < 1<<62 {
			offsets = append(offsets, int64(offset))
		}
	}
	return offsets, nil
}

// slice is one program in a file.
type slice struct {
	r        io.ReaderAt
	offset   int64
	commands []byte // its load commands
}

func openSlice(r io.ReaderAt, offset int64) (*slice, error) {
	head, err := read(r, offset, 32)
	if err != nil {
		return nil, err
	}
	size := int64(32)
	switch binary.LittleEndian.Uint32(head) {
	case magic64:
	case magic32:
		size = 28
	default:
		return nil, errNotProgram
	}
	length := binary.LittleEndian.Uint32(head[20:])
	if length > maxCommands {
		return nil, errNotProgram
	}
	commands, err := read(r, offset+size, int(length))
	if err != nil {
		return nil, err
	}
	return &slice{r, offset, commands}, nil
}

// signature finds the program's signature and reads it.
func (s *slice) signature() (Program, bool) {
	const (
		codeSignature = 0x1d // LC_CODE_SIGNATURE
		smallest      = 8
	)
	for rest := s.commands; len(rest) >= smallest; {
		size := binary.LittleEndian.Uint32(rest[4:])
		if size < smallest || uint64(size) > uint64(len(rest)) {
			return Program{}, false
		}
		if binary.LittleEndian.Uint32(rest) == codeSignature && size >= 16 {
			offset, length := binary.LittleEndian.Uint32(rest[8:]), binary.LittleEndian.Uint32(rest[12:])
			return s.directory(s.offset+int64(offset), min(length, maxSignature))
		}
		rest = rest[size:]
	}
	return Program{}, false
}

// Magic numbers of a signature's blobs, all of it in big-endian order.
const (
	superBlob     = 0xfade0cc0
	codeDirectory = 0xfade0c02
)

// directory reads the directory of a signature: an index of blobs, of which one is it.
func (s *slice) directory(at int64, length uint32) (Program, bool) {
	big := binary.BigEndian
	head, err := read(s.r, at, 12)
	if err != nil || big.Uint32(head) != superBlob {
		return Program{}, false
	}
	count := min(big.Uint32(head[8:]), maxBlobs)
	index, err := read(s.r, at+12, int(count)*8)
	if err != nil {
		return Program{}, false
	}
	for ; len(index) >= 8; index = index[8:] {
		// The main directory is kept under zero; others are for other digests.
		if kind, offset := big.Uint32(index), big.Uint32(index[4:]); kind == 0 && offset < length {
			return s.names(at+int64(offset), length-offset)
		}
	}
	return Program{}, false
}

// names reads the names in a directory. Where they lie is told in its head, which grew
// with its version.
func (s *slice) names(at int64, length uint32) (Program, bool) {
	const (
		headSize = 44
		withTeam = 0x20200 // the version that knows teams
	)
	big := binary.BigEndian
	head, err := read(s.r, at, headSize+8)
	if err != nil || big.Uint32(head) != codeDirectory {
		return Program{}, false
	}
	length = min(length, big.Uint32(head[4:]))
	name := func(offset uint32) string {
		if offset < headSize || offset >= length {
			return ""
		}
		return text(s.r, at+int64(offset), min(int(length-offset), maxName+1))
	}
	p := Program{Identifier: name(big.Uint32(head[20:]))}
	if big.Uint32(head[8:]) >= withTeam && length >= headSize+8 {
		p.Team = name(big.Uint32(head[48:]))
	}
	return p, p.Identifier != ""
}

// text reads a name up to its end, and nothing where it has none or holds what no name
// does.
func text(r io.ReaderAt, at int64, most int) string {
	raw := make([]byte, most)
	n, err := r.ReadAt(raw, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	for i, c := range raw[:n] {
		switch {
		case c == 0:
			return string(raw[:i])
		case c < ' ' || c > '~':
			return ""
		}
	}
	return ""
}

// read reads exactly a number of bytes.
func read(r io.ReaderAt, at int64, size int) ([]byte, error) {
	data := make([]byte, size)
	if n, err := r.ReadAt(data, at); n < size {
		return nil, fmt.Errorf("%w: %w", errNotProgram, err)
	}
	return data, nil
}
