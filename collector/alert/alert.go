// Package alert decides when a judgement becomes a case for an analyst: it opens
// alerts, raises them, and notes new evidence. It is a pure function of two
// judgements and the alert that stands between them; storing, telling the SIEM
// and asking people are others' work.
//
// It may import proto/ only.
package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Transition names what happened to an alert, and why.
type Transition string

// The transitions, in the words that events and outputs use.
const (
	None         Transition = ""
	Opened       Transition = "opened"
	Escalated    Transition = "escalated"
	NewEvidence  Transition = "new_evidence"
	Lowered      Transition = "lowered"
	Acknowledged Transition = "acknowledged"
	Closed       Transition = "closed"
)

// The states of an alert.
const (
	StateOpen         = "open"
	StateAcknowledged = "acknowledged"
	StateClosed       = "closed"
)

// Reasons are the reasons for which an alert may be closed.
var Reasons = []string{"confirmed", "false_positive", "benign", "expected", "other"}

// maxNote bounds an analyst's note, in bytes.
const maxNote = 1000

// Policy says when verdicts become alerts. The zero value is the shipped policy.
type Policy struct {
	// Quiet is how long after a change new evidence alone does not change the
	// alert again; zero means a day.
	Quiet time.Duration
}

// Rank orders verdicts: clear 0, watch 1, likely 2, near_certain 3.
func Rank(verdict string) int {
	return slices.Index([]string{"clear", "watch", "likely", "near_certain"}, verdict)
}

// Next returns what a judgement does to the device's alert. open is the alert
// that is not closed, or nil; before is nil for a device judged for the first
// time. The returned alert is a new value to be stored with the judgement, nil
// when nothing changed.
//
// An alert that a day upheld never lowers itself and never closes itself: that evidence
// fades is no reason to forget, and closing is a person's decision. Until then it is
// provisional, and Settle has a say.
func (p Policy) Next(dev *fleetv1.Device, summary *fleetv1.DeviceSummary, before, after *fleetv1.Assessment, open *fleetv1.Alert, now time.Time) (*fleetv1.Alert, Transition) {
	rank := Rank(after.GetVerdict())
	if open == nil {
		// A closed alert stays closed while the verdict stays what it was; only a
		// rise is news.
		if rank < Rank("likely") || rank <= Rank(before.GetVerdict()) {
			return nil, None
		}
		a := &fleetv1.Alert{
			Id:       newID(dev.GetId(), now),
			Device:   dev.GetId(),
			Serial:   dev.GetSerial(),
			Person:   summary.GetPerson(),
			State:    StateOpen,
			OpenedAt: timestamppb.New(now),
		}
		return raise(a, dev, after, now), Opened
	}
	switch {
	case rank > Rank(open.GetVerdict()):
		return raise(about(open, dev, summary), dev, after, now), Escalated
	case rank >= Rank("likely") && now.Sub(open.GetUpdatedAt().AsTime()) >= p.quiet() && (turned(open, after) || len(Fresh(open.GetAssessment(), after)) > 0):
		a := about(open, dev, summary)
		a.Assessment = proto.CloneOf(after)
		a.UpdatedAt = timestamppb.New(now)
		if turned(open, after) {
			a.Kind, a.Title = after.GetKind(), title(after)
		}
		return a, NewEvidence
	default:
		return nil, None
	}
}

// turned reports whether the verdict still stands and the other hypothesis now
// carries it. Then the alert says so; its severity never falls by it.
func turned(open *fleetv1.Alert, after *fleetv1.Assessment) bool {
	return after.GetVerdict() == open.GetVerdict() && after.GetKind() != open.GetKind()
}

// about returns a copy of the alert with what is now known of whose laptop it is.
func about(open *fleetv1.Alert, dev *fleetv1.Device, summary *fleetv1.DeviceSummary) *fleetv1.Alert {
	a := proto.CloneOf(open)
	if dev.GetSerial() != "" {
		a.Serial = dev.GetSerial()
	}
	if summary.GetPerson() != "" {
		a.Person = summary.GetPerson()
	}
	return a
}

// Update applies an analyst's decision. The error says what is allowed.
func Update(a *fleetv1.Alert, state, reason, note, by string, now time.Time) (*fleetv1.Alert, Transition, error) {
	if len(note) > maxNote {
		return nil, None, fmt.Errorf("the note has %d bytes; at most %d are kept", len(note), maxNote)
	}
	if a.GetState() == StateClosed {
		return nil, None, fmt.Errorf("alert %s is closed already (%s)", a.GetId(), a.GetReason())
	}
	next := proto.CloneOf(a)
	next.ChangedBy, next.UpdatedAt = by, timestamppb.New(now)
	if note != "" {
		next.Note = note
	}
	switch state {
	case StateAcknowledged:
		if reason != "" {
			return nil, None, fmt.Errorf("a reason is given when closing, not when acknowledging")
		}
		next.State = StateAcknowledged
		return next, Acknowledged, nil
	case StateClosed:
		if !slices.Contains(Reasons, reason) {
			return nil, None, fmt.Errorf("closing needs a reason, one of %v, not %q", Reasons, reason)
		}
		next.State, next.Reason = StateClosed, reason
		return next, Closed, nil
	default:
		return nil, None, fmt.Errorf("an alert can be made acknowledged or closed, not %q", state)
	}
}

func (p Policy) quiet() time.Duration {
	if p.Quiet > 0 {
		return p.Quiet
	}
	return 24 * time.Hour
}

func raise(a *fleetv1.Alert, dev *fleetv1.Device, after *fleetv1.Assessment, now time.Time) *fleetv1.Alert {
	a.Provisional, a.Day, a.Course = true, dayOf(now), ""
	if last := dev.GetLastReportAt(); last != nil {
		a.Day = dayOf(last.AsTime())
	}
	a.Verdict, a.Kind = after.GetVerdict(), after.GetKind()
	a.Severity = severity(after)
	a.Title = title(after)
	a.Assessment = proto.CloneOf(after)
	a.UpdatedAt = timestamppb.New(now)
	return a
}

func severity(a *fleetv1.Assessment) string {
	switch {
	case a.GetVerdict() == "near_certain":
		return "critical"
	case a.GetKind() == "displaced":
		return "medium"
	default:
		return "high"
	}
}

func title(a *fleetv1.Assessment) string {
	what := "Laptop likely hosted and remotely driven"
	if a.GetKind() == "displaced" {
		what = "Laptop likely not where it should be"
	}
	if a.GetVerdict() == "near_certain" {
		what = "Laptop almost certainly hosted and remotely driven"
		if a.GetKind() == "displaced" {
			what = "Laptop almost certainly not where it should be"
		}
	}
	return what
}

// Fresh returns the evidence of a judgement that weighs and whose signal the one
// before did not have, heaviest first.
func Fresh(before, after *fleetv1.Assessment) []*fleetv1.Evidence {
	known := make(map[string]bool, len(before.GetEvidence()))
	for _, e := range before.GetEvidence() {
		known[e.GetSignal()] = true
	}
	var fresh []*fleetv1.Evidence
	for _, e := range after.GetEvidence() {
		if e.GetDb() > 0 && !known[e.GetSignal()] {
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// newID is derived, not drawn, so that judging the same reports again names the
// same alert.
func newID(device string, at time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "alert\x00%s\x00%d", device, at.UnixNano()))
	return hex.EncodeToString(sum[:8])
}
