package fleet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
)

// key is a stored hash: short enough for the picture, long enough that a fleet
// of millions sees no two things share one by chance.
type key [8]byte

// Kinds keep equal bytes of different things apart.
const (
	hashGateway      = "gateway"
	hashAccessPoint  = "access-point"
	hashLAN          = "lan"
	hashAccount      = "account"
	hashInstallation = "installation"
	hashPeripheral   = "peripheral"
	hashPlace        = "place"
	hashSite         = "site"
	hashAddress      = "address"
	hashEgress       = "egress"
)

// hash hashes once more, with the collector's own secret, what laptops hashed
// with the fleet's key: who reads the store cannot compare it with a laptop's.
func (f *Fleet) hash(kind string, parts ...[]byte) key {
	mac := hmac.New(sha256.New, f.cfg.Secret)
	mac.Write([]byte(kind))
	for _, p := range parts {
		mac.Write([]byte{0, byte(len(p))})
		mac.Write(p)
	}
	var sum [sha256.Size]byte
	return key(mac.Sum(sum[:0])[:8])
}

func toKey(b []byte) (key, bool) {
	if len(b) != len(key{}) {
		return key{}, false
	}
	return key(b), true
}

func (k key) String() string { return hex.EncodeToString(k[:]) }

// egressPrefix is the network that stands for an egress address: providers move
// customers within a /24, and hand each a /64.
func egressPrefix(addr netip.Addr) string {
	addr = addr.Unmap()
	if !addr.IsValid() || addr.IsLoopback() || addr.IsUnspecified() || addr.IsLinkLocalUnicast() {
		return ""
	}
	bits := 64
	if addr.Is4() {
		bits = 24
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// carrierNAT is shared by carriers' customers and by overlay networks.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// onInternet says whether address data can know the address.
func onInternet(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsValid() && addr.IsGlobalUnicast() && !addr.IsPrivate() && !carrierNAT.Contains(addr)
}
