// Package edid decodes what a display says of itself: the 128-byte base block of
// VESA's E-EDID standard and the CTA-861 and DisplayID extensions after it.
//
// The bytes come from whatever is plugged into the laptop. Nothing in them is
// believed beyond its own bounds: a length that leads out of its block ends the
// reading of that block, and what was read before stays. The package imports
// nothing of Farmhound.
package edid

import (
	"bytes"
	"encoding/binary"
	"errors"
)

const (
	// BlockSize is the length of every block in bytes.
	BlockSize = 128
	// MaxBlocks is how many blocks are read: the standard's base block and 255
	// extensions.
	MaxBlocks = 256
)

var header = []byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}

// Errors of Parse.
var (
	ErrShort  = errors.New("description is shorter than one block")
	ErrHeader = errors.New("description does not begin as an EDID does")
)

// Kinds of extension blocks.
const (
	TagCTA       = 0x02
	TagDisplayID = 0x70
	TagBlockMap  = 0xf0
)

// Display is a decoded description.
type Display struct {
	// Maker is the three-letter PNP id of the maker; a letter that is none is ?.
	Maker string
	// ProductCode and Serial are the maker's numbers; a serial of zero is absent.
	ProductCode uint16
	Serial      uint32
	// Week of manufacture, 0 where absent. 255 means that Year is the model year.
	Week uint8
	// Year of manufacture, for example 2021.
	Year uint16
	// Version and Revision of the standard, for example 1 and 4.
	Version, Revision uint8
	// Digital is false for analogue inputs.
	Digital bool
	// WidthCM and HeightCM are the size of the image in centimetres, 0 where undefined.
	WidthCM, HeightCM uint8
	// Name, SerialText and Texts are the words of the descriptors for the product's
	// name, its serial number and other data, without their padding.
	Name, SerialText string
	Texts            []string
	// Range is what the display says that it can show, nil where it does not say.
	Range *Range
	// Timings are the detailed timings of all blocks, the preferred one first.
	Timings []Timing
	// Blocks are the blocks in their order, the base block first.
	Blocks []Block
	// Declared is how many extensions the base block says there are.
	Declared uint8
	// CTA holds what the CTA-861 blocks say together.
	CTA CTA
	// DisplayID holds what the DisplayID sections say together.
	DisplayID DisplayID
}

// Block is one block and whether its sum is right.
type Block struct {
	Tag        byte // 0 for the base block
	ChecksumOK bool
}

// Range is what a display's range limits descriptor states.
type Range struct {
	MinVerticalHz, MaxVerticalHz       uint16
	MinHorizontalKHz, MaxHorizontalKHz uint16
	MaxClockMHz                        uint16
}

// Timing is one detailed timing.
type Timing struct {
	Width, Height uint16 // active pixels
	// ClockKHz is the pixel clock.
	ClockKHz uint32
	// WidthMM and HeightMM are the size of the image in millimetres, 0 where undefined.
	WidthMM, HeightMM uint16
	Interlaced        bool
	blankX, blankY    uint16
}

// RefreshMilliHz is the rate of frames (fields of an interlaced timing) in
// thousandths of a hertz, 0 where it cannot be reckoned.
func (t Timing) RefreshMilliHz() uint32 {
	total := (uint64(t.Width) + uint64(t.blankX)) * (uint64(t.Height) + uint64(t.blankY))
	if total == 0 {
		return 0
	}
	return uint32(min(uint64(t.ClockKHz)*1_000_000/total, 1<<32-1))
}

// Parse decodes a description. Bytes after the last whole block are left out, and
// blocks beyond those that the base block declares are read as well: copies of
// descriptions often hold more.
func Parse(data []byte) (*Display, error) {
	if len(data) < BlockSize {
		return nil, ErrShort
	}
	if !bytes.Equal(data[:len(header)], header) {
		return nil, ErrHeader
	}
	d := new(Display)
	d.base(data[:BlockSize])
	for i := 1; i < MaxBlocks && len(data) >= (i+1)*BlockSize; i++ {
		d.extension(data[i*BlockSize : (i+1)*BlockSize])
	}
	return d, nil
}

// ChecksumOK reports whether the sum of every block is right and no block that the
// base block declares is missing.
func (d *Display) ChecksumOK() bool {
	for _, b := range d.Blocks {
		if !b.ChecksumOK {
			return false
		}
	}
	return len(d.Blocks) > int(d.Declared)
}

// Preferred is the timing that the display asks for first.
func (d *Display) Preferred() (Timing, bool) {
	if len(d.Timings) == 0 {
		return Timing{}, false
	}
	return d.Timings[0], true
}

func sumOK(block []byte) bool {
	var sum byte
	for _, b := range block {
		sum += b
	}
	return sum == 0
}

// Places in the base block.
const (
	descriptorsAt  = 54
	descriptorSize = 18
	descriptorsEnd = descriptorsAt + 4*descriptorSize
)

func (d *Display) base(b []byte) {
	d.Blocks = append(d.Blocks, Block{0, sumOK(b)})
	d.Maker = maker(binary.BigEndian.Uint16(b[8:]))
	d.ProductCode = binary.LittleEndian.Uint16(b[10:])
	d.Serial = binary.LittleEndian.Uint32(b[12:])
	d.Week = b[16]
	d.Year = 1990 + uint16(b[17])
	d.Version, d.Revision = b[18], b[19]
	d.Digital = b[20]&0x80 != 0
	// A zero in one of them states an aspect ratio, not a size.
	if b[21] != 0 && b[22] != 0 {
		d.WidthCM, d.HeightCM = b[21], b[22]
	}
	d.Declared = b[126]
	for at := descriptorsAt; at < descriptorsEnd; at += descriptorSize {
		d.descriptor(b[at : at+descriptorSize])
	}
}

// maker unpacks three letters of five bits each.
func maker(packed uint16) string {
	var letters [3]byte
	for i := range letters {
		letter := byte(packed>>(10-5*i)) & 0x1f
		letters[i] = '?'
		if letter >= 1 && letter <= 26 {
			letters[i] = 'A' + letter - 1
		}
	}
	return string(letters[:])
}

// Kinds of descriptors that are not timings.
const (
	descriptorSerial = 0xff
	descriptorText   = 0xfe
	descriptorRange  = 0xfd
	descriptorName   = 0xfc
)

func (d *Display) descriptor(b []byte) {
	if b[0] != 0 || b[1] != 0 {
		d.timing(b)
		return
	}
	if b[2] != 0 {
		return
	}
	switch b[3] {
	case descriptorSerial:
		if d.SerialText == "" {
			d.SerialText = text(b[5:])
		}
	case descriptorText:
		if t := text(b[5:]); t != "" {
			d.Texts = append(d.Texts, t)
		}
	case descriptorName:
		if d.Name == "" {
			d.Name = text(b[5:])
		} else if t := text(b[5:]); t != "" {
			d.Texts = append(d.Texts, t)
		}
	case descriptorRange:
		d.Range = rangeLimits(b)
	}
}

// text is up to a line feed, which ends it, without padding.
func text(b []byte) string {
	if end := bytes.IndexByte(b, '\n'); end >= 0 {
		b = b[:end]
	}
	return string(bytes.Trim(b, " \x00\r\t"))
}

// rangeLimits reads the limits with the offsets of 255 that revision 4 added.
func rangeLimits(b []byte) *Range {
	limit := func(value byte, offset bool) uint16 {
		if offset {
			return uint16(value) + 255
		}
		return uint16(value)
	}
	flags := b[4]
	return &Range{
		MinVerticalHz: limit(b[5], flags&3 == 3), MaxVerticalHz: limit(b[6], flags&2 != 0),
		MinHorizontalKHz: limit(b[7], flags&12 == 12), MaxHorizontalKHz: limit(b[8], flags&8 != 0),
		MaxClockMHz: uint16(b[9]) * 10,
	}
}

// timing adds a detailed timing of 18 bytes.
func (d *Display) timing(b []byte) {
	t := Timing{
		ClockKHz:   uint32(binary.LittleEndian.Uint16(b)) * 10,
		Width:      uint16(b[2]) | uint16(b[4]&0xf0)<<4,
		blankX:     uint16(b[3]) | uint16(b[4]&0x0f)<<8,
		Height:     uint16(b[5]) | uint16(b[7]&0xf0)<<4,
		blankY:     uint16(b[6]) | uint16(b[7]&0x0f)<<8,
		WidthMM:    uint16(b[12]) | uint16(b[14]&0xf0)<<4,
		HeightMM:   uint16(b[13]) | uint16(b[14]&0x0f)<<8,
		Interlaced: b[17]&0x80 != 0,
	}
	if t.ClockKHz != 0 && t.Width != 0 && t.Height != 0 {
		d.Timings = append(d.Timings, t)
	}
}
