package fleet

import (
	"cmp"
	"maps"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// formerDays is on how many days a laptop was at a place that has lived there.
	formerDays = 3
	keptFormer = 64
	wasAt      = "was at " // before the kind of what a laptop had in common with others
)

// Kinds of sites, as rows name them.
const (
	SiteOffice    = "office"
	SiteHousehold = "household"
	SiteOwn       = "own"
	SiteShared    = "shared"
)

// SitePrefix begins the id of every site.
const SitePrefix = "site-"

// SiteView is a site as analysts see it. Rows and members lack what only the store knows:
// verdicts, risks, host names.
type SiteView struct {
	Row             *fleetv1.SiteRow
	Members, Former []*fleetv1.SiteMember
}

// Sites returns every site, by its id, without what joins the members one by one. It looks
// at what laptops have in common and not at every laptop; networks with more laptops than
// a site has are left out.
func (f *Fleet) Sites(now time.Time) []*SiteView {
	var list []*SiteView
	seen := make(map[string]bool)
	known := make(map[string]*SiteView)
	for _, e := range f.index.joined() {
		if seen[e.id] {
			continue
		}
		seen[e.id] = true
		g := f.gather(e, now)
		if len(g.members) == 0 {
			continue
		}
		view := g.view()
		if of := known[view.Row.GetId()]; of != nil {
			of.absorb(view)
		} else {
			known[view.Row.GetId()] = view
			list = append(list, view)
		}
		for id := range g.members {
			seen[id] = true
		}
	}
	slices.SortFunc(list, func(a, b *SiteView) int { return cmp.Compare(a.Row.GetId(), b.Row.GetId()) })
	return list
}

// SiteOf returns the site that a device is in, with what joins its members and who left;
// nil for one that is alone, or among more laptops than a site has.
func (f *Fleet) SiteOf(device string, now time.Time) *SiteView {
	e := f.index.entry(device)
	if e == nil {
		return nil
	}
	g := f.gather(e, now)
	if len(g.members) == 0 {
		return nil
	}
	if first := g.everybody()[0]; first.id != device {
		// Every member is shown the same.
		if whole := f.gather(first, now); whole.members[device].entry != nil {
			g = whole
		}
	}
	view := g.view()
	all := g.everybody()
	things := make(map[string][]thing, len(all))
	for _, e := range all {
		things[e.id] = e.things(g.now, g.home.office)
	}
	for i, m := range view.Members {
		at := slices.IndexFunc(all, func(e *entry) bool { return e.id == m.GetDevice() })
		view.Members[i].Ties = g.ties(all[at], all, things)
	}
	view.Former = g.former(all)
	return view
}

// atATime is how many groups are looked through while reports wait.
const atATime = 1000

// joined returns the devices that can be in a site, by id.
func (ix *index) joined() []*entry {
	ix.mu.RLock()
	shared, seeing := slices.Collect(maps.Keys(ix.shared)), slices.Collect(maps.Keys(ix.seeing))
	ix.mu.RUnlock()
	found := make(map[string]*entry, len(seeing))
	var list []*entry
	for some := range slices.Chunk(shared, atATime) {
		list = list[:0]
		ix.mu.RLock()
		for _, j := range some {
			if group := ix.groups[j]; group.len() <= crowd {
				list = group.appendTo(list)
			}
		}
		ix.mu.RUnlock()
		for _, e := range list {
			found[e.id] = e
		}
	}
	for _, id := range seeing {
		found[id] = ix.entry(id)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *entry) int { return cmp.Compare(a.id, b.id) })
}

// everybody returns the members, the device itself among them, by id.
func (g *gathering) everybody() []*entry {
	all := []*entry{g.self}
	for _, m := range g.members {
		all = append(all, m.entry)
	}
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Compare(a.id, b.id) })
	return all
}

// absorb adds the members that a site has as others of its members see it.
func (v *SiteView) absorb(other *SiteView) {
	for _, m := range other.Members {
		if !slices.ContainsFunc(v.Members, func(known *fleetv1.SiteMember) bool { return known.GetDevice() == m.GetDevice() }) {
			v.Members = append(v.Members, m)
		}
	}
	v.Row.Laptops = uint32(len(v.Members))
	v.Row.People = max(v.Row.GetPeople(), other.Row.GetPeople())
	sortMembers(v.Members)
}

func sortMembers(list []*fleetv1.SiteMember) {
	slices.SortFunc(list, func(a, b *fleetv1.SiteMember) int {
		return cmp.Or(a.GetCameAt().AsTime().Compare(b.GetCameAt().AsTime()), cmp.Compare(a.GetDevice(), b.GetDevice()))
	})
}

// view describes the site as a whole.
func (g *gathering) view() *SiteView {
	of := g.describe()
	row := &fleetv1.SiteRow{
		Id: of.GetId(), People: of.GetPeople(), Laptops: uint32(len(g.members) + 1), JoinedBy: of.GetJoinedBy(),
		SharedPeripheral: of.GetSharedPeripheral(), Kind: SiteShared,
	}
	switch {
	case of.GetOffice():
		row.Kind, row.Name = SiteOffice, g.f.officeName(g.self, g.home)
	case of.GetHousehold():
		row.Kind, row.Name = SiteHousehold, g.self.household
	case of.GetPeople() == 1:
		row.Kind = SiteOwn
	}
	view := &SiteView{Row: row}
	all := make([]member, 0, len(g.members)+1)
	all = append(all, member{entry: g.self, stay: g.home})
	for _, m := range g.members {
		all = append(all, m)
	}
	for i, m := range all {
		view.Members = append(view.Members, m.describe(g.now))
		// Those joined to the device's own are others to everybody.
		others := slices.Delete(slices.Clone(all), i, i+1)
		row.TurnsDays = max(row.GetTurnsDays(), m.turns(others))
		if row.GetSharedPeripheral() == "" {
			row.SharedPeripheral = m.sharedWith(others)
		}
	}
	sortMembers(view.Members)
	row.Since = view.Members[0].GetCameAt()
	return view
}

// officeName is what the office is called at which a device is; empty where it has no name.
func (f *Fleet) officeName(e *entry, at stay) string {
	for _, o := range f.cfg.Company.Named {
		gateways := f.stored(hashGateway, o.Gateways)
		for _, j := range append(e.renames.named(at.network), at.joints...) {
			prefix, err := netip.ParsePrefix(j.prefix)
			if j.kind == hashGateway && gateways[j.hash] || err == nil && within(o.Networks, prefix.Addr()) {
				return o.Name
			}
		}
	}
	return ""
}

// describe says since when and how long a member is there: at the network that joined it,
// else at the one where it lives, else as long as its peripherals are attached.
func (m member) describe(now int64) *fleetv1.SiteMember {
	there := m.stay
	if there.first == 0 {
		there, _ = mainStay(m.entry, now)
	}
	first, last, days := there.first, there.last, there.days
	for _, s := range m.serials {
		if there.first == 0 {
			first, last = span(first, last, s.first, s.last)
		}
	}
	return &fleetv1.SiteMember{
		Device: m.id, Serial: m.laptop, Person: m.person, CameAt: stamp(first), LastSeenAt: stamp(last), Days: uint32(bits.OnesCount64(days)),
	}
}

// sharedWith names a peripheral that another person's laptop has as well.
func (m member) sharedWith(others []member) string {
	for _, s := range m.serials {
		for _, o := range others {
			if o.people() != m.people() && slices.ContainsFunc(s.joints, func(j joint) bool { return o.has(j) }) {
				return s.name
			}
		}
	}
	return ""
}

// has says whether a peripheral of the device is known under a joint.
func (e *entry) has(j joint) bool {
	return slices.ContainsFunc(e.serials, func(s serial) bool { return slices.Contains(s.joints, j) })
}

// thing is one thing that a device has in common with others, with when.
type thing struct {
	kind, what  string
	joints      []joint // under any name
	first, last int64
	word        string
}

// On whose word what joins two laptops rests.
const (
	wordNetwork    = "both laptops told of it, and the collector saw both behind that egress network"
	wordNeighbours = "each laptop told that it sees the other; neither's word alone counts"
)

// things lists what a device can have in common with others at a site: desks at an office
// make no other place one.
func (e *entry) things(now int64, office bool) (list []thing) {
	add := func(kind, name string, joints []joint, first, last int64) {
		for _, j := range joints {
			if e.renames.firstOf(j.hash) == j.hash { // once for all names of it
				list = append(list, thing{kind: kind, what: name + " behind " + j.prefix, joints: e.renames.named(j), first: first, last: last, word: wordNetwork})
			}
		}
	}
	for _, s := range e.stays {
		if now-s.last > togetherSeconds || s.office != office {
			continue
		}
		for _, kind := range []string{hashGateway, hashAccessPoint} {
			joints := slices.DeleteFunc(slices.Clone(s.joints), func(j joint) bool { return j.kind != kind })
			add(strings.ReplaceAll(kind, "-", "_"), "one "+strings.ReplaceAll(kind, "-", " "), joints, s.first, s.last)
		}
	}
	for _, s := range e.serials {
		add(hashPeripheral, quote(s.name), s.joints, s.first, s.last)
	}
	return list
}

// ties says why a device is in its site: what it has in common with each of the others.
func (g *gathering) ties(e *entry, all []*entry, things map[string][]thing) (list []*fleetv1.SiteTie) {
	others := slices.DeleteFunc(slices.Clone(all), func(o *entry) bool { return o.id == e.id })
	for _, own := range things[e.id] {
		tie := &fleetv1.SiteTie{Kind: own.kind, What: own.what, Word: own.word}
		var first, last int64
		for _, o := range others {
			for _, theirs := range things[o.id] {
				if theirs.kind == own.kind && slices.ContainsFunc(theirs.joints, func(j joint) bool { return slices.Contains(own.joints, j) }) {
					tie.With = append(tie.With, o.id)
					first, last = span(first, last, max(own.first, theirs.first), min(own.last, theirs.last))
				}
			}
		}
		tie.FirstSeenAt, tie.LastSeenAt = stamp(first), stamp(max(last, first))
		if len(tie.GetWith()) > 0 {
			list = append(list, tie)
		}
	}
	sight := &fleetv1.SiteTie{Kind: "neighbours", What: "each sees the other on its network", Word: wordNeighbours}
	var first, last int64
	for _, o := range others {
		if s, ok := g.f.index.mutual(e, o, g.now); ok {
			sight.With = append(sight.With, o.id)
			first, last = span(first, last, s.first, s.last)
		}
	}
	if sight.FirstSeenAt, sight.LastSeenAt = stamp(first), stamp(max(last, first)); len(sight.GetWith()) > 0 {
		list = append(list, sight)
	}
	return list
}

// span widens a span of time, empty where it begins at zero, by another.
func span(first, last, from, to int64) (int64, int64) {
	if first == 0 {
		return from, to
	}
	return min(first, from), max(last, to)
}

// keepPast makes the device be found by who is where it was.
func (e *entry) keepPast(pic *fleetv1.Picture) {
	for i := range e.past {
		s := &e.past[i]
		s.joints = nil
		for _, n := range pic.GetNetworks() {
			gateway, hasGateway := toKey(n.GetGateway())
			point, hasPoint := toKey(n.GetAccessPoint())
			here := hasGateway && s.network == joint{kind: hashGateway, hash: gateway} || !hasGateway && s.network == joint{kind: hashAccessPoint, hash: point}
			if !here || n.GetEgressPrefix() == "" || n.GetCompany() {
				continue
			}
			if hasGateway {
				s.joints = e.renames.joints(s.joints, wasAt+hashGateway, gateway, n.GetEgressPrefix())
			}
			if hasPoint {
				s.joints = e.renames.joints(s.joints, wasAt+hashAccessPoint, point, n.GetEgressPrefix())
			}
		}
		e.join(s.joints...)
	}
}

// former returns who was at the site and is not there any more: those who moved away, and
// those from whom nothing came for a week.
func (g *gathering) former(all []*entry) []*fleetv1.SiteMember {
	gone := make(map[string]*fleetv1.SiteMember)
	note := func(e *entry, s stay) {
		if g.self.id == e.id || g.members[e.id].entry != nil || bits.OnesCount64(s.days) < formerDays {
			return
		}
		m := member{entry: e, stay: s}.describe(g.now)
		if known := gone[e.id]; known == nil || known.GetLastSeenAt().AsTime().Before(m.GetLastSeenAt().AsTime()) {
			gone[e.id] = m
		}
	}
	for _, j := range g.places(all) {
		past, _ := g.f.index.group(joint{wasAt + j.kind, j.hash, j.prefix})
		for _, e := range past {
			for _, s := range e.past {
				if slices.Contains(s.joints, joint{wasAt + j.kind, j.hash, j.prefix}) {
					note(e, s)
				}
			}
		}
		silent, _ := g.f.index.group(j)
		for _, e := range silent {
			for _, s := range e.stays {
				if g.now-s.last > togetherSeconds && slices.Contains(s.joints, j) {
					note(e, s)
				}
			}
		}
	}
	list := slices.SortedFunc(maps.Values(gone), func(a, b *fleetv1.SiteMember) int {
		return cmp.Or(b.GetLastSeenAt().AsTime().Compare(a.GetLastSeenAt().AsTime()), cmp.Compare(a.GetDevice(), b.GetDevice()))
	})
	return list[:min(len(list), keptFormer)]
}

// places are the networks that join members, under every name that a member has for them.
func (g *gathering) places(all []*entry) (list []joint) {
	for _, e := range all {
		for _, s := range e.stays {
			if g.now-s.last > togetherSeconds || s.office || !e.lives(s, g.now) {
				continue
			}
			for _, j := range s.joints {
				if !slices.Contains(list, j) {
					list = append(list, j)
				}
			}
		}
	}
	return list
}
