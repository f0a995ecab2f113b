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

// recordVersion is the first byte of a stored record.
const recordVersion = 1

var errRecord = errors.New("not a record of this spool")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is one report as it lies on disk: version, length of boot id, boot id,
// sequence as uvarint, CRC-32C over everything else, payload. The checksum is
// there because bbolt has none over data pages.
type record struct {
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
	head := make([]byte, 0, 2+len(r.bootID)+binary.MaxVarintLen64+crc32.Size+len(r.payload))
	head = append(head, recordVersion, byte(len(r.bootID)))
	head = append(head, r.bootID...)
	head = binary.AppendUvarint(head, r.sequence)
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, r.payload)
	return append(binary.BigEndian.AppendUint32(head, sum), r.payload...), nil
}

// decode reads a record. The payload aliases data.
func decode(data []byte) (record, error) {
	if len(data) < 2 || data[0] != recordVersion {
		return record{}, fmt.Errorf("%w: wrong version or too short", errRecord)
	}
	length := int(data[1])
	if length == 0 || length > maxBootID || len(data) < 2+length {
		return record{}, fmt.Errorf("%w: wrong boot id length", errRecord)
	}
	r := record{bootID: string(data[2 : 2+length])}
	sequence, used := binary.Uvarint(data[2+length:])
	end := 2 + length + used
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
