// Package fleetkey makes the keyed hashes by which equal things compare equal
// within a fleet and mean nothing outside it: network identifiers, serial numbers
// of peripherals, remote accounts.
//
// A hash is HMAC-SHA-256 under a fleet key, cut to 16 bytes and separated by
// kind, so that a gateway's address never equals a neighbour's. Without a key
// there is no hash; there is no unkeyed form. Whoever has a fleet key can try
// values of few possibilities, such as hardware addresses, so that hashes are
// secret from outsiders only.
//
// Agent and collector both use it. It imports the generated contract only.
package fleetkey

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// KeySize is the length of a fleet key in bytes.
	KeySize = 32
	// MaxKeys is how many keys a fleet can use at once.
	MaxKeys = 4
	// Size is the length of a hash in bytes.
	Size = 16
)

// Kind is what a hashed value identifies. Equal values of different kinds have
// different hashes.
type Kind string

// The kinds. Their words are part of every hash and never change.
const (
	GatewayMAC       Kind = "gateway-mac"
	LANPrefix        Kind = "lan-prefix"
	AccessPoint      Kind = "access-point"
	PeripheralSerial Kind = "peripheral-serial"
	DisplaySerial    Kind = "display-serial"
	RemoteAccount    Kind = "remote-account"
	InstallationID   Kind = "installation-id"
	NeighbourMAC     Kind = "neighbour-mac"
)

// domain separates these hashes from any other use of the same key.
const domain = "farmhound/v1/"

// Ring holds the keys of a fleet, newest first. The zero value has none and makes
// no hashes.
type Ring struct {
	keys []key
}

type key struct {
	id     uint32
	secret [KeySize]byte
}

// NewRing takes the keys of a policy. The order of the policy does not matter:
// the highest id is the newest. A key of wrong length, without an id or given
// twice is an error, which never shows the key.
func NewRing(keys []*farmhoundv1.FleetKey) (Ring, error) {
	var r Ring
	if len(keys) > MaxKeys {
		return Ring{}, fmt.Errorf("%d fleet keys are given, at most %d can be used", len(keys), MaxKeys)
	}
	for _, k := range keys {
		if k.GetId() == 0 {
			return Ring{}, errors.New("fleet key without an id")
		}
		if len(k.GetKey()) != KeySize {
			return Ring{}, fmt.Errorf("fleet key %d is %d bytes long, must be %d", k.GetId(), len(k.GetKey()), KeySize)
		}
		if slices.ContainsFunc(r.keys, func(known key) bool { return known.id == k.GetId() }) {
			return Ring{}, fmt.Errorf("fleet key %d is given twice", k.GetId())
		}
		r.keys = append(r.keys, key{id: k.GetId(), secret: [KeySize]byte(k.GetKey())})
	}
	slices.SortFunc(r.keys, func(a, b key) int { return cmp.Compare(b.id, a.id) })
	return r, nil
}

// Empty reports whether there is no key to hash with.
func (r Ring) Empty() bool { return len(r.keys) == 0 }

// Newest returns the id of the key that Hash uses, zero where there is none.
func (r Ring) Newest() uint32 {
	if r.Empty() {
		return 0
	}
	return r.keys[0].id
}

// Hash returns the hash of a value under the newest key, and that key's id. It is
// not ok without a key or without a value.
func (r Ring) Hash(kind Kind, value []byte) (sum []byte, keyID uint32, ok bool) {
	if r.Empty() || len(value) == 0 {
		return nil, 0, false
	}
	return r.keys[0].hash(kind, value), r.keys[0].id, true
}

// Earlier returns the hashes of a value under the ring's older keys, newest first;
// none while the fleet has one key, and none without a value. Whatever a report
// hashes it carries under every key, so that a new key makes no new thing: fill the
// list beside each hash from it. Serial does so by itself. Hashes that are kept
// between observations must be made again when the ring changes.
func (r Ring) Earlier(kind Kind, value []byte) []*farmhoundv1.EarlierHash {
	if len(r.keys) < 2 || len(value) == 0 {
		return nil
	}
	all := make([]*farmhoundv1.EarlierHash, 0, len(r.keys)-1)
	for i := range r.keys[1:] {
		k := &r.keys[1+i]
		all = append(all, &farmhoundv1.EarlierHash{KeyId: k.id, Hash: k.hash(kind, value)})
	}
	return all
}

// HashUnder returns the hash of a value under the key with the id, for comparing
// with one that was made before the key changed.
func (r Ring) HashUnder(keyID uint32, kind Kind, value []byte) (sum []byte, ok bool) {
	if len(value) == 0 {
		return nil, false
	}
	for i := range r.keys {
		if r.keys[i].id == keyID {
			return r.keys[i].hash(kind, value), true
		}
	}
	return nil, false
}

// Equal reports whether sum is the hash of the value under any key of the ring.
func (r Ring) Equal(sum []byte, kind Kind, value []byte) bool {
	if len(value) == 0 {
		return false
	}
	found := false
	for i := range r.keys {
		found = hmac.Equal(sum, r.keys[i].hash(kind, value)) || found
	}
	return found
}

func (k *key) hash(kind Kind, value []byte) []byte {
	mac := hmac.New(sha256.New, k.secret[:])
	mac.Write([]byte(domain))
	mac.Write([]byte(kind))
	// A kind holds no zero byte, so no kind and value read as another pair.
	mac.Write([]byte{0})
	mac.Write(value)
	return mac.Sum(nil)[:Size]
}

// String keeps keys out of logs.
func (r Ring) String() string {
	return fmt.Sprintf("fleet keys (%d, newest %d)", len(r.keys), r.Newest())
}

// GoString keeps keys out of logs.
func (r Ring) GoString() string { return r.String() }

// MAC brings a hardware address, in any of its usual spellings, into the six
// bytes to hash. Broadcast, multicast and all-zero addresses name nobody and are
// not ok.
func MAC(address string) (value []byte, ok bool) {
	var digits [12]byte
	n := 0
	for i := range len(address) {
		c := address[i]
		switch {
		case c == ':' || c == '-' || c == '.':
			continue
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return nil, false
		}
		if n == len(digits) {
			return nil, false
		}
		digits[n] = c
		n++
	}
	if n != len(digits) {
		return nil, false
	}
	value = make([]byte, 6)
	nonzero := false
	for i := range value {
		value[i] = digits[2*i]<<4 | digits[2*i+1]
		nonzero = nonzero || value[i] != 0
	}
	return value, nonzero && value[0]&1 == 0
}

// Prefix brings a network's prefix into the bytes to hash: the masked address and
// its length, IPv4 always in its short form.
func Prefix(p netip.Prefix) (value []byte, ok bool) {
	if !p.IsValid() {
		return nil, false
	}
	address, bits := p.Addr().WithZone(""), p.Bits()
	if address.Is4In6() {
		if bits < 96 {
			return nil, false
		}
		address, bits = address.Unmap(), bits-96
	}
	masked, err := address.Prefix(bits)
	if err != nil {
		return nil, false
	}
	return append(masked.Addr().AsSlice(), byte(bits)), true
}
