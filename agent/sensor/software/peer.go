package software

import (
	"net/netip"
	"slices"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
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

// neighbourhood is the networks that the laptop is in.
type neighbourhood struct{ near []links.Link }

// isNear reports whether an address is in one of them.
func (n neighbourhood) isNear(addr netip.Addr) bool {
	return slices.ContainsFunc(n.near, func(l links.Link) bool { return l.Local() && l.Holds(addr) })
}

// fromHere reports whether a connection comes from this laptop itself.
func (n neighbourhood) fromHere(row *sockets.Owned) bool {
	peer := row.Remote.Addr()
	return peer.IsLoopback() || peer == row.Local.Addr() || slices.ContainsFunc(n.near, func(l links.Link) bool {
		return slices.ContainsFunc(l.Prefixes, func(p netip.Prefix) bool { return p.Addr() == peer })
	})
}

// otherEnd returns the row of the other end of a connection within the laptop, nil where it is not listed.
func otherEnd(rows []sockets.Owned, row *sockets.Owned) *sockets.Owned {
	at := slices.IndexFunc(rows, func(r sockets.Owned) bool { return r.Local == row.Remote && r.Remote == row.Local })
	if at < 0 {
		return nil
	}
	return &rows[at]
}
