// Package edid decodes what a display says of itself: the 128-byte base block of
// VESA's E-EDID standard and the CTA-861 and DisplayID extensions after it, all their
// sums, and of their contents which display it is and what it shows first. Sound,
// colours and further pictures are passed over.
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
	// WidthCM and HeightCM are the size of the image in centimetres, 0 where undefined.
	WidthCM, HeightCM uint8
	// Name and SerialText are the words of the descriptors for the product's name and its
	// serial number, without their padding.
	Name, SerialText string
	// Width and Height are the picture that the display asks for first, in pixels, 0
	// where it asks for none.
	Width, Height uint16
	// DisplayID holds what the DisplayID sections say together.
	DisplayID DisplayID

	// blocks are those read, declared the extensions that the base block says there are.
	blocks, declared int
	wrong            bool // whether a sum is
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

// ChecksumOK reports whether the sum of every block, and of every section inside one, is
// right and no block that the base block declares is missing.
func (d *Display) ChecksumOK() bool { return !d.wrong && d.blocks > d.declared }

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

// block counts a block and its sum.
func (d *Display) block(b []byte) {
	d.blocks++
	d.wrong = d.wrong || !sumOK(b)
}

func (d *Display) base(b []byte) {
	d.block(b)
	d.Maker = maker(binary.BigEndian.Uint16(b[8:]))
	d.ProductCode = binary.LittleEndian.Uint16(b[10:])
	d.Serial = binary.LittleEndian.Uint32(b[12:])
	d.Week = b[16]
	d.Year = 1990 + uint16(b[17])
	// A zero in one of them states an aspect ratio, not a size.
	if b[21] != 0 && b[22] != 0 {
		d.WidthCM, d.HeightCM = b[21], b[22]
	}
	d.declared = int(b[126])
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
	case descriptorName:
		if d.Name == "" {
			d.Name = text(b[5:])
		}
	}
}

// text is up to a line feed, which ends it, without padding.
func text(b []byte) string {
	if end := bytes.IndexByte(b, '\n'); end >= 0 {
		b = b[:end]
	}
	return string(bytes.Trim(b, " \x00\r\t"))
}

// timing takes a detailed timing of 18 bytes: its clock, and the active pixels in twelve
// bits each.
func (d *Display) timing(b []byte) {
	if binary.LittleEndian.Uint16(b) != 0 {
		d.picture(uint16(b[2])|uint16(b[4]&0xf0)<<4, uint16(b[5])|uint16(b[7]&0xf0)<<4)
	}
}

// picture takes a picture that the display can show. The first one is preferred.
func (d *Display) picture(width, height uint16) {
	if d.Width == 0 && width != 0 && height != 0 {
		d.Width, d.Height = width, height
	}
}
