package fleet

import (
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// weeksIn returns working weeks by the clock of a zone: in use from one hour to another,
// which may be on the next day, driven through AnyDesk in one session a day. Uneven ones
// begin an hour later one day and end an hour sooner the next.
func weeksIn(zone string, first time.Time, weeks, from, to int, uneven bool) func(*testing.T, *laptop) []Observation {
	return func(t *testing.T, l *laptop) []Observation {
		t.Helper()
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		l.rtt = 30
		var all []Observation
		for day := range weeks * 7 {
			if day%7 >= 5 {
				continue
			}
			at := func(hour int) time.Time {
				return time.Date(first.Year(), first.Month(), first.Day()+day, hour, 0, 0, 0, loc)
			}
			from, to := from, to
			switch {
			case uneven && day%2 == 0:
				from++
			case uneven:
				to--
			}
			for h := from; h < to; h++ {
				l.hours = append(l.hours, hour(at(h), 45, driven("anydesk")))
				s := control(fmt.Sprint("session", day), "anydesk", shenyang, at(from))
				if h == to-1 {
					until(at(to))(s)
				}
				all = append(all, l.report(at(h+1), s))
			}
		}
		return all
	}
}

func TestDaysAreThePersons(t *testing.T) {
	t.Parallel()
	winter := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	spring := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // clocks change on the Sunday between, in America
	autumn := time.Date(2026, 9, 21, 0, 0, 0, 0, time.UTC)
	night := func(p *fleetv1.Person) {
		p.WorkStartMinute, p.WorkEndMinute = proto.Uint32(22*60), proto.Uint32(6*60)
	}
	const (
		week    = "5 days of 2026-01-05..2026-01-10, the last 6.0 hours, 5 driven, operator 5, peer 5, round trips 5, known 5, foreign 0"
		inMarch = "10 days of 2026-03-02..2026-03-14, the last 6.0 hours, 10 driven, operator 10, peer 10, round trips 10, known 10, foreign 0"
	)
	for _, test := range []struct {
		name           string
		lives          string // where the laptop is used
		declared, set  string // zones of the roster and of the laptop
		first          time.Time
		weeks          int
		from, to       int
		uneven         bool
		change         func(*fleetv1.Person)
		want, wantDays string
	}{
		{name: "Los Angeles", lives: "America/Los_Angeles", declared: "America/Los_Angeles", want: week},
		{name: "by the laptop's zone", lives: "America/Los_Angeles", set: "America/Los_Angeles", want: week},
		{name: "the roster's before the laptop's", lives: "America/Los_Angeles", declared: "America/Los_Angeles", set: "Asia/Shanghai", want: week},
		{name: "a roster that says UTC", lives: "UTC", declared: "UTC", set: "Pacific/Auckland", want: week},
		{name: "a zone that is none", lives: "America/Los_Angeles", declared: "Nowhere/Town", set: "America/Los_Angeles", want: week},
		{
			name: "no zone at all is UTC", lives: "America/Los_Angeles",
			want: "6 days of 2026-01-05..2026-01-11, the last 0.8 hours, 6 driven, operator 6, peer 6, round trips 6, known 6, foreign 0",
		},
		{name: "Honolulu", lives: "Pacific/Honolulu", declared: "Pacific/Honolulu", want: week},
		{name: "Auckland", lives: "Pacific/Auckland", declared: "Pacific/Auckland", want: week},
		{name: "Sydney", lives: "Australia/Sydney", declared: "Australia/Sydney", want: week},
		{name: "Kolkata", lives: "Asia/Kolkata", declared: "Asia/Kolkata", want: week},
		{name: "Kathmandu", lives: "Asia/Kathmandu", declared: "Asia/Kathmandu", want: week},
		{name: "Chatham", lives: "Pacific/Chatham", declared: "Pacific/Chatham", want: week},
		{name: "New York", lives: "America/New_York", declared: "America/New_York", want: week},
		{name: "Berlin", lives: "Europe/Berlin", declared: "Europe/Berlin", want: week},
		{name: "UTC", lives: "UTC", declared: "UTC", want: week},
		{name: "Los Angeles, clocks change", lives: "America/Los_Angeles", declared: "America/Los_Angeles", first: spring, weeks: 2, want: inMarch},
		{name: "New York, clocks change", lives: "America/New_York", declared: "America/New_York", first: spring, weeks: 2, want: inMarch},
		{
			name: "Auckland, clocks change", lives: "Pacific/Auckland", declared: "Pacific/Auckland", first: autumn, weeks: 2,
			want: "10 days of 2026-09-21..2026-10-03, the last 6.0 hours, 10 driven, operator 10, peer 10, round trips 10, known 10, foreign 0",
		},
		{
			name: "a night shift", lives: "America/Los_Angeles", declared: "America/Los_Angeles", from: 22, to: 30, change: night, want: week,
		},
		{
			name: "a night shift in Berlin", lives: "Europe/Berlin", declared: "Europe/Berlin", from: 22, to: 30, change: night, want: week,
		},
		{
			// Whoever keeps a day in China on a laptop that is declared to be in Ohio.
			name: "around midnight", lives: "Asia/Shanghai", declared: "America/New_York", from: 9, to: 17, weeks: 2, uneven: true,
			want: "12 days of 2026-01-04..2026-01-17, the last 2.2 hours, 12 driven, operator 10, peer 10, round trips 10, known 12, foreign 0",
		},
		{
			name: "a night shift that nobody declared ends on the next date", lives: "Europe/Berlin", declared: "Europe/Berlin", from: 22, to: 30,
			want: "6 days of 2026-01-05..2026-01-11, the last 4.5 hours, 6 driven, operator 6, peer 6, round trips 6, known 6, foreign 0",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.first.IsZero() {
				test.first = winter
			}
			if test.to == 0 {
				test.from, test.to = 9, 17
			}
			l := newLaptop("d1")
			person := ohioan("p1")
			person.TimeZone = test.declared
			if test.change != nil {
				test.change(person)
			}
			l.seen.Place.TimeZone = test.set
			f := newFleet(people{l.serial: person})
			all := weeksIn(test.lives, test.first, max(test.weeks, 1), test.from, test.to, test.uneven)(t, l)
			d := f.Device(lived(t, f, all), after(all))
			a := d.GetDay20()
			date := func(at time.Time) string { return at.UTC().Format(time.DateOnly) }
			got := sentence("%d days of %s..%s, the last %.1f hours, %d driven, operator %d, peer %d, round trips %d, known %d, foreign %d",
				a.GetDays(), date(a.GetFrom().AsTime()), date(a.GetTo().AsTime()), d.GetDay1().GetActiveHours(), a.GetDrivenDays(),
				d.GetOperator().GetDays(), d.GetOperator().GetPeers()[0].GetDays(), d.GetDistance().GetDays(),
				d.GetPlace().GetKnownDays(), d.GetEgress().GetForeignDays())
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestPartsAddUp splits a day in every way that a zone can and finds all of it again.
func TestPartsAddUp(t *testing.T) {
	t.Parallel()
	d := &fleetv1.Day{Day: 20458, Slots: 0b1011_0000_1110_1111_0000_0000_0000_0001_1111_1111_1111_0111, ActiveSeconds: 19999}
	for minutes := -12 * 60; minutes <= 14*60; minutes += 15 {
		c := clock{loc: time.FixedZone("", minutes*60)}
		s := c.split(d)
		early, late := s.parts(d)
		if sum := early.count(d.GetActiveSeconds()) + late.count(d.GetActiveSeconds()); sum != uint64(d.GetActiveSeconds()) {
			t.Errorf("%d minutes ahead: %d of %d seconds", minutes, sum, d.GetActiveSeconds())
		}
		if early.slots()|late.slots() != d.GetSlots() || early.slots()&late.slots() != 0 {
			t.Errorf("%d minutes ahead: half hours %048b and %048b", minutes, early.slots(), late.slots())
		}
		if n := bits.OnesCount64(early.slots()); n != int(early.hi-early.lo) {
			t.Errorf("%d minutes ahead: %d half hours are a share of %d", minutes, n, early.hi-early.lo)
		}
	}
}

// TestDateStart holds what begins a date against the date at that moment.
func TestDateStart(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata", "Africa/Cairo", "America/Santiago", "UTC"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, begins := range []int64{0, 14 * 3600} {
			c := clock{loc: loc, begins: begins}
			for date := uint32(20454); date < 20454+365; date++ {
				start := c.start(date)
				// Where clocks are changed at midnight there is none, or two.
				if got, before := c.date(start+3600), c.date(start-3601); got != date || before != date-1 {
					t.Errorf("%s: date %d from %d on is %d, before it %d", zone, date, start, got, before)
				}
			}
		}
	}
}

func TestOfficeAndSlipsCountOnce(t *testing.T) {
	t.Parallel()
	loc, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	l := newLaptop("d1")
	person := ohioan("p1")
	person.TimeZone = loc.String()
	f := newFleet(people{l.serial: person})
	var all []Observation
	for day := range 5 {
		for h := 9; h < 17; h++ {
			at := time.Date(2026, 1, 5+day, h, 0, 0, 0, loc)
			l.peer = ohio
			l.at("home")
			switch {
			case day == 2:
				l.peer = office
				l.at("office")
			case day == 3 && h >= 15: // four o'clock is midnight in UTC
				l.peer = shenyang
			}
			l.hours = append(l.hours, hour(at, 45))
			all = append(all, l.report(at.Add(time.Hour-time.Minute)))
		}
	}
	d := f.Device(lived(t, f, all), after(all))
	got := sentence("%d at the office, %d slip days in %s", d.GetPlace().GetOfficeDays(), d.GetEgress().GetSlipDays(), d.GetEgress().GetSlipCountry())
	if want := "1 at the office, 1 slip days in CN"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
