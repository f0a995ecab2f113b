package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Bounds of one record. A report that respects the contract stays far below.
const (
	maxBootID  = 64
	maxPayload = 4 << 20
)

// The first byte of a stored record. A record of the first version has neither
// value nor time; a spool that an older agent left may hold some.
const (
	firstVersion  = 1
	recordVersion = 2
)

var errRecord = errors.New("not a record of this spool")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is one report as it lies on disk: version, value, time of appending in
// Unix seconds as eight bytes, length of boot id, boot id, sequence as uvarint,
// CRC-32C over everything else, payload. The checksum is there because bbolt has
// none over data pages.
type record struct {
	value    Value
	at       int64 // 0 in records of the first version: they have no age
	bootID   string
	sequence uint64
	payload  []byte
}

func (r record) encode() ([]byte, error) {
	if len(r.bootID) == 0 || len(r.bootID) > maxBootID {
		return nil, fmt.Errorf("boot id is %d bytes long, must be 1 to %d", len(r.bootID), maxBootID)
	}
	if len(r.payload) > maxPayload {
		return nil, fmt.Errorf("report is %d bytes long, longer than %d", len(r.payload), maxPayload)
	}
	head := make([]byte, 0, stampSize+2+len(r.bootID)+binary.MaxVarintLen64+crc32.Size+len(r.payload))
	head = append(head, recordVersion, byte(r.value))
	head = binary.BigEndian.AppendUint64(head, uint64(r.at))
	head = append(head, byte(len(r.bootID)))
	head = append(head, r.bootID...)
	head = binary.AppendUvarint(head, r.sequence)
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, r.payload)
	return append(binary.BigEndian.AppendUint32(head, sum), r.payload...), nil
}

// stampSize is what the second version has more than the first.
const stampSize = 1 + 8

// stamp returns value and time of a record without checking the rest, and where
// the length of its boot id stands.
func stamp(data []byte) (value Value, at int64, next int, err error) {
	if len(data) >= 2 && data[0] == firstVersion {
		return Normal, 0, 1, nil
	}
	if len(data) < 2+stampSize || data[0] != recordVersion {
		return 0, 0, 0, fmt.Errorf("%w: wrong version or too short", errRecord)
	}
	if value = Value(data[1]); value > High {
		return 0, 0, 0, fmt.Errorf("%w: wrong value", errRecord)
	}
	return value, int64(binary.BigEndian.Uint64(data[2:])), 1 + stampSize, nil
}

// decode reads a record. The payload aliases data.
func decode(data []byte) (record, error) {
	value, at, next, err := stamp(data)
	if err != nil {
		return record{}, err
	}
	r := record{value: value, at: at}
	length := int(data[next])
	next++
	if length == 0 || length > maxBootID || len(data) < next+length {
		return record{}, fmt.Errorf("%w: wrong boot id length", errRecord)
	}
	r.bootID = string(data[next : next+length])
	sequence, used := binary.Uvarint(data[next+length:])
	end := next + length + used
	if used <= 0 || len(data) < end+crc32.Size {
		return record{}, fmt.Errorf("%w: wrong sequence or too short", errRecord)
	}
	r.sequence = sequence
	r.payload = data[end+crc32.Size:]
	if len(r.payload) > maxPayload {
		return record{}, fmt.Errorf("%w: too long", errRecord)
	}
	sum := crc32.Update(crc32.Checksum(data[:end], castagnoli), castagnoli, r.payload)
	if binary.BigEndian.Uint32(data[end:]) != sum {
		return record{}, fmt.Errorf("%w: wrong checksum", errRecord)
	}
	return r, nil
}
