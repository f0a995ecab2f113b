package fleet

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	toolDays      = 30
	fortnightDays = 14
	activeSpan    = 20 // days with activity that the longest view holds
)

// view is one derivation under way.
type view struct {
	f      *Fleet
	pic    *fleetv1.Picture
	now    time.Time
	person *fleetv1.Person // nil without a roster entry
	self   *entry
	clock  clock
	dates  []uint32 // the person's dates of the picture's days
	splits []split
	active []workday
	egress map[uint32]*fleetv1.EgressState
	// contacts are all sessions' seconds, no more than windows counted.
	contacts []contact
	// phaseHours and zoneMoved are asked for twice.
	phaseHours *float64
	zoneMoved  bool
	// sighted are the networks of the picture's sightings, once asked for.
	sighted []networks
	// asked and answer are declaredPlace's last: most days are spent at one place.
	asked  Place
	answer bool
}

// Device derives what signals and analysts look at from a picture. Days are dates of the
// person's: by the clock of the zone that the roster declares, else of the one that the
// laptop is set to, else by UTC. How long something lasts is counted from moment to
// moment, and what is kept or looked back at for so many days by UTC.
func (f *Fleet) Device(pic *fleetv1.Picture, now time.Time) *fleetv1.Device {
	v := &view{f: f, pic: pic, now: now, person: f.person(pic, now)}
	v.contacts = f.contacts(pic)
	v.self = f.entryOf(pic, v.person, v.contacts, now)
	v.egress = make(map[uint32]*fleetv1.EgressState, len(pic.GetEgresses()))
	for _, e := range pic.GetEgresses() {
		v.egress[e.GetId()] = v.companys(e)
	}
	v.clock = v.personsClock()
	v.partDays()
	v.phaseHours, v.zoneMoved = v.phase(), v.zoneChanged()
	d := &fleetv1.Device{
		Id: pic.GetId(), Serial: pic.GetSerial(), System: pic.GetSystem(), EnrolledAt: pic.GetEnrolledAt(),
		FirstReportAt: stamp(pic.GetFirstReportUnix()), LastReportAt: stamp(pic.GetLastReportUnix()),
		Person:         v.person,
		Tools:          v.tools(),
		Kvm:            v.kvm(),
		Still:          v.stillness(),
		Egress:         v.egressNow(),
		Distance:       v.distance(),
		Operator:       v.operator(),
		Place:          v.placeHistory(),
		Site:           f.site(v.self, now),
		Trust:          v.trust(),
		WeeklyUse:      v.weeklyUse(),
		UnusedSince:    v.unusedSince(),
		VirtualChassis: pic.GetSystem().GetChassis() == farmhoundv1.Chassis_CHASSIS_VIRTUAL,
	}
	over := v.activities()
	d.Day1, d.Day3, d.Day5, d.Day20 = over[0], over[1], over[2], over[3]
	d.Known = v.known(d)
	return d
}

// Controllers returns the catalogue names of the tools with a session open now.
func (f *Fleet) Controllers(pic *fleetv1.Picture) []string {
	var names []string
	for _, s := range pic.GetSessions() {
		if open(pic, s) {
			names = append(names, f.toolName(s.GetSession().GetTool()))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// person returns the roster's entry, nil without one.
func (f *Fleet) person(pic *fleetv1.Picture, at time.Time) *fleetv1.Person {
	if f.cfg.Roster == nil || pic.GetSerial() == "" {
		return nil
	}
	p, ok := f.cfg.Roster.Person(pic.GetSerial(), at)
	if !ok || p == nil {
		return nil
	}
	if offshore := len(f.home) > 0 && p.GetCountry() != "" && !f.home[p.GetCountry()]; offshore != p.GetOffshore() {
		p = proto.CloneOf(p) // the roster's own may be shared
		p.Offshore = offshore
	}
	return p
}

// declared says whether a country is one where the person may be.
func (v *view) declared(country string) bool {
	return country == v.person.GetCountry() || slices.Contains(v.person.GetTravelCountries(), country)
}

// foreign says whether a country is known to be none where the person may be:
// where nothing is declared, none where the company's people work.
func (v *view) foreign(country string) bool {
	if country == "" || v.declared(country) {
		return false
	}
	return v.person.GetCountry() != "" || len(v.f.home) > 0 && !v.f.home[country]
}

// travelled says whether a journey to a country was approved between two times.
func (v *view) travelled(country string, from, to int64) bool {
	for _, at := range []int64{from, to} {
		if then := v.f.person(v.pic, time.Unix(at, 0)); slices.Contains(then.GetTravelCountries(), country) {
			return true
		}
	}
	return false
}

// foreignOn judges a country by what was declared and approved on a date: a journey
// that is over was approved while it lasted. One approved since covers what was
// before.
func (v *view) foreignOn(country string, date uint32) bool {
	if !v.foreign(country) {
		return false
	}
	start := v.clock.start(date)
	return !v.travelled(country, start, start+daySeconds-1)
}

func (v *view) tools() []*fleetv1.ToolSighting {
	now, first := v.now.Unix(), v.pic.GetFirstReportUnix()
	var tools []*fleetv1.ToolSighting
	for _, t := range v.pic.GetTools() {
		if now-t.GetLastUnix() > toolDays*daySeconds && !t.GetPresent() {
			continue
		}
		category := v.f.category(t.GetId())
		// What the first report listed may have been there for years, and what was
		// approved when it appeared was set up by nobody else.
		appeared := t.GetFirstUnix() > v.pic.GetSoftwareUnix() && !v.f.mayUse(v.pic, t.GetId(), v.person, time.Unix(t.GetFirstUnix(), 0))
		last := t.GetLastUnix()
		if t.GetPresent() {
			last = max(last, v.pic.GetSoftwareSeenUnix())
		}
		by, elsewhere := v.f.covers(v.pic, t.GetId(), time.Unix(last, 0))
		sighting := &fleetv1.ToolSighting{
			Id: t.GetId(), Name: v.f.toolName(t.GetId()), Category: category,
			Present: t.GetPresent(), Unattended: t.GetUnattended(), Running: t.GetRunning(),
			Renamed: t.GetRenamed(), Portable: t.GetPortable(), FixedCredential: t.GetFixedCredential(),
			Approved:    v.f.mayUse(v.pic, t.GetId(), v.person, time.Unix(last, 0)),
			FirstSeenAt: stamp(t.GetFirstUnix()), LastSeenAt: stamp(last),
			FirstFortnight: appeared && t.GetFirstUnix()-first <= fortnightDays*daySeconds,
			Controls:       controls(category),
			NewIn_30D:      appeared && now-t.GetFirstUnix() <= toolDays*daySeconds,

			OtherInstallation: elsewhere && !slices.Contains(v.person.GetApprovedTools(), t.GetId()),
		}
		if by != nil {
			sighting.ApprovedBy = by.Name
		} else if over := v.f.ended(v.pic, t.GetId(), time.Unix(last, 0)); over != nil && !sighting.GetApproved() {
			sighting.ApprovalEnded, sighting.ApprovalEndedAt = over.Name, stamp(over.Until.Unix())
		}
		tools = append(tools, sighting)
	}
	return tools
}

// controls says whether tools of a category can give control of screen or terminal.
func controls(category string) bool {
	return category == "remote-control" || category == "rmm" || category == "screen-share-control"
}

func (v *view) known(d *fleetv1.Device) *fleetv1.Known {
	k := &fleetv1.Known{
		Hardware: v.pic.GetHardware() != nil,
		Network:  len(v.pic.GetNetwork().GetGateway())+len(v.pic.GetNetwork().GetAccessPoint())+len(v.pic.GetNetwork().GetLan()) > 0,
		Media:    v.pic.GetMedia() != nil,
		Geo:      d.GetEgress().GetCountry() != "",
		Roster:   v.person != nil,
		Distance: d.GetDistance().GetDays() > 0,
		Control:  len(v.contacts) > 0,
	}
	for _, day := range v.pic.GetDays() {
		// Silence takes nothing from what could be observed until it began.
		if int64(day.GetDay()) <= v.pic.GetLastReceivedUnix()/daySeconds-activeSpan {
			continue
		}
		k.Control = k.GetControl() || day.GetControlKnownSeconds() > 0
		k.Hands = k.GetHands() || day.GetInput() != nil
	}
	return k
}

func dayStart(day uint32) time.Time { return time.Unix(int64(day)*daySeconds, 0) }
