// Package elffile reads what a Linux program says of itself: the package that it was
// built for and the path of its main package, if Go built it.
//
// Both are claims that anybody can make and leave out. Everything is bounded, since the
// file may be anything. The package imports nothing of Farmhound.
package elffile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// What is read of one file at most.
const (
	maxHeaders = 256
	maxNotes   = 64 << 10
	maxSearch  = 64 << 10 // of the data in which Go's words are looked for
	maxWords   = 16 << 10
	longest    = 256 // of a name, in bytes
)

// The parts of the format that are needed, of 64-bit little-endian files: there is no
// remote-control tool for laptops of another kind.
const (
	headerSize  = 64
	programSize = 56
	segmentLoad = 1
	segmentNote = 4
	writable    = 2
	noteSize    = 12
	// packageNote is the type of the note in which distributions name a package.
	packageNote = 0xcafe1a7e
)

// goMagic begins the words that Go's linker leaves in a program, on a boundary of 16.
var goMagic = []byte("\xff Go buildinf:")

// errNotProgram is the error for a file that is no such program, or a torn one.
var errNotProgram = errors.New("not a 64-bit Linux program")

// Program is what a program says of itself. What it does not say is empty.
type Program struct {
	// Package is the name in its package note, for instance x11vnc.
	Package string
	// Command is the path of its main package, for instance github.com/fatedier/frp/cmd/frpc.
	Command string
}

// segment is a part of the file that is loaded or read.
type segment struct {
	kind, flags  uint32
	offset, size uint64
}

// Reader reads programs, one at a time, into memory that it uses again: where much is
// built, many new ones run. The zero value is ready.
type Reader struct{ memory []byte }

// Read reads a program. An error says that it is none; one that says nothing of itself
// is not an error.
func (d *Reader) Read(r io.ReaderAt) (Program, error) {
	if d.memory == nil {
		d.memory = make([]byte, maxHeaders*programSize+maxSearch+maxWords)
	}
	h := d.memory[:headerSize]
	if _, err := r.ReadAt(h, 0); err != nil || string(h[:6]) != "\x7fELF\x02\x01" {
		return Program{}, errNotProgram
	}
	offset := binary.LittleEndian.Uint64(h[32:])
	size, count := binary.LittleEndian.Uint16(h[54:]), binary.LittleEndian.Uint16(h[56:])
	if size != programSize || count > maxHeaders || offset > 1<<40 {
		return Program{}, errNotProgram
	}
	table, rest := d.memory[:int(count)*programSize], d.memory[int(count)*programSize:]
	if _, err := r.ReadAt(table, int64(offset)); err != nil {
		return Program{}, errNotProgram
	}
	var p Program
	for ; len(table) > 0; table = table[programSize:] {
		s := segment{
			binary.LittleEndian.Uint32(table), binary.LittleEndian.Uint32(table[4:]),
			binary.LittleEndian.Uint64(table[8:]), binary.LittleEndian.Uint64(table[32:]),
		}
		switch {
		case s.offset > 1<<40:
		case s.kind == segmentNote && p.Package == "":
			p.Package = packageIn(s.read(r, rest[:maxNotes]))
		case s.kind == segmentLoad && s.flags&writable != 0 && p.Command == "":
			p.Command = commandIn(s.read(r, rest[:maxSearch+maxWords]))
		}
	}
	return p, nil
}

// read returns the beginning of a segment, as much as fits into the memory given.
func (s segment) read(r io.ReaderAt, memory []byte) []byte {
	data := memory[:min(s.size, uint64(len(memory)))]
	n, _ := r.ReadAt(data, int64(s.offset)) // of a torn file what there is
	return data[:n]
}

// packageIn returns the package that is named among notes. Its note is a JSON object with
// strings only, of which one is the name.
func packageIn(notes []byte) string {
	for len(notes) >= noteSize {
		name, size := uint64(binary.LittleEndian.Uint32(notes)), uint64(binary.LittleEndian.Uint32(notes[4:]))
		kind := binary.LittleEndian.Uint32(notes[8:])
		start := noteSize + (name+3)&^3
		end := start + size
		if end > uint64(len(notes)) {
			return ""
		}
		if kind == packageNote && string(bytes.TrimRight(notes[noteSize:noteSize+name], "\x00")) == "FDO" {
			return stringIn(string(notes[start:end]), "name")
		}
		notes = notes[min((end+3)&^3, uint64(len(notes))):]
	}
	return ""
}

// stringIn returns a string of a flat JSON object; empty where it has escapes, which
// names of packages do not.
func stringIn(object, key string) string {
	_, rest, _ := strings.Cut(object, `"`+key+`"`)
	rest, ok := strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), ":")
	if !ok {
		return ""
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), `"`)
	value, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed || len(value) > longest || strings.Contains(value, `\`) {
		return ""
	}
	return value
}

// commandIn returns the path of the main package from the words that Go's linker left at
// the beginning of a program's data: a version, and lines about modules of which one is
// "path", between markers of 16 bytes. Programs of Go before 1.18 have another form.
func commandIn(data []byte) string {
	const words, inline = 32, 2
	for at := 0; at < min(len(data), maxSearch); at += 16 {
		if !bytes.HasPrefix(data[at:], goMagic) {
			continue
		}
		if len(data) < at+words || data[at+15]&inline == 0 {
			return ""
		}
		_, rest, ok := word(data[at+words:])
		if !ok {
			return ""
		}
		length, n := binary.Uvarint(rest)
		if n <= 0 {
			return ""
		}
		lines := rest[n:]
		_, lines, ok = bytes.Cut(lines[:min(uint64(len(lines)), length)], []byte("path\t"))
		if !ok {
			return ""
		}
		path, _, ok := bytes.Cut(lines, []byte("\n"))
		if !ok || len(path) > longest {
			return ""
		}
		return string(path)
	}
	return ""
}

// word takes a string with its length before it off the beginning of data.
func word(data []byte) (value, rest []byte, ok bool) {
	length, n := binary.Uvarint(data)
	if n <= 0 || length > uint64(len(data)-n) {
		return nil, nil, false
	}
	return data[n : n+int(length)], data[n+int(length):], true
}
