package fleet

import (
	"bytes"
	"math/bits"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// networkName names a network by its gateway, or by its access point where the
// gateway is not known.
func networkName(s *fleetv1.NetworkSighting) []byte {
	if len(s.GetGateway()) > 0 {
		return s.GetGateway()
	}
	return s.GetAccessPoint()
}

// networks are networks of a picture, each the bit of its first sighting, of which
// keptNetworks, fewer than there are bits, are kept.
type networks uint64

func (n networks) count() int { return bits.OnesCount64(uint64(n)) }

// networksOn returns the networks of a day.
func (v *view) networksOn(day int64) (on networks) {
	sightings := v.pic.GetNetworks()
	if len(v.sighted) < len(sightings) {
		v.sighted = distinct(sightings)
	}
	for i, s := range sightings {
		if back := s.GetLastUnix()/daySeconds - day; back >= 0 && back < 64 && s.GetDays()>>back&1 == 1 {
			on |= v.sighted[i]
		}
	}
	return on
}

// distinct returns the network of each sighting: the same one may be seen behind several
// egresses.
func distinct(sightings []*fleetv1.NetworkSighting) []networks {
	all := make([]networks, len(sightings))
	for i, s := range sightings {
		all[i] = 1 << i
		for j, earlier := range sightings[:i] {
			if bytes.Equal(networkName(earlier), networkName(s)) {
				all[i] = all[j]
				break
			}
		}
	}
	return all
}

// moves counts the networks of the last twenty days, and the moves between them:
// within a day one less than there were, and from day to day where none was kept.
func (v *view) moves() (seen, moves uint32) {
	var all, before networks
	today := v.now.Unix() / daySeconds
	for day := today - activeSpan + 1; day <= today; day++ {
		on := v.networksOn(day)
		if on == 0 {
			continue
		}
		moves += uint32(on.count() - 1)
		if before != 0 && on&before == 0 {
			moves++
		}
		before = on
		all |= on
	}
	return uint32(all.count()), moves
}
