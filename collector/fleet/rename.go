package fleet

import (
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// keptNames is how many fleet keys one thing can have names under, as many as a
	// policy can hold.
	keptNames = 4
	// keptRenames bounds the other names in one picture.
	keptRenames = 96
)

// name is the stored form of what a laptop hashed under one fleet key. Kinds are part
// of the hash, so that equal names are of one thing.
type name struct {
	key  uint32
	hash key
}

// names returns the stored forms of one value under every fleet key that the laptop
// hashed it with, newest first: of keys out of order none is believed. Nil where there
// is no hash.
func names(keyID uint32, newest []byte, earlier []*farmhoundv1.EarlierHash, store func(hash []byte) key) []name {
	if len(newest) == 0 {
		return nil
	}
	all := append(make([]name, 0, 1+len(earlier)), name{keyID, store(newest)})
	for _, e := range earlier {
		if e.GetKeyId() < all[len(all)-1].key && len(e.GetHash()) > 0 && len(all) < keptNames {
			all = append(all, name{e.GetKeyId(), store(e.GetHash())})
		}
	}
	return all
}

// known returns the name that the picture knows a thing by, nil for no names: the one
// it had when it was first reported. A new fleet key so changes nothing in a picture,
// and what else the thing is called is kept beside it for others to be found by. A
// laptop's word holds for its own picture only.
func (u *update) known(all []name) []byte {
	if len(all) == 0 {
		return nil
	}
	u.pic.FleetKey = max(u.pic.GetFleetKey(), all[0].key)
	oldest := all[len(all)-1]
	thing := &fleetv1.Rename{First: oldest.hash[:], FirstKeyId: oldest.key}
	for _, n := range all {
		if known := renameOf(u.pic.GetRenames(), n.hash); known != nil {
			thing = known
			break
		}
	}
	for _, n := range slices.Backward(all) {
		if !u.rename(thing, n) && n == all[0] {
			// It is another thing than it claims to have been before.
			return n.hash[:]
		}
	}
	return thing.GetFirst()
}

// rename notes that a thing has a name, and says whether it can: it has one under each
// fleet key.
func (u *update) rename(thing *fleetv1.Rename, n name) bool {
	if string(thing.GetFirst()) == string(n.hash[:]) {
		return true
	}
	if n.key == thing.GetFirstKeyId() {
		return false
	}
	for _, r := range u.pic.GetRenames() {
		if string(r.GetName()) == string(n.hash[:]) {
			return string(r.GetFirst()) == string(thing.GetFirst())
		}
		if string(r.GetFirst()) == string(thing.GetFirst()) && r.GetKeyId() == n.key {
			return false
		}
	}
	u.pic.Renames = append(u.pic.GetRenames(), &fleetv1.Rename{
		Name: n.hash[:], KeyId: n.key, First: thing.GetFirst(), FirstKeyId: thing.GetFirstKeyId(),
	})
	u.renamed = true
	return true
}

// renameOf returns a rename from or to a hash, nil without one.
func renameOf(renames []*fleetv1.Rename, hash key) *fleetv1.Rename {
	for _, r := range renames {
		if string(r.GetName()) == string(hash[:]) || string(r.GetFirst()) == string(hash[:]) {
			return r
		}
	}
	return nil
}

// pruneRenames drops names of what the picture forgot, and the oldest beyond the bound.
func (u *update) pruneRenames() {
	if !u.renamed {
		return
	}
	named := map[string]bool{string(u.pic.GetNetwork().GetLan()): true}
	for _, n := range append(slices.Clone(u.pic.GetNetworks()), &fleetv1.NetworkSighting{
		Gateway: u.pic.GetNetwork().GetGateway(), AccessPoint: u.pic.GetNetwork().GetAccessPoint(),
	}) {
		named[string(n.GetGateway())], named[string(n.GetAccessPoint())] = true, true
	}
	for _, p := range u.pic.GetPeripherals() {
		named[string(p.GetKey())], named[string(p.GetSerial())] = true, true
	}
	for _, s := range u.pic.GetSessions() {
		named[string(s.GetAccount())] = true
	}
	for _, t := range u.pic.GetTools() {
		named[string(t.GetInstallation())] = true
	}
	for _, c := range u.pic.GetContacts() {
		named[string(c.GetAccount())] = true
	}
	kept := slices.DeleteFunc(u.pic.GetRenames(), func(r *fleetv1.Rename) bool { return !named[string(r.GetFirst())] })
	u.pic.Renames = kept[max(0, len(kept)-keptRenames):]
}

// renames tells by which names a device's things are found, and which was first.
type renames struct {
	later map[key][]key  // first to the others
	first map[key]key    // any other to the first
	keys  map[key]uint32 // any name to its fleet key; not that of a thing's only name
}

func renamesOf(pic *fleetv1.Picture) (r renames) {
	if len(pic.GetRenames()) == 0 {
		return r
	}
	r = renames{later: make(map[key][]key), first: make(map[key]key), keys: make(map[key]uint32)}
	for _, known := range pic.GetRenames() {
		name, okName := toKey(known.GetName())
		first, okFirst := toKey(known.GetFirst())
		if okName && okFirst {
			r.later[first] = append(r.later[first], name)
			r.first[name] = first
			r.keys[name], r.keys[first] = known.GetKeyId(), known.GetFirstKeyId()
		}
	}
	return r
}

// all returns every name of a thing, the first one first.
func (r renames) all(first key) []key { return append([]key{first}, r.later[first]...) }

// joints adds to a list how a thing can be met under each of its names.
func (r renames) joints(to []joint, kind string, first key, prefix string) []joint {
	to = append(to, joint{kind, first, prefix})
	for _, k := range r.later[first] {
		to = append(to, joint{kind, k, prefix})
	}
	return to
}

// firstOf returns the first name of what has a name.
func (r renames) firstOf(name key) key {
	if first, ok := r.first[name]; ok {
		return first
	}
	return name
}

// named returns a joint under each name of its thing.
func (r renames) named(j joint) []joint { return r.joints(nil, j.kind, r.firstOf(j.hash), j.prefix) }

// others returns named for a thing that has more names than one, and nil otherwise.
func (r renames) others(j joint) []joint {
	if _, several := r.keys[j.hash]; !several {
		return nil
	}
	return r.named(j)
}

// under returns the name that a thing has under one fleet key.
func (r renames) under(name key, id uint32) (key, bool) {
	for _, k := range r.all(r.firstOf(name)) {
		if r.keys[k] == id {
			return k, true
		}
	}
	return key{}, false
}

// newest returns the newest fleet key that a thing is known to have a name under, and
// zero for its only name.
func (r renames) newest(name key) (id uint32) {
	for _, k := range r.all(r.firstOf(name)) {
		id = max(id, r.keys[k])
	}
	return id
}

// agree says whether two devices that share a name can mean one thing by it. Keys are
// retired oldest first, so that who has the newer of them has a name under the newest
// of the other's: unless it is the same one, the shared name was only claimed.
func agree(a, b renames, shared key) bool {
	id := min(a.newest(shared), b.newest(shared))
	if id == 0 {
		return true
	}
	x, _ := a.under(shared, id)
	y, ok := b.under(shared, id)
	return ok && x == y
}

// oldest returns what the devices together know a joint by: who came after a change of
// key knows only the newer name of what the others have met under the first.
func oldest(j joint, devices []*entry) joint {
	for range keptNames {
		changed := false
		for _, e := range devices {
			if first, ok := e.renames.first[j.hash]; ok {
				j.hash, changed = first, true
			}
		}
		if !changed {
			break
		}
	}
	return j
}
