package collector

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/alert"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// An alert that half a day's reports opened is closed, with the reason, once the rest
// arrives and the day does not come to it: the laptop was offline for the rest of it.
func TestAlertOfHalfADay(t *testing.T) {
	t.Parallel()
	own := rooms(t)
	judge, err := own.judge()
	if err != nil {
		t.Fatal(err)
	}
	sequence := uint64(0)
	report := func(at time.Time, input *farmhoundv1.InputSeconds) *farmhoundv1.Report {
		sequence++
		r := &farmhoundv1.Report{
			BootId: strings.Repeat("0b", 16), Sequence: sequence, ObservedAt: timestamppb.New(at),
			Windows: []*farmhoundv1.Window{{
				StartedAt: timestamppb.New(at.Add(-time.Hour)), Seconds: 3600, ActiveSeconds: proto.Uint32(3000), AsleepSeconds: proto.Uint32(0),
				ControlKnown: true, Input: input,
			}},
		}
		if sequence == 1 {
			r.System, r.Health = &farmhoundv1.System{Serial: "S1", Chassis: farmhoundv1.Chassis_CHASSIS_LAPTOP}, &farmhoundv1.Health{AgentVersion: "1"}
			r.Hardware = &farmhoundv1.Hardware{Usb: []*farmhoundv1.UsbDevice{{VendorId: 0x1d6b, ProductId: 0x0104, Manufacturer: "PiKVM", Product: "PiKVM Composite Device"}}}
		}
		return r
	}
	dev, open := (*store.Device)(nil), (*fleetv1.Alert)(nil)
	deliver := func(at time.Time, reports ...*farmhoundv1.Report) store.Change {
		t.Helper()
		var all []fleet.Observation
		for _, r := range reports {
			all = append(all, fleet.Observation{Device: "d1", Serial: "S1", ReceivedAt: at, Report: r})
		}
		change, err := judge.Report(dev, open, all)
		if err != nil {
			t.Fatal(err)
		}
		dev = change.Device
		for _, a := range change.Alerts {
			open = a
		}
		return change
	}
	hour := func(n int) time.Time { return firstDay.Add(time.Duration(n) * time.Hour) }
	remote, local := &farmhoundv1.InputSeconds{KvmLike: 2500}, &farmhoundv1.InputSeconds{BuiltIn: 2500}
	for n := range 3 {
		deliver(hour(n), report(hour(n), remote))
	}
	if open.GetState() != alert.StateOpen || !open.GetProvisional() || dev.Judgement.GetAssessment().GetVerdict() != "likely" {
		t.Fatalf("%s: %v, %v", dev.Judgement.GetAssessment().GetVerdict(), open, dev.Judgement.GetAssessment().GetQuestions())
	}
	var rest []*farmhoundv1.Report
	for n := 3; n < 9; n++ {
		rest = append(rest, report(hour(n), local))
	}
	morning := hour(24)
	change := deliver(morning, append(rest, report(morning, local))...)
	if open.GetState() != alert.StateClosed || open.GetReason() != alert.ReasonNotUpheld || open.GetProvisional() {
		t.Fatalf("%s: %v", dev.Judgement.GetAssessment().GetVerdict(), open)
	}
	if !strings.HasPrefix(open.GetCourse(), "Not upheld: with all its reports, what 2 Mar 2026 came to is ") {
		t.Errorf("says %q", open.GetCourse())
	}
	told := false
	for _, e := range change.Events {
		told = told || e.GetKind() == "alert_closed" && strings.Contains(e.GetSummary(), open.GetCourse())
	}
	if !told || len(change.Outbox) != 1 || !strings.Contains(string(change.Outbox[0].Body), `"reason":"not_upheld"`) {
		t.Errorf("told %v: %v", change.Events, change.Outbox)
	}
}
