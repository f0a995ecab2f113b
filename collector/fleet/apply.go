package fleet

import (
	"slices"
	"time"

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
	// orderBits are the lower bits of an order: a sequence, above them milliseconds.
	orderBits = 22
)

// update is one observation on its way into a picture.
type update struct {
	draft
	f        *Fleet
	rep      *farmhoundv1.Report
	obs      Observation
	at       int64 // when observed, never after it arrived
	observed int64 // when observed, as the laptop's clock said
	received int64
	order    uint64
	base     uint64 // what the run's sequences are counted on from in orders
	late     bool   // spooled: arrived well after it was observed
	first    bool   // the device's first report
	renamed  bool   // something got another name
	runBegan bool   // the report that begins a run, and carries every part whose sense works
	// before is when the report before of the same run was observed and arrived; nil without one.
	before *fleetv1.Silence
	events []*fleetv1.Event
}

// Apply merges one observation into a device's picture, nil for a new device,
// and returns the new picture with what happened, oldest first. pic is not
// modified, and an observation that it holds already returns it as it is. The
// order in which a day's observations are applied makes no difference to what
// Device derives, but for clocks and silences, and for a report that leans on a
// part which an earlier one carried: of one run they come in their sequence.
func (f *Fleet) Apply(pic *fleetv1.Picture, obs Observation) (*fleetv1.Picture, []*fleetv1.Event) {
	if pic == nil {
		pic = &fleetv1.Picture{}
	}
	if repeated(pic, obs.Report) {
		return pic, nil
	}
	u := &update{draft: newDraft(pic), f: f, rep: obs.Report, obs: obs, received: max(obs.ReceivedAt.Unix(), 1)}
	u.pic.Id = obs.Device
	u.first = pic.GetFirstReportUnix() == 0
	u.observed = u.received
	if t := u.rep.GetObservedAt(); t != nil {
		u.observed = t.AsTime().Unix()
	}
	u.at = u.within(u.observed)
	u.base = u.baseOf(u.rep.GetBootId())
	u.order = orderOf(obs.ReceivedAt, u.base+u.rep.GetSequence())

	u.identity()
	u.clock(u.observed)
	u.run(u.observed)
	u.link()
	u.health() // first: it tells which parts are silent because their sense fails
	u.egress()
	u.network()
	u.software()
	u.sessions()
	u.windows()
	u.began()
	u.undelivered()
	u.hardware()
	u.zone()
	u.media()
	u.pause(u.observed)
	u.pic.LastReportUnix = max(u.pic.GetLastReportUnix(), u.at)
	u.superseded()
	u.pic.LastReceivedUnix = max(u.pic.GetLastReceivedUnix(), u.received)
	u.prune()
	f.enter(u.pic, obs.ReceivedAt)
	return u.pic, u.events
}

// within bounds a time that a laptop reported to what can matter now: a clock
// that is off by more than what is kept is no clock.
func (u *update) within(unix int64) int64 {
	if unix < u.received-keptDays*daySeconds {
		return u.received
	}
	return min(unix, u.received)
}

// orderOf returns a number that grows with delivery. Deliveries of one device
// follow each other, and a spool delivers in the order of observation, so that
// this holds whatever the laptop's clock says; reports of one delivery arrive
// at once and are told apart by their sequence, counted on from run to run.
func orderOf(received time.Time, sequence uint64) uint64 {
	return uint64(max(received.UnixMilli(), 0))<<orderBits | sequence&(1<<orderBits-1)
}

// baseOf returns what a run's sequences are counted on from: nothing, or the latest
// report of another run that arrived at the same moment as this one's first.
func (u *update) baseOf(boot string) uint64 {
	latest := uint64(0)
	for _, b := range u.pic.GetBoots() {
		if b.GetId() == boot {
			return b.GetBase()
		}
		latest = max(latest, b.GetOrder())
	}
	if latest>>orderBits != orderOf(u.obs.ReceivedAt, 0)>>orderBits {
		return 0
	}
	return latest & (1<<orderBits - 1)
}

// receivedOf returns when the report of an order arrived, in seconds.
func receivedOf(order uint64) int64 { return int64(order >> orderBits / 1000) }

// takes says whether a part is to be taken from this report: it is there, and
// no later report carried it before. A run begins with every part whose sense
// works, so that a part missing there is unknown from then on.
func (u *update) takes(order *uint64, there bool) bool {
	if u.order < *order || !there && !u.runBegan {
		return false
	}
	*order = u.order
	return true
}

// identity keeps what names the laptop and when it was first seen.
func (u *update) identity() {
	if !u.obs.EnrolledAt.IsZero() {
		u.pic.EnrolledAt = timestamppb.New(u.obs.EnrolledAt)
	}
	if u.pic.GetSerial() == "" {
		u.pic.Serial = u.obs.Serial
	}
	if s := u.rep.GetSystem(); s != nil && u.takes(&u.pic.Orders.System, true) {
		u.pic.System = s
		if s.GetSerial() != "" {
			u.pic.Serial = s.GetSerial()
		}
	}
	if u.first {
		u.event(u.at, "first_report", "First report from "+quote(describe(u.pic.GetSystem()))+".")
	}
	if u.first || u.at < u.pic.GetFirstReportUnix() {
		u.pic.FirstReportUnix = max(u.at, 1)
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
		return edit(&u.draft, days, i-1)
	}
	d := &fleetv1.Day{Day: uint32(number)}
	u.made(d)
	u.pic.Days = slices.Insert(days, i, d)
	return d
}

// prune drops what is too old to be asked about.
func (u *update) prune() {
	today := max(u.received, u.pic.GetLastReceivedUnix()) / daySeconds
	oldest := today - keptDays + 1
	u.pic.Days = slices.DeleteFunc(u.pic.GetDays(), func(d *fleetv1.Day) bool { return int64(d.GetDay()) < oldest })
	u.pic.Contacts = keepContacts(u.pic.GetContacts(), today)
	u.pruneRenames()
	u.pruneSpells()
	u.pic.Silences = slices.DeleteFunc(u.pic.GetSilences(), func(s *fleetv1.Silence) bool {
		return u.received-s.GetToUnix() > (gapDays+1)*daySeconds
	})
	slices.SortStableFunc(u.events, func(a, b *fleetv1.Event) int { return a.GetAt().AsTime().Compare(b.GetAt().AsTime()) })
}

// event records something that happened.
func (u *update) event(at int64, kind, summary string) *fleetv1.Event {
	e := &fleetv1.Event{At: timestamppb.New(time.Unix(at, 0)), Kind: kind, Summary: summary}
	u.events = append(u.events, e)
	return e
}
