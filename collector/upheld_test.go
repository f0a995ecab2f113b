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

// kvmLaptop is a laptop to which a remote console is attached, and what a judge makes of
// its reports.
type kvmLaptop struct {
	*testing.T
	judge    *judge
	sequence uint64
	dev      *store.Device
	open     *fleetv1.Alert // the last one
	last     store.Change
}

func newKVMLaptop(t *testing.T) *kvmLaptop {
	t.Helper()
	own := rooms(t)
	judge, err := own.judge()
	if err != nil {
		t.Fatal(err)
	}
	return &kvmLaptop{T: t, judge: judge}
}

var remote, local = &farmhoundv1.InputSeconds{KvmLike: 2500}, &farmhoundv1.InputSeconds{BuiltIn: 2500}

// hour is a moment counted from the laptop's first.
func hour(n int) time.Time { return firstDay.Add(time.Duration(n) * time.Hour) }

func (l *kvmLaptop) report(at time.Time, input *farmhoundv1.InputSeconds) *farmhoundv1.Report {
	l.sequence++
	r := &farmhoundv1.Report{
		BootId: strings.Repeat("0b", 16), Sequence: l.sequence, ObservedAt: timestamppb.New(at),
		Windows: []*farmhoundv1.Window{{
			StartedAt: timestamppb.New(at.Add(-time.Hour)), Seconds: 3600, ActiveSeconds: proto.Uint32(3000), AsleepSeconds: proto.Uint32(0),
			ControlKnown: true, Input: input,
		}},
	}
	if l.sequence == 1 {
		r.System, r.Health = &farmhoundv1.System{Serial: "S1", Chassis: farmhoundv1.Chassis_CHASSIS_LAPTOP}, &farmhoundv1.Health{AgentVersion: "1"}
		r.Hardware = &farmhoundv1.Hardware{Usb: []*farmhoundv1.UsbDevice{{VendorId: 0x1d6b, ProductId: 0x0104, Manufacturer: "PiKVM", Product: "PiKVM Composite Device"}}}
	}
	return r
}

func (l *kvmLaptop) deliver(at time.Time, reports ...*farmhoundv1.Report) {
	l.Helper()
	var all []fleet.Observation
	for _, r := range reports {
		all = append(all, fleet.Observation{Device: "d1", Serial: "S1", ReceivedAt: at, Report: r})
	}
	l.take(l.judge.Report(l.dev, l.standing(), all))
}

// sweep judges the laptop at a midnight, as everybody is.
func (l *kvmLaptop) sweep(day int) {
	l.Helper()
	l.take(l.judge.Reassess(l.dev, l.standing(), firstDay.Truncate(24*time.Hour).AddDate(0, 0, day)))
}

func (l *kvmLaptop) standing() *fleetv1.Alert {
	if l.open.GetState() == alert.StateClosed {
		return nil
	}
	return l.open
}

func (l *kvmLaptop) take(change store.Change, err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
	if change.Device == nil {
		return
	}
	l.dev, l.last = change.Device, change
	for _, a := range change.Alerts {
		l.open = a
	}
}

// raised reports, until an alert is raised.
func (l *kvmLaptop) raised() {
	l.Helper()
	for n := range 3 {
		l.deliver(hour(n), l.report(hour(n), remote))
	}
	if l.open.GetState() != alert.StateOpen || !l.open.GetProvisional() || l.dev.Judgement.GetAssessment().GetVerdict() != "likely" {
		l.Fatalf("%s: %v, %v", l.dev.Judgement.GetAssessment().GetVerdict(), l.open, l.dev.Judgement.GetAssessment().GetQuestions())
	}
}

// An alert that half a day's reports opened is closed, with the reason, once the rest
// arrives and the day does not come to it: the laptop was offline for the rest of it.
// It makes no difference that everybody was judged at the midnight between.
func TestAlertOfHalfADay(t *testing.T) {
	t.Parallel()
	for name, swept := range map[string]bool{"reports alone": false, "with a sweep between": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newKVMLaptop(t)
			l.raised()
			if swept {
				l.sweep(1)
			}
			if !l.open.GetProvisional() {
				t.Fatalf("the day is settled before its reports may have come: %v", l.open)
			}
			var rest []*farmhoundv1.Report
			for n := 3; n < 9; n++ {
				rest = append(rest, l.report(hour(n), local))
			}
			l.deliver(hour(24), append(rest, l.report(hour(24), local))...)
			if l.open.GetState() != alert.StateClosed || l.open.GetReason() != alert.ReasonNotUpheld || l.open.GetProvisional() {
				t.Fatalf("%s: %v", l.dev.Judgement.GetAssessment().GetVerdict(), l.open)
			}
			if !strings.HasPrefix(l.open.GetCourse(), "Not upheld: with all its reports, what 2 Mar 2026 came to is ") {
				t.Errorf("says %q", l.open.GetCourse())
			}
			told := false
			for _, e := range l.last.Events {
				told = told || e.GetKind() == "alert_closed" && strings.Contains(e.GetSummary(), l.open.GetCourse())
			}
			if !told || len(l.last.Outbox) != 1 || !strings.Contains(string(l.last.Outbox[0].Body), `"reason":"not_upheld"`) {
				t.Errorf("told %v: %v", l.last.Events, l.last.Outbox)
			}
		})
	}
}

// An alert that its day upheld stays, whether or not everybody was judged between the day
// and the next, and whatever the days after come to.
func TestAlertOfAWholeDay(t *testing.T) {
	t.Parallel()
	for name, swept := range map[string]bool{"reports alone": false, "with sweeps": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newKVMLaptop(t)
			l.raised()
			for day := 1; day < 40; day++ {
				if swept {
					l.sweep(day)
				}
				l.deliver(hour(24*day), l.report(hour(24*day), local))
				if l.open.GetState() != alert.StateOpen || l.open.GetProvisional() || l.open.GetUpheld() != "likely" {
					t.Fatalf("after %d days: %v", day, l.open)
				}
			}
			if v := l.dev.Judgement.GetAssessment().GetVerdict(); v != "clear" {
				t.Errorf("in the end the verdict is %s: it tests nothing", v)
			}
		})
	}
}

// Of a laptop that is not heard of any more, the last day is settled once late reports of
// it are not waited for any longer.
func TestAlertOfTheLastDay(t *testing.T) {
	t.Parallel()
	l := newKVMLaptop(t)
	l.raised()
	settled := 0
	for day := 1; day < 30; day++ {
		l.sweep(day)
		if settled == 0 && !l.open.GetProvisional() {
			settled = day
		}
	}
	if settled != 15 || l.open.GetUpheld() != "likely" || l.open.GetState() != alert.StateOpen {
		t.Errorf("settled after %d days: %v", settled, l.open)
	}
}
