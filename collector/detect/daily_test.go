package detect

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// TestDaysAreOverForAllAtOnce: whoever has a laptop, and whatever zone is entered for them
// in the middle, the days that are settled end when everybody's do.
func TestDaysAreOverForAllAtOnce(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, time.March, 10, 0, 0, 0, 0, time.UTC)
	// settle tells of a report every six hours of four days, by a clock that changes.
	settle := func(zone func(time.Time) string) (ends []time.Time, last *fleetv1.Judgement) {
		d := New(rules(t), Options{})
		view := func(at time.Time) *fleetv1.Device {
			dev := rmmFarmLaptop()
			dev.Person.TimeZone, dev.LastReportAt = zone(at), timestamppb.New(at)
			return dev
		}
		var before *fleetv1.Judgement
		for h := 0; h < 4*24; h += 6 {
			at, was := begin.Add(time.Duration(h)*time.Hour), View(view)
			if h == 0 {
				was = nil
			}
			c := d.Resume(before, at.Add(-6*time.Hour))
			if err := c.Reported(at, was); err != nil {
				t.Fatal(err)
			}
			m, err := c.Judge(at, view)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range c.Settled {
				ends = append(ends, o.At)
			}
			before = m.After
		}
		return ends, before
	}
	want, judged := settle(func(time.Time) string { return "UTC" })
	if len(want) != 3 || !want[0].Equal(begin.Add(day-time.Second)) {
		t.Fatalf("days settled: %v", want)
	}
	for name, zone := range map[string]func(time.Time) string{
		"Los Angeles": func(time.Time) string { return "America/Los_Angeles" },
		"one that changes with every report": func(at time.Time) string {
			if at.Hour()%12 == 0 {
				return "Pacific/Kiritimati"
			}
			return "Pacific/Pago_Pago"
		},
	} {
		got, other := settle(zone)
		if len(got) != len(want) {
			t.Fatalf("%s: days settled: %v, want %v", name, got, want)
		}
		for i := range got {
			if !got[i].Equal(want[i]) {
				t.Errorf("%s: a day settled at %v, want %v", name, got[i], want[i])
			}
		}
		if !proto.Equal(judged.GetSettled(), other.GetSettled()) {
			t.Errorf("%s: settled as\n%v, want\n%v", name, other.GetSettled(), judged.GetSettled())
		}
	}
}
