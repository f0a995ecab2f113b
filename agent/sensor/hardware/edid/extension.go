package edid

import (
	"encoding/binary"
)

// DisplayID is what DisplayID sections say.
type DisplayID struct {
	// Name is the product's name where a section has one.
	Name string
	// Serial is the maker's number in a section, 0 where absent.
	Serial uint32
}

func (d *Display) extension(b []byte) {
	d.block(b)
	switch b[0] {
	case TagCTA:
		d.cta(b)
	case TagDisplayID:
		d.displayID(b)
	}
}

// cta reads a CTA-861 block: a header of four bytes, data blocks up to the offset
// that the header states, detailed timings from there on.
func (d *Display) cta(b []byte) {
	timings := int(b[2])
	if timings < 4 {
		return // no timings
	}
	for at := timings; at+descriptorSize < BlockSize; at += descriptorSize {
		if b[at] == 0 && b[at+1] == 0 {
			return // padding begins
		}
		d.timing(b[at : at+descriptorSize])
	}
}

// Tags of DisplayID data blocks, by version.
const (
	idProduct1 = 0x00
	idTiming1  = 0x03
	idProduct2 = 0x20
	idTiming7  = 0x22
)

// displayID reads the section inside a DisplayID block: version, length, product
// type, count of extensions, data blocks, a sum of its own.
func (d *Display) displayID(b []byte) {
	section := b[1 : BlockSize-1]
	size := int(section[1])
	const before, sum = 4, 1
	if before+size+sum > len(section) {
		d.wrong = true
		return
	}
	d.wrong = d.wrong || !sumOK(section[:before+size+sum])
	for data := section[before : before+size]; len(data) >= 3; {
		tag, length := data[0], int(data[2])
		if 3+length > len(data) {
			return
		}
		switch b := data[3 : 3+length]; tag {
		case idProduct1, idProduct2:
			d.DisplayID.product(b)
		case idTiming1, idTiming7:
			d.longTimings(b)
		}
		data = data[3+length:]
	}
}

func (id *DisplayID) product(b []byte) {
	const fixed = 12 // maker, product, serial, week, year, length of the name
	if len(b) < fixed {
		return
	}
	id.Serial = binary.LittleEndian.Uint32(b[5:])
	name := b[fixed:]
	id.Name = text(name[:min(int(b[11]), len(name))])
}

// longTimings takes detailed timings of twenty bytes. Every number in them is one less
// than it means.
func (d *Display) longTimings(b []byte) {
	const size = 20
	for ; len(b) >= size; b = b[size:] {
		d.picture(oneMore(b[4:]), oneMore(b[12:]))
	}
}

func oneMore(b []byte) uint16 {
	return uint16(min(uint32(binary.LittleEndian.Uint16(b))+1, 1<<16-1))
}
