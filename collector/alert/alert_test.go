package alert

import (
	"strings"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func assessment(verdict, kind string, signals ...string) *fleetv1.Assessment {
	a := &fleetv1.Assessment{Verdict: verdict, Kind: kind}
	for _, s := range signals {
		a.Evidence = append(a.Evidence, &fleetv1.Evidence{Signal: s, Db: 5})
	}
	return a
}

func TestNext(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	standing := func(verdict string, age time.Duration, signals ...string) *fleetv1.Alert {
		return &fleetv1.Alert{
			Id: "a1", Verdict: verdict, Kind: "hosted", State: StateAcknowledged,
			UpdatedAt: timestamppb.New(now.Add(-age)), Assessment: assessment(verdict, "hosted", signals...),
		}
	}
	tests := []struct {
		name         string
		before       *fleetv1.Assessment
		after        *fleetv1.Assessment
		open         *fleetv1.Alert
		want         Transition
		wantSeverity string
		wantState    string
	}{
		{"watch is no alert", nil, assessment("watch", "hosted"), nil, None, "", ""},
		{"first likely opens", nil, assessment("likely", "hosted", "a"), nil, Opened, "high", StateOpen},
		{"displaced is medium", nil, assessment("likely", "displaced", "a"), nil, Opened, "medium", StateOpen},
		{"near certain is critical", assessment("watch", "hosted"), assessment("near_certain", "hosted"), nil, Opened, "critical", StateOpen},
		{"closed stays closed while the verdict stays", assessment("likely", "hosted"), assessment("likely", "hosted", "b"), nil, None, "", ""},
		{"a rise after closing is news", assessment("likely", "hosted"), assessment("near_certain", "hosted"), nil, Opened, "critical", StateOpen},
		{"a rise escalates and keeps the state", assessment("likely", "hosted"), assessment("near_certain", "hosted"), standing("likely", time.Minute), Escalated, "critical", StateAcknowledged},
		{"a fall changes nothing", assessment("near_certain", "hosted"), assessment("watch", "hosted"), standing("near_certain", 48*time.Hour), None, "", ""},
		{"new evidence within the quiet time waits", assessment("likely", "hosted", "a"), assessment("likely", "hosted", "a", "b"), standing("likely", time.Hour, "a"), None, "", ""},
		{"new evidence after it updates", assessment("likely", "hosted", "a"), assessment("likely", "hosted", "a", "b"), standing("likely", 25*time.Hour, "a"), NewEvidence, "", StateAcknowledged},
		{"the other hypothesis carries the verdict", assessment("likely", "hosted", "a"), assessment("likely", "displaced", "a"), standing("likely", 25*time.Hour, "a"), NewEvidence, "", StateAcknowledged},
		{"a lower verdict of the other hypothesis does not turn it", assessment("near_certain", "hosted", "a"), assessment("likely", "displaced", "a"), standing("near_certain", 25*time.Hour, "a"), None, "", ""},
		{"the same evidence never updates", assessment("likely", "hosted", "a"), assessment("likely", "hosted", "a"), standing("likely", 25*time.Hour, "a"), None, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dev := &fleetv1.Device{Id: "d1", Serial: "S1"}
			got, tr := Policy{}.Next(dev, &fleetv1.DeviceSummary{Person: "p"}, tt.before, tt.after, tt.open, now)
			if tr != tt.want {
				t.Fatalf("transition %q, want %q", tr, tt.want)
			}
			if (got == nil) != (tt.want == None) {
				t.Fatalf("alert %v for transition %q", got, tr)
			}
			if got == nil {
				return
			}
			if got.GetState() != tt.wantState {
				t.Errorf("state %q, want %q", got.GetState(), tt.wantState)
			}
			if tt.wantSeverity != "" && got.GetSeverity() != tt.wantSeverity {
				t.Errorf("severity %q, want %q", got.GetSeverity(), tt.wantSeverity)
			}
			if got.GetVerdict() == tt.after.GetVerdict() && got.GetKind() != tt.after.GetKind() {
				t.Errorf("kind %q, want the assessment's %q", got.GetKind(), tt.after.GetKind())
			}
			if got.GetPerson() != "p" || got.GetSerial() != "S1" {
				t.Errorf("about %q and %q, want what is known now", got.GetPerson(), got.GetSerial())
			}
			if !got.GetUpdatedAt().AsTime().Equal(now) {
				t.Errorf("updated at %v, want %v", got.GetUpdatedAt().AsTime(), now)
			}
		})
	}
}

// An alert from its opening over decisions and verdicts that fall and rise again.
func TestLife(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	dev, summary := &fleetv1.Device{Id: "d1"}, &fleetv1.DeviceSummary{}
	var (
		before *fleetv1.Assessment
		open   *fleetv1.Alert
		ids    []string
	)
	steps := []struct {
		verdict string // judged, or
		decide  string // decided by an analyst
		want    Transition
	}{
		{verdict: "likely", want: Opened},
		{verdict: "watch", want: None},
		{verdict: "likely", want: None}, // it stands open all the while
		{decide: StateClosed, want: Closed},
		{verdict: "likely", want: None},
		{verdict: "watch", want: None},
		{verdict: "likely", want: Opened}, // news: it had fallen
		{decide: StateAcknowledged, want: Acknowledged},
		{verdict: "near_certain", want: Escalated},
		{verdict: "clear", want: None},
		{verdict: "near_certain", want: None},
		{decide: StateClosed, want: Closed},
		{verdict: "near_certain", want: None},
		{verdict: "likely", want: None},
		{verdict: "near_certain", want: Opened},
	}
	for i, step := range steps {
		now = now.Add(time.Hour)
		var (
			next *fleetv1.Alert
			tr   Transition
			err  error
		)
		if step.decide != "" {
			reason := map[string]string{StateClosed: "benign"}[step.decide]
			next, tr, err = Update(open, step.decide, reason, "", "ann", now)
		} else {
			after := assessment(step.verdict, "hosted", "a")
			next, tr = Policy{}.Next(dev, summary, before, after, open, now)
			before = after
		}
		if err != nil || tr != step.want {
			t.Fatalf("step %d (%+v): transition %q, error %v", i, step, tr, err)
		}
		switch {
		case next.GetState() == StateClosed:
			open = nil
		case next != nil:
			open = next
		}
		if tr == Opened {
			ids = append(ids, open.GetId())
		}
	}
	if len(ids) != 3 || ids[0] == ids[1] || ids[1] == ids[2] {
		t.Errorf("alerts %v, want three of their own", ids)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	open := &fleetv1.Alert{Id: "a1", State: StateOpen}
	tests := []struct {
		name                string
		alert               *fleetv1.Alert
		state, reason, note string
		want                Transition
		wantErr             string
	}{
		{"acknowledge", open, StateAcknowledged, "", "mine", Acknowledged, ""},
		{"close", open, StateClosed, "confirmed", "", Closed, ""},
		{"close without reason", open, StateClosed, "", "", None, "needs a reason"},
		{"close with a wrong reason", open, StateClosed, "because", "", None, "needs a reason"},
		{"reason when acknowledging", open, StateAcknowledged, "confirmed", "", None, "when closing"},
		{"no such state", open, "open", "", "", None, "acknowledged or closed"},
		{"closed already", &fleetv1.Alert{Id: "a2", State: StateClosed, Reason: "benign"}, StateAcknowledged, "", "", None, "closed already (benign)"},
		{"long note", open, StateAcknowledged, "", strings.Repeat("x", maxNote+1), None, "at most 1000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, tr, err := Update(tt.alert, tt.state, tt.reason, tt.note, "ann", now)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want one with %q", err, tt.wantErr)
				}
				return
			}
			if err != nil || tr != tt.want {
				t.Fatalf("transition %q, error %v; want %q", tr, err, tt.want)
			}
			if got.GetState() != tt.state || got.GetReason() != tt.reason || got.GetNote() != tt.note || got.GetChangedBy() != "ann" {
				t.Errorf("got %v", got)
			}
			if tt.alert.GetState() != StateOpen {
				t.Error("the alert passed in was changed")
			}
		})
	}
}
