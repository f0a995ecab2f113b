package fleet

import (
	"testing"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestUnusedSince(t *testing.T) {
	t.Parallel()
	// on returns days on which the laptop is awake for an hour and used for so many minutes.
	on := func(l *laptop, from time.Time, days int, minutes uint32, change ...func(*farmhoundv1.Window)) []Observation {
		var all []Observation
		for d := range days {
			at := from.AddDate(0, 0, d).Add(10 * time.Hour)
			l.hours = append(l.hours, hour(at, minutes, change...))
			all = append(all, l.report(at.Add(time.Hour)))
		}
		return all
	}
	blind := func(w *farmhoundv1.Window) { w.ActiveSeconds, w.Input = nil, nil }
	since := func(d *fleetv1.Device) any {
		if d.GetUnusedSince() == nil {
			return "used"
		}
		return d.GetUnusedSince().AsTime().Format(time.RFC3339)
	}
	saturday := monday.AddDate(0, 0, 5)
	check(t, []derived{
		{
			name: "used every day", want: "used", get: since,
			life: func(l *laptop) []Observation { return l.workdays(monday, 5) },
		},
		{
			name: "the evening of its last day in use", want: "used", get: since,
			life: func(l *laptop) []Observation {
				all := l.workdays(monday, 5)
				l.hours = append(l.hours, hour(saturday.Add(-2*time.Hour), 0))
				return append(all, l.report(saturday.Add(-time.Hour)))
			},
		},
		{
			name: "on for a fortnight after its last use", want: "2026-01-09T22:00:00Z", get: since,
			life: func(l *laptop) []Observation { return append(l.workdays(monday, 5), on(l, saturday, 14, 0)...) },
		},
		{
			name: "minutes of use are none", want: "2026-01-09T22:00:00Z", get: since,
			life: func(l *laptop) []Observation { return append(l.workdays(monday, 5), on(l, saturday, 1, 20)...) },
		},
		{
			name: "used again", want: "used", get: since,
			life: func(l *laptop) []Observation {
				return append(append(l.workdays(monday, 5), on(l, saturday, 14, 0)...), on(l, saturday.AddDate(0, 0, 14), 1, 40)...)
			},
		},
		{
			name: "asleep since", want: "used", get: since,
			life: func(l *laptop) []Observation { return append(l.workdays(monday, 5), on(l, saturday, 3, 0, asleep)...) },
		},
		{
			name: "whose use nobody sees", want: "used", get: since,
			life: func(l *laptop) []Observation { return append(l.workdays(monday, 5), on(l, saturday, 3, 0, blind)...) },
		},
		{
			name: "without windows", want: "used", get: since,
			life: func(l *laptop) []Observation {
				return append(l.workdays(monday, 5), l.report(saturday.AddDate(0, 0, 9)))
			},
		},
		{
			name: "new and not used yet", want: "used", get: since,
			life: func(l *laptop) []Observation { return on(l, monday, 30, 0) },
		},
		{
			name: "used longer ago than days are kept", want: "2026-01-26T00:00:00Z", get: since,
			life: func(l *laptop) []Observation { return append(l.workdays(monday, 5), on(l, saturday, 51, 0)...) },
		},
	})
}
