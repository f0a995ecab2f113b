package sensor

import (
	"bytes"
	"encoding/binary"
)

// smbios is what is read of a machine's SMBIOS tables.
type smbios struct {
	manufacturer, model, serial string
	chassis                     byte
}

// parseSMBIOS reads a structure table (DSP0134, section 6): each structure is a
// header of type, length and handle, a formatted part of that length, and strings
// that end with two zero bytes. What is cut short ends the reading.
func parseSMBIOS(table []byte) (s smbios) {
	const (
		headerSize   = 4
		typeSystem   = 1
		typeChassis  = 3
		typeEnd      = 127
		manufacturer = 4 // offsets of string numbers in the system structure
		product      = 5
		serial       = 7
		chassisType  = 5
	)
	for len(table) >= headerSize {
		kind, size := table[0], int(table[1])
		if kind == typeEnd || size < headerSize || size > len(table) {
			return s
		}
		formatted, rest := table[:size], table[size:]
		end := bytes.Index(rest, []byte{0, 0})
		if end < 0 {
			return s
		}
		texts := bytes.Split(rest[:end], []byte{0})
		text := func(offset int) string {
			if offset >= size || formatted[offset] == 0 || int(formatted[offset]) > len(texts) {
				return ""
			}
			return string(texts[formatted[offset]-1])
		}
		switch {
		case kind == typeSystem && s.model == "":
			s.manufacturer, s.model, s.serial = text(manufacturer), text(product), text(serial)
		case kind == typeChassis && s.chassis == 0 && size > chassisType:
			s.chassis = formatted[chassisType] & 0x7f // the high bit tells of a lock
		}
		table = rest[end+2:]
	}
	return s
}

// tableOfFirmware takes the structure table out of what Windows returns of it: four
// bytes of version, the table's length, the table.
func tableOfFirmware(raw []byte) []byte {
	const before = 8
	if len(raw) < before {
		return nil
	}
	size := uint64(binary.LittleEndian.Uint32(raw[4:]))
	return raw[before : before+min(size, uint64(len(raw)-before))]
}
