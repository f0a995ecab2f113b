package edid

import (
	"encoding/binary"
)

// CTA is what CTA-861 extensions say.
type CTA struct {
	// Revision of the first block, 0 where there is none.
	Revision uint8
	// Audio says that the display takes basic audio.
	Audio bool
	// VideoCodes are the codes of the pictures it takes, in its order.
	VideoCodes []uint8
	// Makers are the registered numbers (OUI) of the vendor blocks, for example
	// 0x000c03 for HDMI.
	Makers []uint32
	// HDR says that it takes pictures of high dynamic range.
	HDR bool
}

// DisplayID is what DisplayID sections say.
type DisplayID struct {
	// Version is 0x12 for 1.2 and 0x20 for 2.0; 0 where there is none.
	Version uint8
	// Name is the product's name where a section has one.
	Name string
	// Serial is the maker's number in a section, 0 where absent.
	Serial uint32
	// ProductCode is the maker's in a section.
	ProductCode uint16
	// WidthTenthMM and HeightTenthMM are the size of the image in tenths of a millimetre, 0 where undefined.
	WidthTenthMM, HeightTenthMM uint32
	// Tiled says that the display is one tile of a larger one.
	Tiled bool
	// SectionsOK says whether the sum of every section is right.
	SectionsOK bool
}

func (d *Display) extension(b []byte) {
	d.Blocks = append(d.Blocks, Block{b[0], sumOK(b)})
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
	if d.CTA.Revision == 0 {
		d.CTA.Revision = b[1]
	}
	timings := int(b[2])
	if b[1] >= 2 {
		d.CTA.Audio = d.CTA.Audio || b[3]&0x40 != 0
	}
	if b[1] >= 3 && timings > 4 && timings < BlockSize {
		d.CTA.dataBlocks(b[4:timings])
	}
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

// Kinds of CTA data blocks.
const (
	ctaVideo    = 2
	ctaVendor   = 3
	ctaExtended = 7
	ctaHDR      = 6 // extended
)

func (c *CTA) dataBlocks(b []byte) {
	for len(b) > 0 {
		kind, size := b[0]>>5, int(b[0]&0x1f)
		if size >= len(b) {
			return
		}
		data := b[1 : 1+size]
		switch {
		case kind == ctaVideo:
			for _, code := range data {
				c.VideoCodes = append(c.VideoCodes, videoCode(code))
			}
		case kind == ctaVendor && size >= 3:
			c.Makers = append(c.Makers, uint32(data[0])|uint32(data[1])<<8|uint32(data[2])<<16)
		case kind == ctaExtended && size >= 1 && data[0] == ctaHDR:
			c.HDR = true
		}
		b = b[1+size:]
	}
}

// videoCode cuts the mark of a native picture, which only the first 64 codes have.
func videoCode(code byte) uint8 {
	if code >= 129 && code <= 192 {
		return code & 0x7f
	}
	return code
}

// Tags of DisplayID data blocks, by version.
const (
	idProduct1 = 0x00
	idParams1  = 0x01
	idTiming1  = 0x03
	idTiled1   = 0x12
	idProduct2 = 0x20
	idParams2  = 0x21
	idTiming7  = 0x22
	idTiled2   = 0x28
)

// displayID reads the section inside a DisplayID block: version, length, product
// type, count of extensions, data blocks, a sum of its own.
func (d *Display) displayID(b []byte) {
	section := b[1 : BlockSize-1]
	size := int(section[1])
	const before, sum = 4, 1
	if before+size+sum > len(section) {
		return
	}
	id := &d.DisplayID
	ok := sumOK(section[:before+size+sum])
	id.SectionsOK = ok && (id.Version == 0 || id.SectionsOK)
	if id.Version == 0 {
		id.Version = section[0]
	}
	for data := section[before : before+size]; len(data) >= 3; {
		tag, length := data[0], int(data[2])
		if 3+length > len(data) {
			return
		}
		switch tag {
		case idTiming1:
			d.longTimings(data[3:3+length], 10)
		case idTiming7:
			d.longTimings(data[3:3+length], 1)
		default:
			id.dataBlock(tag, data[3:3+length])
		}
		data = data[3+length:]
	}
}

func (id *DisplayID) dataBlock(tag byte, b []byte) {
	switch tag {
	case idProduct1, idProduct2:
		const fixed = 12 // maker, product, serial, week, year, length of the name
		if len(b) < fixed {
			return
		}
		id.ProductCode = binary.LittleEndian.Uint16(b[3:])
		id.Serial = binary.LittleEndian.Uint32(b[5:])
		name := b[fixed:]
		id.Name = text(name[:min(int(b[11]), len(name))])
	case idParams1, idParams2:
		if len(b) < 4 {
			return
		}
		id.WidthTenthMM = uint32(binary.LittleEndian.Uint16(b))
		id.HeightTenthMM = uint32(binary.LittleEndian.Uint16(b[2:]))
	case idTiled1, idTiled2:
		id.Tiled = true
	}
}

// longTimings adds detailed timings of twenty bytes, whose clock counts in units
// of so many kilohertz. Every number in them is one less than it means.
func (d *Display) longTimings(b []byte, unit uint32) {
	const size = 20
	for ; len(b) >= size; b = b[size:] {
		t := Timing{
			ClockKHz:   ((uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16) + 1) * unit,
			Interlaced: b[3]&0x10 != 0,
		}
		t.Width, t.blankX = oneMore(b[4:]), oneMore(b[6:])
		t.Height, t.blankY = oneMore(b[12:]), oneMore(b[14:])
		d.Timings = append(d.Timings, t)
	}
}

func oneMore(b []byte) uint16 {
	return uint16(min(uint32(binary.LittleEndian.Uint16(b))+1, 1<<16-1))
}
