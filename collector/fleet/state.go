package fleet

import (
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	keptZoneChanges = 12
	keptSenses      = 16
)

// zone follows the laptop's time zone.
func (u *update) zone() {
	zone := u.rep.GetPlace().GetTimeZone()
	before := u.pic.GetTimeZone()
	if zone == "" || zone == before {
		return
	}
	u.pic.TimeZone = zone
	if before == "" {
		return
	}
	changes := append(u.pic.GetZoneChanges(), &fleetv1.ZoneChange{AtUnix: u.at, From: before, To: zone})
	u.pic.ZoneChanges = changes[max(0, len(changes)-keptZoneChanges):]
	u.event(u.at, "zone_changed", sentence("The time zone was changed from %s to %s.", quote(before), quote(zone)))
}

// media follows the use of camera and microphone.
func (u *update) media() {
	part := u.rep.GetPresence()
	if part == nil {
		return
	}
	if !part.GetMediaKnown() {
		u.pic.Media = nil
		return
	}
	m := u.pic.GetMedia()
	if m == nil {
		m = &fleetv1.MediaState{KnownUnix: u.at}
		u.pic.Media = m
	}
	if t := part.GetCameraLastUsed(); t != nil {
		m.LastUsedUnix = max(m.GetLastUsedUnix(), min(t.AsTime().Unix(), u.at))
	}
	if t := part.GetMicrophoneLastUsed(); t != nil {
		m.LastUsedUnix = max(m.GetLastUsedUnix(), min(t.AsTime().Unix(), u.at))
	}
}

// health follows the agent's senses.
func (u *update) health() {
	part := u.rep.GetHealth()
	if part == nil {
		return
	}
	u.pic.AgentVersion = part.GetAgentVersion()
	u.pic.SpoolDropped = part.GetSpoolDropped()
	before := u.pic.GetSenses()
	u.pic.Senses = nil
	for _, s := range part.GetSenses()[:min(len(part.GetSenses()), keptSenses)] {
		u.pic.Senses = append(u.pic.Senses, &fleetv1.SenseCondition{Name: s.GetName(), State: s.GetState()})
		i := slices.IndexFunc(before, func(b *fleetv1.SenseCondition) bool { return b.GetName() == s.GetName() })
		works, worked := observes(s.GetState()), i < 0 || observes(before[i].GetState())
		switch {
		case !works && worked:
			u.event(u.at, "sense_changed", sentence("The sense %s %s.", quote(s.GetName()), failure(s.GetState())))
		case works && !worked:
			u.event(u.at, "sense_changed", sentence("The sense %s is back.", quote(s.GetName())))
		}
	}
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
