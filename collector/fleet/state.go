package fleet

import (
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	keptZones  = 12
	keptSenses = 16
	keptParts  = 16
)

// zone follows the laptop's time zone.
func (u *update) zone() {
	if !u.takes(&u.pic.Orders.Place, u.rep.GetPlace() != nil) {
		if u.rep.GetPlace() != nil {
			u.zoneSetting(u.rep.GetPlace().GetTimeZone())
		}
		return
	}
	before := u.pic.GetTimeZone()
	u.pic.TimeZone = u.rep.GetPlace().GetTimeZone()
	u.zoneSetting(u.pic.GetTimeZone())
	if before != "" && u.pic.GetTimeZone() != "" && before != u.pic.GetTimeZone() {
		u.event(u.at, "zone_changed", sentence("The time zone was changed from %s to %s.", quote(before), quote(u.pic.GetTimeZone())))
	}
}

// zoneSetting enters a zone at its place. One that a later report sets again
// after another is entered where it is known to have been set.
func (u *update) zoneSetting(zone string) {
	if zone == "" {
		return
	}
	zones := u.pic.GetZones()
	i := len(zones)
	for i > 0 && zones[i-1].GetOrder() > u.order {
		i--
	}
	if i > 0 && zones[i-1].GetZone() == zone {
		return
	}
	set := &fleetv1.ZoneSetting{AtUnix: u.at, Zone: zone, Order: u.order}
	if i < len(zones) && zones[i].GetZone() == zone {
		zones[i] = set // it was set earlier than thought
	} else {
		zones = slices.Insert(zones, i, set)
	}
	if last := zones[len(zones)-1]; u.pic.GetTimeZone() != "" && last.GetZone() != u.pic.GetTimeZone() {
		// Set back since, by a report that said nothing new when it was applied.
		order := u.pic.GetOrders().GetPlace()
		zones = append(zones, &fleetv1.ZoneSetting{AtUnix: receivedOf(order), Zone: u.pic.GetTimeZone(), Order: order})
	}
	u.pic.Zones = zones[max(0, len(zones)-keptZones):]
}

// media follows the use of camera and microphone.
func (u *update) media() {
	part := u.rep.GetPresence()
	if u.takes(&u.pic.Orders.Presence, part != nil) && !part.GetMediaKnown() {
		u.pic.Media = nil
		return
	}
	if !part.GetMediaKnown() {
		return
	}
	m := &fleetv1.MediaState{KnownUnix: u.at}
	if before := u.pic.GetMedia(); before != nil {
		m.KnownUnix, m.LastUsedUnix = min(before.GetKnownUnix(), u.at), before.GetLastUsedUnix()
	}
	if t := part.GetCameraLastUsed(); t != nil {
		m.LastUsedUnix = max(m.GetLastUsedUnix(), min(t.AsTime().Unix(), u.at))
	}
	if t := part.GetMicrophoneLastUsed(); t != nil {
		m.LastUsedUnix = max(m.GetLastUsedUnix(), min(t.AsTime().Unix(), u.at))
	}
	u.pic.Media = m
}

// health follows the agent's senses.
func (u *update) health() {
	part := u.rep.GetHealth()
	if part == nil || !u.takes(&u.pic.Orders.Health, true) {
		return
	}
	u.pic.AgentVersion = part.GetAgentVersion()
	u.pic.SpoolDropped = part.GetSpoolDropped()
	before := u.pic.GetSenses()
	u.pic.Senses = make([]*fleetv1.SenseCondition, 0, min(len(part.GetSenses()), keptSenses))
	for _, s := range part.GetSenses()[:min(len(part.GetSenses()), keptSenses)] {
		i := slices.IndexFunc(before, func(b *fleetv1.SenseCondition) bool { return b.GetName() == s.GetName() })
		if i >= 0 && before[i].GetState() == s.GetState() {
			u.pic.Senses = append(u.pic.Senses, before[i])
			continue
		}
		u.pic.Senses = append(u.pic.Senses, &fleetv1.SenseCondition{Name: s.GetName(), State: s.GetState()})
		works, worked := observes(s.GetState()), i < 0 || observes(before[i].GetState())
		switch {
		case !works && worked:
			u.event(u.at, "sense_changed", sentence("The sense %s %s.", quote(s.GetName()), failure(s.GetState())))
		case works && !worked:
			u.event(u.at, "sense_changed", sentence("The sense %s is back.", quote(s.GetName())))
		}
	}
}

// works says whether a sense observes now: without a word of it, a part that a
// report leaves out is unchanged; with its failure, nobody knows.
func (u *update) works(sense string) bool {
	return !slices.ContainsFunc(u.pic.GetSenses(), func(s *fleetv1.SenseCondition) bool {
		return s.GetName() == sense && !observes(s.GetState())
	})
}

func observes(s farmhoundv1.SenseState) bool {
	return s == farmhoundv1.SenseState_SENSE_STATE_OK || s == farmhoundv1.SenseState_SENSE_STATE_PARTIAL
}

func failure(s farmhoundv1.SenseState) string {
	switch s {
	case farmhoundv1.SenseState_SENSE_STATE_TIMED_OUT:
		return "did not answer in time"
	case farmhoundv1.SenseState_SENSE_STATE_PANICKED:
		return "panicked and was recovered"
	}
	return "failed"
}

// carried enters a report that carried a part among the latest that did.
func (u *update) carried(parts []*fleetv1.PartTime) []*fleetv1.PartTime {
	i := len(parts)
	for i > 0 && parts[i-1].GetOrder() > u.order {
		i--
	}
	parts = slices.Insert(parts, i, &fleetv1.PartTime{Order: u.order, AtUnix: u.at})
	return parts[max(0, len(parts)-keptParts):]
}

// goneAt returns when a thing that was last listed at an order was found to be
// gone: parts are sent when they change, so that it was there until then. Not
// known when that is longer ago than parts are kept.
func goneAt(parts []*fleetv1.PartTime, listed uint64) (int64, bool) {
	for i, p := range parts {
		if p.GetOrder() > listed {
			return p.GetAtUnix(), i > 0
		}
	}
	return 0, false
}
