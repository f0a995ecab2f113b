package sockets

import (
	"encoding/binary"
	"time"
)

// Sizes of TCP_ESTATS_DATA_ROD_v0 and TCP_ESTATS_PATH_ROD_v0.
const (
	dataSize = 96
	pathSize = 160
)

// setStatistics takes round trips and bytes from what Windows keeps of a connection.
// A round trip of zero is one that was not taken yet.
func (s *Socket) setStatistics(data, path []byte) {
	const (
		bytesAcked, bytesReceived = 72, 88 // ThruBytesAcked, ThruBytesReceived
		smoothed, lowest          = 108, 120
	)
	s.Acked = binary.LittleEndian.Uint64(data[bytesAcked:])
	s.Received = binary.LittleEndian.Uint64(data[bytesReceived:])
	s.RTT = time.Duration(binary.LittleEndian.Uint32(path[smoothed:])) * time.Millisecond
	if ms := binary.LittleEndian.Uint32(path[lowest:]); ms != 0 && ms != 1<<32-1 {
		s.MinRTT = time.Duration(ms) * time.Millisecond
	}
	s.Measured = true
}
