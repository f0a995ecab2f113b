package collector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/alert"
	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/siem"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// judge carries reports through the rooms: picture, evidence, alert, finding.
// The collector and replays share it, so that both say the same.
type judge struct {
	// fleet is replaced when the catalogue is: one judgement goes by one of them.
	fleet    atomic.Pointer[fleet.Fleet]
	changing sync.Mutex // held by whoever replaces it
	// detector is replaced when the rules are: one judgement goes by one of them.
	detector atomic.Pointer[detect.Detector]
	policy   alert.Policy
	// bases name what verdicts are judged by; nil for a replay, which keeps no history.
	bases *bases
}

var _ ingest.Judge = (*judge)(nil)

// Restore enters a stored device into the co-location index.
func (j *judge) Restore(dev *store.Device) { j.fleet.Load().Restore(dev.Picture) }

// useCatalog goes over to another catalogue, from the next judgement on.
func (j *judge) useCatalog(c *catalog.Catalog) {
	j.changing.Lock()
	defer j.changing.Unlock()
	j.fleet.Store(j.fleet.Load().WithCatalog(c))
}

// useCompany goes by what else the company says, from the next judgement on.
func (j *judge) useCompany(c fleet.Company) {
	j.changing.Lock()
	defer j.changing.Unlock()
	j.fleet.Store(j.fleet.Load().WithCompany(c))
}

// useRules goes over to other rules, from the next judgement on.
func (j *judge) useRules(r *detect.Rules) { j.detector.Store(detect.New(r, detect.Options{})) }

// Report applies the reports of one delivery and judges the device anew.
func (j *judge) Report(dev *store.Device, open *fleetv1.Alert, reports []fleet.Observation) (store.Change, error) {
	if dev == nil {
		dev = &store.Device{}
	}
	t := j.turn(dev, open, reports[len(reports)-1].ReceivedAt)
	for i := range reports {
		if err := t.take(reports[i]); err != nil {
			return store.Change{}, err
		}
	}
	return t.change(t.course.Judge)
}

// Reassess judges a device without a report. A judgement that says the same as
// before is not stored again.
func (j *judge) Reassess(dev *store.Device, open *fleetv1.Alert, now time.Time) (store.Change, error) {
	t := j.turn(dev, open, now)
	change, err := t.change(t.course.Sweep)
	if err != nil {
		return store.Change{}, err
	}
	if len(change.Events) == 0 && len(change.Alerts) == 0 && sameWords(dev.Judgement, change.Device.Judgement) &&
		dev.Summary.GetPerson() == change.Device.Summary.GetPerson() {
		return store.Change{}, nil
	}
	return change, nil
}

// turn is what reports, or time passing, make of one device.
type turn struct {
	*judge
	f      *fleet.Fleet
	rules  *detect.Rules
	course *detect.Course
	before *store.Device
	open   *fleetv1.Alert
	now    time.Time

	picture *fleetv1.Picture
	done    store.Change
}

func (j *judge) turn(dev *store.Device, open *fleetv1.Alert, now time.Time) *turn {
	detector := j.detector.Load()
	// Moments are stored by the millisecond: judged by a finer one, a verdict would not
	// come out again.
	now = now.Truncate(time.Millisecond)
	return &turn{
		judge: j, f: j.fleet.Load(), rules: detector.Rules(), course: detector.Resume(dev.Judgement, latest(dev.Picture)),
		before: dev, open: open, now: now, picture: dev.Picture,
	}
}

// latest is when a picture's latest report was observed.
func latest(p *fleetv1.Picture) time.Time { return time.Unix(p.GetLastReportUnix(), 0) }

// view derives the device from a picture, nil for one that had no report.
func (t *turn) view(p *fleetv1.Picture) detect.View {
	if p == nil {
		return nil
	}
	return func(at time.Time) *fleetv1.Device { return t.f.Device(p, at) }
}

// take applies one report.
func (t *turn) take(obs fleet.Observation) error {
	picture, events := t.f.Apply(t.picture, obs)
	if t.picture == nil && !obs.EnrolledAt.IsZero() {
		enrolled := &fleetv1.Event{At: timestamppb.New(obs.EnrolledAt), Kind: "enrolled", Summary: "The laptop enrolled."}
		events = slices.Insert(events, 0, enrolled)
	}
	t.done.Events = append(t.done.Events, events...)
	was := t.picture
	if t.picture = picture; picture == was {
		return nil
	}
	if err := t.course.Reported(latest(picture), t.view(was)); err != nil {
		return fmt.Errorf("assess device %s: %w", obs.Device, err)
	}
	return nil
}

// change judges the device as it is now and returns what is to be stored.
func (t *turn) change(judge func(time.Time, detect.View) (detect.Moment, error)) (store.Change, error) {
	m, err := judge(t.now, t.view(t.picture))
	if err != nil {
		return store.Change{}, fmt.Errorf("assess device %s: %w", t.picture.GetId(), err)
	}
	before, after := t.before.Judgement.GetAssessment(), m.After.GetAssessment()
	summary := summarise(t.f, t.before.Summary, t.picture, m.Device, after)
	t.done.Device = &store.Device{Summary: summary, Picture: t.picture, Judgement: m.After}
	if e := verdictEvent(before, after, t.now); e != nil {
		t.done.Events = append(t.done.Events, e)
	}
	if err := t.history(before, &m); err != nil {
		return store.Change{}, err
	}
	for _, end := range t.course.Settled {
		next, transition := t.policy.Settle(t.open, end.Verdict, after, end.At, t.now)
		if err := t.alert(m.Device, next, transition); err != nil {
			return store.Change{}, err
		}
	}
	next, transition := t.policy.Next(m.Device, summary, before, after, t.open, t.now)
	if err := t.alert(m.Device, next, transition); err != nil {
		return store.Change{}, err
	}
	if t.bases != nil { // it is stored
		detect.Lean(after)
	}
	return t.done, nil
}

// alert stores what became of an alert and what is to be told of it.
func (t *turn) alert(device *fleetv1.Device, next *fleetv1.Alert, transition alert.Transition) error {
	if next == nil {
		return nil
	}
	was := t.open
	if t.open = next; next.GetState() == alert.StateClosed {
		t.open = nil
	}
	t.done.Alerts = append(slices.DeleteFunc(t.done.Alerts, func(a *fleetv1.Alert) bool { return a.GetId() == next.GetId() }), next)
	if transition == alert.None {
		return nil
	}
	body, err := siem.Finding(next, device, string(transition), t.now)
	if err != nil {
		return err
	}
	t.done.Outbox = append(t.done.Outbox, store.OutboxRow{
		Key: siem.EventKey(next, string(transition)), Device: device.GetId(), Body: body, CreatedAt: t.now,
	})
	t.done.Events = append(t.done.Events, &fleetv1.Event{
		At: timestamppb.New(t.now), Kind: "alert_" + string(transition), Verdict: next.GetVerdict(),
		Summary: fmt.Sprintf("Alert %s %s.", next.GetId(), transitionWords(transition, was, next)),
	})
	return nil
}

func summarise(f *fleet.Fleet, before *fleetv1.DeviceSummary, picture *fleetv1.Picture, device *fleetv1.Device, a *fleetv1.Assessment) *fleetv1.DeviceSummary {
	return &fleetv1.DeviceSummary{
		Id: device.GetId(), Serial: device.GetSerial(),
		Hostname: device.GetSystem().GetHostname(), Os: osWord(device.GetSystem().GetOs()),
		Person:  device.GetPerson().GetId(),
		Verdict: a.GetVerdict(), Kind: a.GetKind(), Risk: a.GetRisk(),
		LastReportAt: device.GetLastReportAt(), EnrolledAt: device.GetEnrolledAt(),
		Reports:      before.GetReports(),
		AgentVersion: picture.GetAgentVersion(), ControlledBy: f.Controllers(picture),
	}
}

func osWord(os farmhoundv1.OperatingSystem) string {
	switch os {
	case farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX:
		return "linux"
	case farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS:
		return "windows"
	case farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS:
		return "macos"
	}
	return ""
}

func verdictEvent(before, after *fleetv1.Assessment, now time.Time) *fleetv1.Event {
	from, to := before.GetVerdict(), after.GetVerdict()
	if from == "" {
		from = "clear"
	}
	if from == to {
		return nil
	}
	summary := fmt.Sprintf("The verdict is now %s, before %s.", to, from)
	if alert.Rank(to) > alert.Rank("clear") {
		summary = fmt.Sprintf("The verdict is now %s (%s), before %s.", to, after.GetKind(), from)
	}
	return &fleetv1.Event{At: timestamppb.New(now), Kind: "verdict_changed", Summary: summary, Verdict: to}
}

// transitionWords says what became of an alert, and of new evidence what it is.
func transitionWords(t alert.Transition, before, next *fleetv1.Alert) string {
	switch {
	case t == alert.Lowered || t == alert.Closed:
		return fmt.Sprintf("%s: %s", t, next.GetCourse())
	case t != alert.NewEvidence:
		return fmt.Sprintf("%s: %s", t, next.GetTitle())
	}
	var titles []string
	for _, e := range alert.Fresh(before.GetAssessment(), next.GetAssessment()) {
		titles = append(titles, cmp.Or(e.GetTitle(), e.GetSignal()))
	}
	if len(titles) == 0 {
		return fmt.Sprintf("rests on other evidence now: %s", next.GetTitle())
	}
	return fmt.Sprintf("has new evidence: %s", strings.Join(titles, "; "))
}

// sameWords compares two judgements but for the moment they were made at.
func sameWords(a, b *fleetv1.Judgement) bool {
	if a == nil {
		return false
	}
	b = proto.CloneOf(b)
	b.Assessment.AssessedAt = a.GetAssessment().GetAssessedAt()
	return proto.Equal(a, b)
}
