package pefile

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
)

// maxName bounds a name in a version resource, in characters.
const maxName = 128

// block is one block of a version resource: a key with a value and blocks below it.
type block struct {
	key         string
	value, rest []byte // rest is what is below
}

// nextBlock takes the first block off data.
func nextBlock(data []byte) (b block, after []byte, ok bool) {
	const headerSize = 6
	if len(data) < headerSize {
		return block{}, nil, false
	}
	length := int(binary.LittleEndian.Uint16(data))
	valueSize := int(binary.LittleEndian.Uint16(data[2:]))
	isText := binary.LittleEndian.Uint16(data[4:]) == 1
	if length < headerSize || length > len(data) {
		return block{}, nil, false
	}
	body := data[headerSize:length]
	key, used := text(body)
	at := aligned(headerSize+used) - headerSize
	if at > len(body) {
		at = len(body)
	}
	if isText {
		valueSize *= 2 // counted in characters
	}
	end := min(at+valueSize, len(body))
	below := min(aligned(headerSize+end)-headerSize, len(body))
	return block{key: key, value: body[at:end], rest: body[below:]}, data[min(aligned(length), len(data)):], true
}

// aligned rounds up to where the next part begins.
func aligned(at int) int { return (at + 3) &^ 3 }

// text reads UTF-16 up to its zero and says how many bytes that took.
func text(data []byte) (string, int) {
	var units []uint16
	for at := 0; at+2 <= len(data); at += 2 {
		unit := binary.LittleEndian.Uint16(data[at:])
		if unit == 0 {
			return string(utf16.Decode(units)), at + 2
		}
		units = append(units, unit)
	}
	return string(utf16.Decode(units)), len(data)
}

// readVersion takes the names from a version resource: the first language that has them.
func (p *Program) readVersion(data []byte) {
	root, _, ok := nextBlock(data)
	if !ok || root.key != "VS_VERSION_INFO" {
		return
	}
	each(root.rest, func(info block) {
		if info.key != "StringFileInfo" {
			return
		}
		each(info.rest, func(language block) {
			each(language.rest, p.take)
		})
	})
}

func each(data []byte, visit func(block)) {
	for range maxEntries {
		b, after, ok := nextBlock(data)
		if !ok {
			return
		}
		visit(b)
		data = after
	}
}

func (p *Program) take(b block) {
	var into *string
	switch b.key {
	case "CompanyName":
		into = &p.Company
	case "ProductName":
		into = &p.Product
	case "OriginalFilename":
		into = &p.Original
	case "ProductVersion":
		into = &p.Version
	default:
		return
	}
	if *into == "" {
		value, _ := text(b.value)
		*into = clean(value)
	}
}

// clean makes a name fit to compare: one line, trimmed, and empty where it is longer
// than any name is.
func clean(name string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name))
	if len([]rune(name)) > maxName {
		return ""
	}
	return name
}
