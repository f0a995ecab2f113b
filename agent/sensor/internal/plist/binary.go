package plist

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf16"
)

const (
	binaryMagic = "bplist0"
	headerSize  = 8
	trailerSize = 32
)

// Kinds of objects, in the high half of their first byte.
const (
	kindSimple  = 0x0
	kindInteger = 0x1
	kindReal    = 0x2
	kindDate    = 0x3
	kindData    = 0x4
	kindASCII   = 0x5
	kindUTF16   = 0x6
	kindUID     = 0x8
	kindArray   = 0xa
	kindDict    = 0xd
)

// binaryList is a list in the binary form: objects that name each other by number, and a
// table of where each is.
type binaryList struct {
	budget
	data      []byte // without the trailer
	offsets   []byte // the table
	offset    int    // bytes of one of its numbers
	reference int    // bytes of the number of an object
	count     uint64 // of objects
}

func parseBinary(data []byte) (Value, error) {
	if len(data) < headerSize+trailerSize {
		return nil, fmt.Errorf("%w: cut off", errNoList)
	}
	trailer := data[len(data)-trailerSize:]
	l := binaryList{
		data: data[:len(data)-trailerSize], offset: int(trailer[6]), reference: int(trailer[7]),
		count: binary.BigEndian.Uint64(trailer[8:]),
	}
	top, table := binary.BigEndian.Uint64(trailer[16:]), binary.BigEndian.Uint64(trailer[24:])
	if l.offset < 1 || l.offset > 8 || l.reference < 1 || l.reference > 8 || table > uint64(len(l.data)) {
		return nil, fmt.Errorf("%w: its trailer is broken", errNoList)
	}
	l.offsets = l.data[table:]
	if l.count > uint64(len(l.offsets)/l.offset) {
		return nil, fmt.Errorf("%w: its table is cut off", errNoList)
	}
	return l.value(top, 0)
}

// value reads an object and everything below it. An object that is below itself runs
// into the bound on depth.
func (l *binaryList) value(number uint64, depth int) (Value, error) {
	kind, size, rest, err := l.object(number)
	if err != nil {
		return nil, err
	}
	if err := l.spend(depth, 0); err != nil {
		return nil, err
	}
	switch kind {
	case kindSimple:
		return simple(size), nil
	case kindInteger, kindReal, kindDate:
		return scalar(kind, size, rest)
	case kindData, kindASCII, kindUTF16:
		return l.text(kind, size, rest, depth)
	case kindArray:
		return l.array(size, rest, depth)
	case kindDict:
		return l.dict(size, rest, depth)
	}
	return nil, nil // sets, and the ids of archives
}

// object finds an object: its kind, its size or the low half of its first byte, and the
// bytes that follow.
func (l *binaryList) object(number uint64) (kind byte, size uint64, rest []byte, err error) {
	if number >= l.count {
		return 0, 0, nil, fmt.Errorf("%w: it names an object that it has not", errNoList)
	}
	at := bigEndian(l.offsets[int(number)*l.offset:][:l.offset])
	if at < headerSize || at >= uint64(len(l.data)) {
		return 0, 0, nil, fmt.Errorf("%w: an object is outside", errNoList)
	}
	rest = l.data[at+1:]
	kind, size = l.data[at]>>4, uint64(l.data[at]&0xf)
	if size != 0xf || kind < kindData || kind == kindUID {
		return kind, size, rest, nil
	}
	// A long size follows as an integer.
	if len(rest) == 0 || rest[0]>>4 != kindInteger {
		return 0, 0, nil, fmt.Errorf("%w: an object has no size", errNoList)
	}
	width := 1 << (rest[0] & 0xf)
	if width > 8 || len(rest) < 1+width {
		return 0, 0, nil, fmt.Errorf("%w: an object has no size", errNoList)
	}
	return kind, bigEndian(rest[1 : 1+width]), rest[1+width:], nil
}

func simple(low uint64) Value {
	const isFalse, isTrue = 8, 9
	switch low {
	case isFalse:
		return false
	case isTrue:
		return true
	}
	return nil
}

// scalar reads an integer, real, or date of 2^size bytes.
func scalar(kind byte, size uint64, rest []byte) (Value, error) {
	if size > 4 || len(rest) < 1<<size {
		return nil, fmt.Errorf("%w: a number is cut off", errNoList)
	}
	raw := rest[:1<<size]
	switch {
	case kind == kindInteger && size == 4: // of 128 bits, for what does not fit into 63
		return int64(binary.BigEndian.Uint64(raw[8:])), nil
	case kind == kindInteger:
		return int64(bigEndian(raw)), nil
	case kind == kindReal && size == 2:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(raw))), nil
	case size == 3:
		number := math.Float64frombits(binary.BigEndian.Uint64(raw))
		if kind == kindDate {
			return since2001(number), nil
		}
		return number, nil
	}
	return nil, nil
}

// since2001 is the time of a date, nil where that is none.
func since2001(seconds float64) Value {
	const longest = 250_000_000_000 // until the year 9923
	if math.IsNaN(seconds) || math.Abs(seconds) > longest {
		return nil
	}
	whole, part := math.Modf(seconds)
	return time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).
		AddDate(0, 0, int(whole/86400)).Add(time.Duration(math.Mod(whole, 86400))*time.Second + time.Duration(part*1e9))
}

func (l *binaryList) text(kind byte, size uint64, rest []byte, depth int) (Value, error) {
	if size > MaxSize {
		return nil, errBounds
	}
	if kind == kindUTF16 {
		size *= 2 // it counts units of 16 bits
	}
	if size > uint64(len(rest)) {
		return nil, fmt.Errorf("%w: a text is cut off", errNoList)
	}
	if err := l.spend(depth, int(size)); err != nil {
		return nil, err
	}
	raw := rest[:size]
	switch kind {
	case kindData:
		return append([]byte(nil), raw...), nil
	case kindASCII:
		return string(raw), nil
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(raw[2*i:])
	}
	return string(utf16.Decode(units)), nil
}

func (l *binaryList) array(size uint64, rest []byte, depth int) (Value, error) {
	references, err := l.references(size, rest)
	if err != nil {
		return nil, err
	}
	list := make([]Value, 0, min(size, 64))
	for i := range int(size) {
		v, err := l.value(l.at(references, i), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// dict reads a dictionary: the numbers of all keys, then those of all values.
func (l *binaryList) dict(size uint64, rest []byte, depth int) (Value, error) {
	if size > maxValues {
		return nil, errBounds
	}
	references, err := l.references(2*size, rest)
	if err != nil {
		return nil, err
	}
	dict := make(Dict, min(size, 64))
	for i := range int(size) {
		key, err := l.value(l.at(references, i), depth+1)
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("%w: a key is no text", errNoList)
		}
		if dict[name], err = l.value(l.at(references, int(size)+i), depth+1); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

// references are the bytes of a number of references.
func (l *binaryList) references(count uint64, rest []byte) ([]byte, error) {
	if count > uint64(len(rest)/l.reference) {
		return nil, fmt.Errorf("%w: a collection is cut off", errNoList)
	}
	return rest[:int(count)*l.reference], nil
}

func (l *binaryList) at(references []byte, i int) uint64 {
	return bigEndian(references[i*l.reference:][:l.reference])
}

// bigEndian reads a number of at most eight bytes.
func bigEndian(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
