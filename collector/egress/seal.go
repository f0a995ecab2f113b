package egress

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/farmhound-security/farmhound/proto/egress"
)

// tokenLife is how long a token is answered: longer than any pause between two
// acknowledgements of a laptop that is in use.
const tokenLife = 3 * 24 * time.Hour

const (
	tagSize   = 16
	macSize   = egress.TokenSize - 4 - tagSize
	nonceSize = 12
	plainSize = egress.SealSize - nonceSize - 16
)

// sealVersion is the first byte of what is sealed.
const sealVersion = 1

// Authority makes and checks tokens, and makes and opens seals. All collectors of
// one store have the same secret. It is safe for concurrent use.
type Authority struct {
	tokens, seals []byte
	now           func() time.Time
}

// NewAuthority returns the Authority of a secret that only collectors know. A nil
// clock is the wall clock.
func NewAuthority(secret []byte, now func() time.Time) (*Authority, error) {
	if now == nil {
		now = time.Now
	}
	a := &Authority{now: now}
	for into, label := range map[*[]byte]string{&a.tokens: "farmhound egress token", &a.seals: "farmhound egress seal"} {
		key, err := hkdf.Key(sha256.New, secret, nil, label, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive the key for %s: %w", label, err)
		}
		*into = key
	}
	return a, nil
}

// Token returns what a device shows with its requests: when that ends, which device
// it is, and that a collector said so.
func (a *Authority) Token(device string) []byte {
	token := binary.BigEndian.AppendUint32(make([]byte, 0, egress.TokenSize), uint32(a.now().Add(tokenLife).Unix()))
	tag := tagOf(device)
	token = append(token, tag[:]...)
	return append(token, a.mac(token)...)
}

// admit returns the device that a token is for, by its tag.
func (a *Authority) admit(token []byte) (tag [tagSize]byte, ok bool) {
	if len(token) != egress.TokenSize {
		return tag, false
	}
	signed := token[:4+tagSize]
	if !hmac.Equal(a.mac(signed), token[4+tagSize:]) {
		return tag, false
	}
	ends := time.Unix(int64(binary.BigEndian.Uint32(token)), 0)
	return [tagSize]byte(signed[4:]), a.now().Before(ends)
}

func (a *Authority) mac(signed []byte) []byte {
	h := hmac.New(sha256.New, a.tokens)
	h.Write(signed)
	return h.Sum(nil)[:macSize]
}

func tagOf(device string) [tagSize]byte {
	sum := sha256.Sum256([]byte(device))
	return [tagSize]byte(sum[:])
}

// sealer has a key of its own for every device, so that one's seal is no use to
// another and random nonces do not run out.
func (a *Authority) sealer(tag [tagSize]byte) (cipher.AEAD, error) {
	h := hmac.New(sha256.New, a.seals)
	h.Write(tag[:])
	block, err := aes.NewCipher(h.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("make a seal: %w", err)
	}
	return cipher.NewGCM(block)
}

// seal says that a device was seen under an address now.
func (a *Authority) seal(tag [tagSize]byte, seen netip.Addr) ([]byte, error) {
	aead, err := a.sealer(tag)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, 0, plainSize)
	plain = append(plain, sealVersion)
	plain = binary.BigEndian.AppendUint32(plain, uint32(a.now().Unix()))
	address := seen.As16()
	plain = append(plain, address[:]...)
	nonce := make([]byte, nonceSize, egress.SealSize)
	_, _ = rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, plain, nil), nil
}

// ErrSeal is what was not sealed for the device by a collector of this store.
var ErrSeal = errors.New("the seal was not made for this device by this store's collectors")

// Open returns under which address a device was seen, and when.
func (a *Authority) Open(device string, sealed []byte) (netip.Addr, time.Time, error) {
	if len(sealed) != egress.SealSize {
		return netip.Addr{}, time.Time{}, ErrSeal
	}
	aead, err := a.sealer(tagOf(device))
	if err != nil {
		return netip.Addr{}, time.Time{}, err
	}
	plain, err := aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], nil)
	if err != nil || plain[0] != sealVersion {
		return netip.Addr{}, time.Time{}, ErrSeal
	}
	at := time.Unix(int64(binary.BigEndian.Uint32(plain[1:])), 0)
	return netip.AddrFrom16([16]byte(plain[5:])).Unmap(), at, nil
}
