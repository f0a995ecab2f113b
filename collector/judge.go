package collector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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

// judge carries a report through the rooms: picture, evidence, alert, finding.
// The collector and replays share it, so that both say the same.
type judge struct {
	// fleet is replaced when the catalogue is: one judgement goes by one of them.
	fleet    atomic.Pointer[fleet.Fleet]
	detector *detect.Detector
	policy   alert.Policy
}

var _ ingest.Judge = (*judge)(nil)

// Restore enters a stored device into the co-location index.
func (j *judge) Restore(dev *store.Device) { j.fleet.Load().Restore(dev.Picture) }

// useCatalog goes over to another catalogue, from the next judgement on.
func (j *judge) useCatalog(c *catalog.Catalog) { j.fleet.Store(j.fleet.Load().WithCatalog(c)) }

// Report applies one report and judges the device anew.
func (j *judge) Report(dev *store.Device, open *fleetv1.Alert, obs fleet.Observation) (store.Change, error) {
	if dev == nil {
		dev = &store.Device{}
	}
	f := j.fleet.Load()
	picture, events := f.Apply(dev.Picture, obs)
	if dev.Picture == nil && !obs.EnrolledAt.IsZero() {
		enrolled := &fleetv1.Event{At: timestamppb.New(obs.EnrolledAt), Kind: "enrolled", Summary: "The laptop enrolled."}
		events = slices.Insert(events, 0, enrolled)
	}
	return j.judge(f, dev, picture, events, open, obs.ReceivedAt)
}

// Reassess judges a device without a report. A judgement that says the same as
// before is not stored again.
func (j *judge) Reassess(dev *store.Device, open *fleetv1.Alert, now time.Time) (store.Change, error) {
	change, err := j.judge(j.fleet.Load(), dev, dev.Picture, nil, open, now)
	if err != nil {
		return store.Change{}, err
	}
	if len(change.Events) == 0 && len(change.Alerts) == 0 && sameWords(dev.Judgement, change.Device.Judgement) {
		return store.Change{}, nil
	}
	return change, nil
}

func (j *judge) judge(f *fleet.Fleet, before *store.Device, picture *fleetv1.Picture, events []*fleetv1.Event, open *fleetv1.Alert, now time.Time) (store.Change, error) {
	device := f.Device(picture, now)
	judgement, err := j.detector.Assess(device, before.Judgement, now)
	if err != nil {
		return store.Change{}, fmt.Errorf("assess device %s: %w", device.GetId(), err)
	}
	after := judgement.GetAssessment()
	summary := summarise(f, before.Summary, picture, device, after)
	change := store.Change{Device: &store.Device{Summary: summary, Picture: picture, Judgement: judgement}, Events: events}
	if e := verdictEvent(before.Judgement.GetAssessment(), after, now); e != nil {
		change.Events = append(change.Events, e)
	}
	next, transition := j.policy.Next(device, summary, before.Judgement.GetAssessment(), after, open, now)
	if next == nil {
		return change, nil
	}
	body, err := siem.Finding(next, device, string(transition), now)
	if err != nil {
		return store.Change{}, err
	}
	change.Alerts = []*fleetv1.Alert{next}
	change.Outbox = []store.OutboxRow{{
		Key: siem.EventKey(next, string(transition)), Device: device.GetId(), Body: body, CreatedAt: now,
	}}
	change.Events = append(change.Events, &fleetv1.Event{
		At: timestamppb.New(now), Kind: "alert_" + string(transition), Verdict: after.GetVerdict(),
		Summary: fmt.Sprintf("Alert %s %s.", next.GetId(), transitionWords(transition, open, next)),
	})
	return change, nil
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
	if t != alert.NewEvidence {
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
