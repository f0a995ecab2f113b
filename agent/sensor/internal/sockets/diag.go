package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Sizes and numbers of the kernel's interface: linux/netlink.h, linux/sock_diag.h,
// linux/inet_diag.h and struct tcp_info in linux/tcp.h.
const (
	headerSize  = 16 // struct nlmsghdr
	requestSize = 56 // struct inet_diag_req_v2
	messageSize = 72 // struct inet_diag_msg
	attrSize    = 4  // struct rtattr

	msgError        = 2  // NLMSG_ERROR
	msgDone         = 3  // NLMSG_DONE
	sockDiagFamily  = 20 // SOCK_DIAG_BY_FAMILY
	flagRequestDump = 0x301
	attrInfo        = 2 // INET_DIAG_INFO

	familyIPv4  = 2
	familyIPv6  = 10
	protocolTCP = 6

	infoResent   = 2   // tcpi_retransmits, in a row
	infoUnacked  = 24  // tcpi_unacked, segments
	infoLastAck  = 56  // tcpi_last_ack_recv, ms ago
	infoRTT      = 68  // tcpi_rtt, µs
	infoAcked    = 120 // tcpi_bytes_acked
	infoReceived = 128 // tcpi_bytes_received
	infoMinRTT   = 148 // tcpi_min_rtt, µs
)

// manyResent is how often in a row something must have been sent again before
// silence means that nobody hears it.
const manyResent = 5

// errTooMany ends a listing at MaxRows.
var errTooMany = fmt.Errorf("more than %d sockets", MaxRows)

// appendRequest appends the message that asks for all connections and listeners of
// one address family.
func appendRequest(dst []byte, family uint8) []byte {
	native := binary.NativeEndian
	dst = native.AppendUint32(dst, headerSize+requestSize)
	dst = native.AppendUint16(dst, sockDiagFamily)
	dst = native.AppendUint16(dst, flagRequestDump)
	dst = native.AppendUint32(dst, 1) // sequence
	dst = native.AppendUint32(dst, 0) // port: the kernel's
	dst = append(dst, family, protocolTCP, 1<<(attrInfo-1), 0)
	dst = native.AppendUint32(dst, 1<<Established|1<<Listen)
	return append(dst, make([]byte, requestSize-8)...)
}

// appendDump appends the sockets in one datagram of a dump to dst and reports
// whether the dump is complete.
func appendDump(dst []Socket, datagram []byte) (_ []Socket, done bool, err error) {
	native := binary.NativeEndian
	for len(datagram) >= headerSize {
		size := int(native.Uint32(datagram))
		if size < headerSize || size > len(datagram) {
			return dst, false, fmt.Errorf("netlink message of %d bytes in %d", size, len(datagram))
		}
		body := datagram[headerSize:size]
		switch native.Uint16(datagram[4:]) {
		case msgDone:
			return dst, true, nil
		case msgError:
			if len(body) < 4 {
				return dst, false, errors.New("netlink error cut short")
			}
			if code := int32(native.Uint32(body)); code != 0 {
				return dst, false, fmt.Errorf("socket dump refused: error %d", -code)
			}
		case sockDiagFamily:
			if len(dst) >= MaxRows {
				return dst, false, errTooMany
			}
			var s Socket
			if s, err = parseMessage(body); err != nil {
				return dst, false, err
			}
			if s.State == Established || s.State == Listen {
				dst = append(dst, s)
			}
		}
		next := (size + 3) &^ 3
		if next > len(datagram) {
			break
		}
		datagram = datagram[next:]
	}
	return dst, false, nil
}

func parseMessage(b []byte) (s Socket, err error) {
	if len(b) < messageSize {
		return s, fmt.Errorf("socket description of %d bytes, want %d", len(b), messageSize)
	}
	native := binary.NativeEndian
	s.State = State(b[1])
	var local, remote netip.Addr
	switch b[0] {
	case familyIPv4:
		local, remote = netip.AddrFrom4([4]byte(b[8:12])), netip.AddrFrom4([4]byte(b[24:28]))
	case familyIPv6:
		local, remote = netip.AddrFrom16([16]byte(b[8:24])).Unmap(), netip.AddrFrom16([16]byte(b[24:40])).Unmap()
	default:
		return s, fmt.Errorf("socket of address family %d", b[0])
	}
	s.Local = netip.AddrPortFrom(local, binary.BigEndian.Uint16(b[4:]))
	if s.State != Listen {
		s.Remote = netip.AddrPortFrom(remote, binary.BigEndian.Uint16(b[6:]))
	}
	s.Cookie = uint64(native.Uint32(b[48:]))<<32 | uint64(native.Uint32(b[44:]))
	s.UID = native.Uint32(b[64:])
	s.Inode = uint64(native.Uint32(b[68:]))
	return s, s.parseAttributes(b[messageSize:])
}

func (s *Socket) parseAttributes(b []byte) error {
	native := binary.NativeEndian
	for len(b) >= attrSize {
		size := int(native.Uint16(b))
		if size < attrSize || size > len(b) {
			return fmt.Errorf("socket attribute of %d bytes in %d", size, len(b))
		}
		// Kernels before 4.6 tell less; what is missing there stays absent.
		if native.Uint16(b[2:]) == attrInfo && size >= attrSize+infoMinRTT+4 && s.State == Established {
			s.parseInfo(b[attrSize:size])
		}
		next := (size + 3) &^ 3
		if next > len(b) {
			break
		}
		b = b[next:]
	}
	return nil
}

func (s *Socket) parseInfo(info []byte) {
	native := binary.NativeEndian
	s.Measured = true
	s.RTT = time.Duration(native.Uint32(info[infoRTT:])) * time.Microsecond
	s.Acked = native.Uint64(info[infoAcked:])
	s.Received = native.Uint64(info[infoReceived:])
	if lowest := native.Uint32(info[infoMinRTT:]); lowest != ^uint32(0) {
		s.MinRTT = time.Duration(lowest) * time.Microsecond
	}
	if info[infoResent] >= manyResent && native.Uint32(info[infoUnacked:]) > 0 {
		s.Silent = time.Duration(native.Uint32(info[infoLastAck:])) * time.Millisecond
	}
}
