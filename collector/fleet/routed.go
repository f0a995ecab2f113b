package fleet

import (
	"net/netip"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// routedMs is a round trip of the whole way to whoever controls that keeps them in the
	// same part of the world, by way of a VPN's gateway and two lines.
	routedMs = 60
	// distantMs is a round trip that no bad line within a part of the world makes.
	distantMs = 150
	// leasedDays is for how many days of control one address at least comes out of a pool: a
	// tunnel that somebody set up has fixed ones at its ends.
	leasedDays = 2
)

// routed notes whether control comes over a private network that leads to where the laptop is: all
// of what is known of it, and most of all that there is, from private addresses that answer
// soon. Where a laptop is in somebody's overlay network, they are that one's.
func (v *view) routed(o *fleetv1.Operator, peers map[peerID]*peerSum) {
	addresses := make(map[string]bool)
	most := uint64(0)
	for id, p := range peers {
		if id.address == "" {
			continue
		}
		addr, err := netip.ParseAddr(id.address)
		if err != nil || id.relay || !p.direct || !addr.Is4() || !addr.IsPrivate() || p.rttUs == 0 || p.rttUs > distantMs*1000 {
			return
		}
		if p.rttUs > routedMs*1000 {
			continue // a bad evening's line, if the others are better
		}
		addresses[id.address] = true
		most += p.seconds
	}
	if unknown := peersSeconds(peers) - most; len(addresses) == 0 || unknown > most || v.overlaid() {
		return
	}
	o.RoutedAddresses = uint32(len(addresses))
	o.Leased = leasedDays*len(addresses) >= int(o.GetDays())
}

func peersSeconds(peers map[peerID]*peerSum) (all uint64) {
	for _, p := range peers {
		all += p.seconds
	}
	return all
}

// ofSharedSpace are the overlay networks whose laptops have addresses of 100.64.0.0/10 alone: a
// private address is none of theirs.
var ofSharedSpace = []string{"tailscale", "netbird"}

// overlaid says whether the laptop is in an overlay network that nobody approved and that may
// have private addresses.
func (v *view) overlaid() bool {
	return slices.ContainsFunc(v.pic.GetTools(), func(t *fleetv1.ToolState) bool {
		return t.GetPresent() && v.f.category(t.GetId()) == "overlay-network" && !slices.Contains(ofSharedSpace, t.GetId()) &&
			!v.f.mayUse(v.pic, t.GetId(), v.person, v.now)
	})
}
