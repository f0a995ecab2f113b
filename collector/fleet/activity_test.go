package fleet

import (
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestWeeklyUse(t *testing.T) {
	t.Parallel()
	// use tells Monday's use at nine o'clock in the morning and in the evening in Ohio,
	// Friday's and Sunday's at nine, and of how many half hours in all.
	use := func(d *fleetv1.Device) any {
		hours := d.GetWeeklyUse()
		if len(hours) == 0 {
			return "unknown"
		}
		all := uint32(0)
		for _, n := range hours {
			all += n
		}
		const nine = 14 // in UTC
		return sentence("%d %d %d %d of %d in %d hours", hours[nine], hours[nine+9], hours[4*24+nine], hours[6*24+nine], all, len(hours))
	}
	week := func(l *laptop) []Observation { return l.workdays(monday, 5) }
	check(t, []derived{
		{name: "a week", life: week, get: use, want: "2 0 2 0 of 80 in 168 hours"},
		{name: "two weeks", get: use, want: "4 0 4 0 of 160 in 168 hours", life: func(l *laptop) []Observation {
			return append(week(l), l.workdays(monday.AddDate(0, 0, 7), 5)...)
		}},
		{name: "only its end is of the last four weeks", life: week, now: 25 * 24 * time.Hour, get: use, want: "0 0 2 0 of 48 in 168 hours"},
		{name: "never in use", life: func(l *laptop) []Observation { return []Observation{l.report(monday)} }, get: use, want: "unknown"},
	})
}
