package software

import (
	"net/netip"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// sharedPrefix is carrier-grade NAT's, which overlay networks use as well (RFC 6598).
var sharedPrefix = netip.MustParsePrefix("100.64.0.0/10")

// classOf says what kind of network an address belongs to. Addresses set aside for
// documentation count as global: they stand for global ones.
func classOf(addr netip.Addr, sameNetwork func(netip.Addr) bool) farmhoundv1.PeerClass {
	switch {
	case !addr.IsValid():
		return farmhoundv1.PeerClass_PEER_CLASS_UNSPECIFIED
	case addr.IsLoopback():
		return farmhoundv1.PeerClass_PEER_CLASS_LOOPBACK
	case sameNetwork(addr):
		return farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN
	case sharedPrefix.Contains(addr):
		return farmhoundv1.PeerClass_PEER_CLASS_SHARED
	case addr.IsPrivate() || addr.IsLinkLocalUnicast():
		return farmhoundv1.PeerClass_PEER_CLASS_PRIVATE
	}
	return farmhoundv1.PeerClass_PEER_CLASS_GLOBAL
}
