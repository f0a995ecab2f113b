package fleet

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	daySeconds = 86400
	// keptDays are the days of counters a picture keeps.
	keptDays = 35
	// lateSeconds is the delay beyond which a report counts as spooled: where it
	// arrived from says nothing about the network it was observed on.
	lateSeconds = 15 * 60
)

// update is one observation on its way into a picture.
type update struct {
	f        *Fleet
	pic      *fleetv1.Picture
	rep      *farmhoundv1.Report
	obs      Observation
	at       int64 // when observed, never after it arrived
	received int64
	late     bool // spooled: arrived well after it was observed
	fresh    bool // no later report of the same run was applied before
	first    bool // the device's first report
	newRun   bool // first report of this run of the agent
	events   []*fleetv1.Event
}

// Apply merges one observation into a device's picture, nil for a new device,
// and returns the new picture with what happened, oldest first. pic is not modified.
func (f *Fleet) Apply(pic *fleetv1.Picture, obs Observation) (*fleetv1.Picture, []*fleetv1.Event) {
	u := &update{f: f, rep: obs.Report, obs: obs, received: obs.ReceivedAt.Unix()}
	if pic == nil {
		pic = &fleetv1.Picture{}
	}
	u.pic = proto.CloneOf(pic)
	u.pic.Id = obs.Device
	u.first = pic.GetFirstReportUnix() == 0
	observed := u.received
	if t := u.rep.GetObservedAt(); t != nil {
		observed = t.AsTime().Unix()
	}
	u.at = min(observed, u.received)

	u.identity()
	u.clock(observed)
	u.run(observed)
	u.egress()
	u.network()
	u.sessions() // before windows: sessions say whether control was near
	u.windows()
	if u.fresh {
		u.software()
		u.hardware()
		u.zone()
		u.media()
		u.health()
	}
	u.pic.LastReportUnix = max(u.pic.GetLastReportUnix(), u.at)
	u.pic.LastReceivedUnix = max(u.pic.GetLastReceivedUnix(), u.received)
	u.prune()
	f.enter(u.pic, obs.ReceivedAt)
	return u.pic, u.events
}

// identity keeps what names the laptop and when it was first seen.
func (u *update) identity() {
	if !u.obs.EnrolledAt.IsZero() {
		u.pic.EnrolledAt = timestamppb.New(u.obs.EnrolledAt)
	}
	if u.obs.Serial != "" {
		u.pic.Serial = u.obs.Serial
	}
	if s := u.rep.GetSystem(); s != nil {
		u.pic.System = s
		if s.GetSerial() != "" {
			u.pic.Serial = s.GetSerial()
		}
	}
	if u.first {
		u.pic.FirstReportUnix = max(u.at, 1)
		u.event(u.at, "first_report", "First report from "+quote(describe(u.pic.GetSystem()))+".")
	}
}

func describe(s *farmhoundv1.System) string {
	for _, name := range []string{s.GetHostname(), s.GetModel(), s.GetSerial()} {
		if name != "" {
			return name
		}
	}
	return "an unnamed laptop"
}

// day returns the counters of a UTC day, made on first use and kept in order.
func (u *update) day(number int64) *fleetv1.Day {
	days := u.pic.GetDays()
	i := len(days)
	for i > 0 && int64(days[i-1].GetDay()) > number {
		i--
	}
	if i > 0 && int64(days[i-1].GetDay()) == number {
		return days[i-1]
	}
	d := &fleetv1.Day{Day: uint32(number)}
	days = append(days, nil)
	copy(days[i+1:], days[i:])
	days[i] = d
	u.pic.Days = days
	return d
}

// prune drops what is too old to be asked about.
func (u *update) prune() {
	today := u.received / daySeconds
	oldest := today - keptDays + 1
	days := u.pic.GetDays()
	for len(days) > 0 && int64(days[0].GetDay()) < oldest {
		days = days[1:]
	}
	u.pic.Days = days
	u.pic.Contacts = keepContacts(u.pic.GetContacts(), today)
	u.pic.Silences = slices.DeleteFunc(u.pic.GetSilences(), func(s *fleetv1.Silence) bool {
		return u.received-s.GetToUnix() > (keptTrustDays+1)*daySeconds
	})
	slices.SortStableFunc(u.events, func(a, b *fleetv1.Event) int { return a.GetAt().AsTime().Compare(b.GetAt().AsTime()) })
}

// event records something that happened.
func (u *update) event(at int64, kind, summary string) *fleetv1.Event {
	e := &fleetv1.Event{At: timestamppb.New(time.Unix(at, 0)), Kind: kind, Summary: summary}
	u.events = append(u.events, e)
	return e
}
