package network

import (
	"slices"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

const (
	// beginning is how much of a candidate's hash is told, in bytes.
	beginning = 3
	// Most of what a report and an acknowledgement may hold, from the schema.
	maxOwn        = 8
	maxMembers    = 64
	maxCandidates = 256
	// mostCompared bounds the neighbours whose addresses are hashed: more of them are no home.
	mostCompared = 512
)

// candidates are how the hashes of other laptops' addresses begin, ordered.
type candidates [][beginning]byte

// candidatesIn takes them from an acknowledgement; what follows the last whole one is
// left out.
func candidatesIn(told []byte) candidates {
	list := make(candidates, 0, min(len(told)/beginning, maxCandidates))
	for ; len(told) >= beginning && len(list) < maxCandidates; told = told[beginning:] {
		list = append(list, [beginning]byte(told))
	}
	slices.SortFunc(list, compareBeginnings)
	return slices.Compact(list)
}

func compareBeginnings(a, b [beginning]byte) int { return slices.Compare(a[:], b[:]) }

func (c candidates) has(hash []byte) bool {
	_, found := slices.BinarySearchFunc(c, [beginning]byte(hash), compareBeginnings)
	return found
}

// own returns the hashes of the laptop's addresses on the networks around it.
func (v *view) own(keys fleetkey.Ring) (list []*farmhoundv1.OwnAddress) {
	var told []mac
	for _, l := range v.local() {
		m := mac(l.MAC)
		if !m.names() || m == hiddenMAC || len(l.Prefixes) == 0 || slices.Contains(told, m) || len(told) == maxOwn {
			continue
		}
		told = append(told, m)
	}
	slices.SortFunc(told, func(a, b mac) int { return slices.Compare(a[:], b[:]) })
	for _, m := range told {
		if hash, _, ok := keys.Hash(fleetkey.NeighbourMAC, m[:]); ok {
			list = append(list, &farmhoundv1.OwnAddress{Hash: hash, Earlier: keys.Earlier(fleetkey.NeighbourMAC, m[:])})
		}
	}
	return list
}

// hiddenMAC is what macOS gives programs that are not to know an address.
var hiddenMAC = mac{2}

// members returns the hashes of those around, the gateway left out, that begin as a
// candidate's does: one of them, under whichever key the candidate was told by. Of all
// others nothing is kept.
func (c *crowd) members(keys fleetkey.Ring, named candidates, gateway mac, own []*links.Link) (list [][]byte) {
	if len(named) == 0 {
		return nil
	}
	compared := 0
	for m := range c.macs {
		if m == gateway || slices.ContainsFunc(own, func(l *links.Link) bool { return mac(l.MAC) == m }) {
			continue
		}
		if compared++; compared > mostCompared {
			return nil // which of them were compared would be chance
		}
		if hash, ok := named.match(keys, m); ok {
			list = append(list, hash)
		}
	}
	slices.SortFunc(list, slices.Compare[[]byte])
	return list[:min(len(list), maxMembers)]
}

// match hashes an address under one key after another until a candidate begins so.
func (c candidates) match(keys fleetkey.Ring, m mac) ([]byte, bool) {
	hash, _, ok := keys.Hash(fleetkey.NeighbourMAC, m[:])
	if !ok || c.has(hash) {
		return hash, ok
	}
	for _, earlier := range keys.Earlier(fleetkey.NeighbourMAC, m[:]) {
		if c.has(earlier.GetHash()) {
			return earlier.GetHash(), true
		}
	}
	return nil, false
}
