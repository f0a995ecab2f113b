package alert

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestSettle(t *testing.T) {
	t.Parallel()
	opened := time.Date(2026, 3, 3, 15, 0, 0, 0, time.UTC)
	end := time.Date(2026, 3, 3, 23, 59, 59, 0, time.UTC)
	now := end.Add(9 * time.Hour)
	alert := func(verdict string, change func(*fleetv1.Alert)) *fleetv1.Alert {
		a := &fleetv1.Alert{
			Id: "a1", Device: "d1", State: StateOpen, Verdict: verdict, Kind: "hosted", Severity: "high", Title: "t",
			Provisional: true, Day: dayOf(opened), OpenedAt: timestamppb.New(opened), UpdatedAt: timestamppb.New(opened),
			Assessment: &fleetv1.Assessment{Verdict: verdict, Kind: "hosted"},
		}
		if change != nil {
			change(a)
		}
		return a
	}
	settled := func(a *fleetv1.Alert) { a.Provisional = false }
	next := dayOf(now)
	for name, tt := range map[string]struct {
		open       *fleetv1.Alert
		end, after string
		at         time.Time
		transition Transition
		unchanged  bool
		want       *fleetv1.Alert // the fields that are looked at
	}{
		"none":                  {nil, "clear", "clear", end, None, true, nil},
		"one that is settled":   {alert("likely", settled), "clear", "clear", end, None, true, nil},
		"a day before it":       {alert("likely", nil), "clear", "clear", end.AddDate(0, 0, -1), None, true, nil},
		"upheld":                {alert("likely", nil), "likely", "clear", end, None, false, &fleetv1.Alert{State: StateOpen, Verdict: "likely", Severity: "high", Upheld: "likely"}},
		"upheld and more":       {alert("likely", nil), "near_certain", "likely", end, None, false, &fleetv1.Alert{State: StateOpen, Verdict: "likely", Severity: "high", Upheld: "near_certain"}},
		"upheld by another day": {alert("likely", nil), "clear", "likely", end, None, false, &fleetv1.Alert{State: StateOpen, Verdict: "likely", Severity: "high", Provisional: true, Day: next}},
		"not upheld":            {alert("likely", nil), "watch", "clear", end, Closed, false, &fleetv1.Alert{State: StateClosed, Reason: ReasonNotUpheld, Verdict: "likely", Severity: "high"}},
		"not upheld while somebody looks": {
			alert("likely", func(a *fleetv1.Alert) { a.State = StateAcknowledged }), "watch", "watch", end, Lowered, false,
			&fleetv1.Alert{State: StateAcknowledged, Verdict: "likely", Severity: "high"},
		},
		"raised and not upheld": {
			alert("near_certain", func(a *fleetv1.Alert) { a.Upheld, a.Severity = "likely", "critical" }), "likely", "likely", end, Lowered, false,
			&fleetv1.Alert{State: StateOpen, Verdict: "likely", Severity: "high", Upheld: "likely"},
		},
		"raised and nothing of it": {
			alert("near_certain", func(a *fleetv1.Alert) { a.Upheld = "likely" }), "clear", "clear", end, Lowered, false,
			&fleetv1.Alert{State: StateOpen, Verdict: "likely", Severity: "high", Upheld: "likely"},
		},
		"less than it said, by another day": {
			alert("near_certain", nil), "watch", "likely", end, Lowered, false,
			&fleetv1.Alert{State: StateOpen, Verdict: "likely", Severity: "high", Provisional: true, Day: next},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := proto.CloneOf(tt.open)
			got, transition := Policy{}.Settle(tt.open, tt.end, concluding(tt.after), tt.at, now)
			if !proto.Equal(before, tt.open) {
				t.Error("it changed what it was given")
			}
			if transition != tt.transition || (got == nil) != tt.unchanged {
				t.Fatalf("%q, %v", transition, got)
			}
			if got == nil {
				return
			}
			if !got.GetProvisional() {
				got.Day = 0
			}
			is := &fleetv1.Alert{
				State: got.GetState(), Reason: got.GetReason(), Verdict: got.GetVerdict(), Severity: got.GetSeverity(),
				Provisional: got.GetProvisional(), Upheld: got.GetUpheld(), Day: got.GetDay(),
			}
			if !proto.Equal(is, tt.want) {
				t.Errorf("%v, want %v", is, tt.want)
			}
			if told := transition != None; told != (got.GetCourse() != "") || told != got.GetUpdatedAt().AsTime().Equal(now) || told != (got.GetChangedBy() == "farmhound") {
				t.Errorf("%s changed it at %s: %q", got.GetChangedBy(), got.GetUpdatedAt().AsTime(), got.GetCourse())
			}
		})
	}
}

func concluding(verdict string) *fleetv1.Assessment {
	return &fleetv1.Assessment{Verdict: verdict, Kind: "hosted"}
}

// An alert is provisional for the day of the reports that it rests on, not of that on
// which they arrived.
func TestOpenedProvisionally(t *testing.T) {
	t.Parallel()
	reported := time.Date(2026, 3, 3, 15, 0, 0, 0, time.UTC)
	dev := &fleetv1.Device{Id: "d1", LastReportAt: timestamppb.New(reported)}
	a, transition := Policy{}.Next(dev, &fleetv1.DeviceSummary{}, nil, concluding("likely"), nil, reported.AddDate(0, 0, 4))
	if transition != Opened || !a.GetProvisional() || a.GetDay() != dayOf(reported) {
		t.Fatalf("%q: %v", transition, a)
	}
	a.Upheld, a.Provisional = "likely", false
	a, transition = Policy{}.Next(dev, &fleetv1.DeviceSummary{}, concluding("likely"), concluding("near_certain"), a, reported.AddDate(0, 0, 5))
	if transition != Escalated || !a.GetProvisional() || a.GetUpheld() != "likely" {
		t.Fatalf("%q: %v", transition, a)
	}
}
