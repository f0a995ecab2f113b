package egress

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/farmhound-security/farmhound/proto/egress"
)

// STUN (RFC 8489) as far as one Binding request and its answer need it.
const (
	magicCookie     = 0x2112A442
	headerSize      = 20
	transactionSize = 12

	bindingRequest = 0x0001
	bindingSuccess = 0x0101

	attributeXORMappedAddress = 0x0020
	familyIPv4, familyIPv6    = 1, 2
)

// largestAnswer is more than an answer with everything known in it.
const largestAnswer = 512

// request returns a Binding request that shows a token.
func request(transaction [transactionSize]byte, token []byte) []byte {
	padded := (len(token) + 3) &^ 3
	m := make([]byte, 0, headerSize+4+padded)
	m = binary.BigEndian.AppendUint16(m, bindingRequest)
	m = binary.BigEndian.AppendUint16(m, uint16(4+padded))
	m = binary.BigEndian.AppendUint32(m, magicCookie)
	m = append(m, transaction[:]...)
	m = binary.BigEndian.AppendUint16(m, egress.AttributeToken)
	m = binary.BigEndian.AppendUint16(m, uint16(len(token)))
	m = append(m, token...)
	return append(m, make([]byte, padded-len(token))...)
}

var errAnswer = errors.New("not an answer to the request")

// answer is what a responder says.
type answer struct {
	seen netip.Addr
	seal []byte
}

// parseAnswer reads the answer to the request of a transaction.
func parseAnswer(m []byte, transaction [transactionSize]byte) (a answer, err error) {
	if len(m) < headerSize || binary.BigEndian.Uint16(m) != bindingSuccess || binary.BigEndian.Uint32(m[4:]) != magicCookie ||
		[transactionSize]byte(m[8:headerSize]) != transaction {
		return a, errAnswer
	}
	length := int(binary.BigEndian.Uint16(m[2:]))
	if length != len(m)-headerSize {
		return a, errAnswer
	}
	for rest := m[headerSize:]; len(rest) > 0; {
		if len(rest) < 4 {
			return a, errAnswer
		}
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		padded := (size + 3) &^ 3
		if len(rest) < 4+padded {
			return a, errAnswer
		}
		value := rest[4 : 4+size]
		switch kind {
		case attributeXORMappedAddress:
			if a.seen, err = mapped(value, m[4:headerSize]); err != nil {
				return a, err
			}
		case egress.AttributeSeal:
			a.seal = append([]byte(nil), value...)
		}
		rest = rest[4+padded:]
	}
	if !a.seen.IsValid() || len(a.seal) != egress.SealSize {
		return a, errAnswer
	}
	return a, nil
}

// mapped decodes XOR-MAPPED-ADDRESS; mask is the message's cookie and transaction.
func mapped(value, mask []byte) (netip.Addr, error) {
	if len(value) < 4 {
		return netip.Addr{}, errAnswer
	}
	address := value[4:]
	switch {
	case value[1] == familyIPv4 && len(address) == 4:
		var a [4]byte
		for i := range a {
			a[i] = address[i] ^ mask[i]
		}
		return netip.AddrFrom4(a), nil
	case value[1] == familyIPv6 && len(address) == 16:
		var a [16]byte
		for i := range a {
			a[i] = address[i] ^ mask[i]
		}
		return netip.AddrFrom16(a).Unmap(), nil
	}
	return netip.Addr{}, errAnswer
}
