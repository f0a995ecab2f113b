package fleet

import (
	"crypto/sha256"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// beginning is how much of a laptop's own hash of an address others are told, in bytes:
	// enough to tell neighbours apart, too little to name the address or to claim to see it.
	beginning      = 3
	keptAddresses  = 32
	keptNeighbours = 64
	// nearSeconds is how often what a laptop claims is taken up anew to tell it others: else
	// it could try one gateway after another and learn behind which of them somebody is.
	nearSeconds = 6 * 3600
	// mostCandidates is what an acknowledgement can hold.
	mostCandidates = 256
)

// addresses notes by which hardware addresses other laptops know this one, under every
// fleet key that it hashed them with.
func (u *update) addresses(part *farmhoundv1.Network) {
	if len(part.GetOwnAddresses()) == 0 {
		return
	}
	for _, own := range part.GetOwnAddresses() {
		u.address(part.GetKeyId(), own.GetHash())
		newer := part.GetKeyId()
		for _, e := range own.GetEarlier() {
			if e.GetKeyId() >= newer {
				break // as of other hashes: of keys out of order none is believed
			}
			newer = e.GetKeyId()
			u.address(newer, e.GetHash())
		}
	}
	list := slices.DeleteFunc(u.pic.GetAddresses(), func(a *fleetv1.AddressState) bool { return a.GetLastUnix() < u.received-knownSeconds })
	slices.SortFunc(list, func(a, b *fleetv1.AddressState) int {
		if c := compare(a.GetLastUnix(), b.GetLastUnix()); c != 0 {
			return c
		}
		return slices.Compare(a.GetName(), b.GetName())
	})
	u.pic.Addresses = list[max(0, len(list)-keptAddresses):]
}

func (u *update) address(keyID uint32, hash []byte) {
	if len(hash) < beginning {
		return
	}
	name := u.f.hash(hashAddress, hash)
	list := u.pic.GetAddresses()
	i := slices.IndexFunc(list, func(a *fleetv1.AddressState) bool { return string(a.GetName()) == string(name[:]) })
	day := uint32(u.received / daySeconds)
	if i < 0 {
		a := &fleetv1.AddressState{Name: name[:], Beginning: slices.Clone(hash[:beginning]), KeyId: keyID, FirstDay: day}
		u.made(a)
		list, i = append(list, a), len(list)
		u.pic.Addresses = list
	}
	a := edit(&u.draft, list, i)
	a.FirstDay, a.LastUnix = min(a.GetFirstDay(), day), max(a.GetLastUnix(), u.at)
}

// membersOf returns the stored forms of the neighbours that are other laptops.
func (u *update) membersOf(part *farmhoundv1.Network) (list [][]byte) {
	for _, hash := range part.GetNeighbours().GetFleetMembers() {
		name := u.f.hash(hashAddress, hash)
		list = append(list, name[:])
	}
	return list
}

// neighbours notes which laptops are seen beside this one. At an office that says nothing, and
// what is seen there must not join two homes.
func (u *update) neighbours(n *fleetv1.NetworkState, office bool) {
	if office || len(n.GetMembers()) == 0 {
		return
	}
	at, list := u.at, u.pic.GetNeighbours()
	for _, name := range n.GetMembers() {
		i := slices.IndexFunc(list, func(s *fleetv1.NeighbourSighting) bool { return string(s.GetName()) == string(name) })
		if i < 0 {
			s := &fleetv1.NeighbourSighting{Name: name, FirstUnix: at, LastUnix: at}
			u.made(s)
			list, i = append(list, s), len(list)
		}
		known := list[i]
		days := seenOn(known.GetDays(), known.GetLastUnix()/daySeconds, at/daySeconds)
		if days == known.GetDays() && at <= known.GetLastUnix() && at >= known.GetFirstUnix() {
			continue
		}
		s := edit(&u.draft, list, i)
		s.Days, s.FirstUnix, s.LastUnix = days, min(s.GetFirstUnix(), at), max(s.GetLastUnix(), at)
	}
	list = slices.DeleteFunc(list, func(s *fleetv1.NeighbourSighting) bool { return s.GetLastUnix() < u.received-knownSeconds })
	slices.SortFunc(list, func(a, b *fleetv1.NeighbourSighting) int {
		if c := compare(a.GetLastUnix(), b.GetLastUnix()); c != 0 {
			return c
		}
		return slices.Compare(a.GetName(), b.GetName())
	})
	u.pic.Neighbours = list[max(0, len(list)-keptNeighbours):]
}

// address is a hardware address of a laptop's own, under one fleet key.
type address struct {
	name      key
	beginning [beginning]byte
	firstDay  uint32
	last      int64
}

// sighting is an address of another laptop that one saw beside it.
type sighting struct {
	name        key
	first, last int64
	days        uint64 // bit 0 is the day of last
}

func (s sighting) since(now int64) uint64 {
	return s.days << min(max(now/daySeconds-s.last/daySeconds, 0), 64)
}

// neighbourhood takes from a picture by what others know the laptop beside them, and whom
// it saw.
func (e *entry) neighbourhood(pic *fleetv1.Picture) {
	for _, s := range pic.GetNeighbours() {
		if name, ok := toKey(s.GetName()); ok {
			e.sightings = append(e.sightings, sighting{name, s.GetFirstUnix(), s.GetLastUnix(), s.GetDays()})
		}
	}
	for _, a := range pic.GetAddresses() {
		name, ok := toKey(a.GetName())
		if !ok || len(a.GetBeginning()) != beginning {
			continue
		}
		e.addresses = append(e.addresses, address{name, [beginning]byte(a.GetBeginning()), a.GetFirstDay(), a.GetLastUnix()})
		e.join(joint{kind: hashAddress, hash: name})
	}
	if len(e.addresses) > 0 {
		e.exits = openExits(pic)
	}
}

// claimNear takes from a picture what the laptop claims to have in common with others. A
// claim joins nobody: it makes two laptops look for each other.
func (e *entry) claimNear(pic *fleetv1.Picture) {
	if len(e.addresses) == 0 {
		return // nobody could see it
	}
	var names [keptNames]joint
	for _, n := range pic.GetNetworks() {
		if n.GetOffice() || n.GetLastUnix() < e.last-togetherSeconds {
			continue
		}
		if k, ok := toKey(n.GetGateway()); ok {
			e.claim(e.renames.joints(names[:0], hashGateway, k, "")...)
		}
		if k, ok := toKey(n.GetAccessPoint()); ok {
			e.claim(e.renames.joints(names[:0], hashAccessPoint, k, "")...)
		}
		if n.GetEgressPrefix() != "" && !n.GetCompany() {
			e.claim(joint{kind: hashEgress, prefix: n.GetEgressPrefix()})
		}
	}
	for _, p := range pic.GetPeripherals() {
		if k, ok := toKey(p.GetSerial()); ok && (p.GetPresent() || p.GetLastUnix() >= e.last-togetherSeconds) {
			e.claim(e.renames.joints(names[:0], hashPeripheral, k, "")...)
		}
	}
	for _, j := range e.joints {
		if j.kind == hashAccount {
			e.claim(j)
		}
	}
}

// claim adds what another laptop may be near for.
func (e *entry) claim(joints ...joint) {
	for _, j := range joints {
		if !slices.Contains(e.claims, j) {
			e.claims = append(e.claims, j)
		}
	}
	e.join(joints...)
}

// NeighbourCandidates returns how the hashes of other laptops' hardware addresses begin
// that may stand beside a device, as acknowledgements carry them: of those that were seen
// behind the same egress network, or that claim the same gateway, access point,
// peripheral or remote account. None for what a crowd has in common.
func (f *Fleet) NeighbourCandidates(device string) []byte {
	e := f.index.entry(device)
	if e == nil || len(e.addresses) == 0 {
		return nil
	}
	found := make(map[string]*entry)
	for _, j := range f.index.near(e) {
		group, _ := f.index.group(j)
		for _, other := range group {
			if other.id != e.id && len(other.addresses) > 0 && e.last-other.last <= togetherSeconds {
				found[other.id] = other
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	others := make([]*entry, 0, len(found))
	for _, other := range found {
		others = append(others, other)
	}
	slices.SortFunc(others, func(a, b *entry) int {
		if c := compare(b.last, a.last); c != 0 {
			return c
		}
		return compare(a.id, b.id)
	})
	told := make(map[[beginning]byte]bool)
	for _, a := range e.addresses {
		told[a.beginning] = true // its own interfaces see each other
	}
	var list []byte
	for _, other := range others {
		latest := other.addresses[len(other.addresses)-1].last
		for _, a := range slices.Backward(other.addresses) {
			if latest-a.last <= togetherSeconds && !told[a.beginning] && len(list) < mostCandidates*beginning {
				told[a.beginning] = true
				list = append(list, a.beginning[:]...)
			}
		}
	}
	return list
}

// near returns by what others may be near a device: where the collector sees it, and what
// it claimed when that was last taken up.
func (ix *index) near(e *entry) (list []joint) {
	for _, j := range e.claims {
		if j.kind == hashEgress {
			list = append(list, j)
		}
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	s := ix.slots[e.id]
	if s.nearAt == 0 || e.last-s.nearAt >= nearSeconds {
		s.nearAt, s.near = e.last, slices.DeleteFunc(slices.Clone(e.claims), func(j joint) bool { return j.kind == hashEgress })
	}
	return append(list, s.near...)
}

// owners returns whose an address is, by name: the laptops of whoever reported it first,
// by the collector's clock, so that who claims another's later is not taken for it and
// takes nothing from it. Nobody's where that was several people on one day.
func (ix *index) owners(name key) []*entry {
	claimants, _ := ix.group(joint{kind: hashAddress, hash: name})
	if len(claimants) < 2 {
		return claimants
	}
	var latest int64
	for _, e := range claimants {
		latest = max(latest, e.address(name).last)
	}
	// What changed hands is its new owner's once the one before has done without for a week.
	claimants = slices.DeleteFunc(claimants, func(e *entry) bool { return latest-e.address(name).last > togetherSeconds })
	first := slices.MinFunc(claimants, func(a, b *entry) int { return compare(a.address(name).firstDay, b.address(name).firstDay) })
	for _, e := range claimants {
		if e.address(name).firstDay == first.address(name).firstDay && e.people() != first.people() {
			return nil
		}
	}
	return slices.DeleteFunc(claimants, func(e *entry) bool { return e.people() != first.people() })
}

// address returns what is known of an address that the device has.
func (e *entry) address(name key) address {
	for _, a := range e.addresses {
		if a.name == name {
			return a
		}
	}
	return address{}
}

// saw returns on which days, bit 0 for today, one laptop saw another, and when first
// and last: under names of retired keys too, so that a new key does not part the two.
func (ix *index) saw(e, other *entry, now int64) (days uint64, first, last int64) {
	for _, s := range e.sightings {
		if other.address(s.name).last == 0 || !slices.ContainsFunc(ix.owners(s.name), func(owner *entry) bool { return owner.id == other.id }) {
			continue
		}
		if days |= s.since(now); first == 0 || s.first < first {
			first = s.first
		}
		last = max(last, s.last)
	}
	return days, first, last
}

// mutual returns the stay of two laptops beside each other: the days on which each says
// that it saw the other. What one of them says is never enough.
func (ix *index) mutual(a, b *entry, now int64) (s stay, ok bool) {
	there, firstThere, lastThere := ix.saw(a, b, now)
	if there == 0 {
		return s, false
	}
	back, firstBack, lastBack := ix.saw(b, a, now)
	if there &= back; there == 0 {
		return s, false
	}
	s = stay{first: max(firstThere, firstBack), last: min(lastThere, lastBack), days: there}
	// Days are counted from the day of last.
	s.days >>= min(max(now/daySeconds-s.last/daySeconds, 0), 64)
	return s, s.days != 0 && s.recentDays(now) > 0
}

// sighted names what two laptops that saw each other have in common: the gateway or access
// point that both say they are behind, or themselves.
func sighted(a, b *entry) joint {
	for _, s := range a.stays {
		for _, j := range a.renames.named(s.network) {
			if slices.ContainsFunc(b.stays, func(s stay) bool { return b.renames.firstOf(j.hash) == s.network.hash && j.kind == s.network.kind }) {
				return j
			}
		}
	}
	sum := sha256.Sum256([]byte(min(a.id, b.id)))
	return joint{kind: hashSite, hash: key(sum[:8])}
}

// contradicted says whether the collector saw two laptops in different places: each
// leaving openly, behind no network in common and in no region in common.
func contradicted(a, b *entry) bool {
	if len(a.exits) == 0 || len(b.exits) == 0 {
		return false
	}
	return !slices.ContainsFunc(a.exits, func(x exit) bool {
		return slices.ContainsFunc(b.exits, func(y exit) bool { return x.asn == y.asn || x.place == y.place })
	})
}

// exit is where traffic left openly: with no tunnel and by no network that hides laptops.
type exit struct {
	asn   uint32
	place string // country and region
}

// openExits are those of the time for which an egress stands for a network.
func openExits(pic *fleetv1.Picture) (list []exit) {
	for _, e := range pic.GetEgresses() {
		if !e.GetUntunnelled() || hides(e) || e.GetCountry() == "" || max(e.GetLastUnix(), e.GetPhysicalUnix()) < pic.GetLastReceivedUnix()-knownSeconds {
			continue
		}
		if x := (exit{e.GetAsn(), e.GetCountry() + "-" + e.GetRegion()}); !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}
