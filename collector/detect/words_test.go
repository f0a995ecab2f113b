package detect

import (
	"strings"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestWords(t *testing.T) {
	t.Parallel()
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct{ got, want string }{
		{percent(0.834), "83 %"}, {percent(0), "0 %"}, {percent(1), "100 %"}, {percent(0.001), "under 1 %"}, {percent(0.999), "over 99 %"},
		{number(7), "7"}, {number(7.52), "7.5"}, {number(83.7), "84"}, {number(0), "0"},
		{hours(1), "1 hour"}, {hours(6.5), "6.5 hours"},
		{atLeastMilliseconds(210.5), "210 ms"}, {atLeastMilliseconds(9.99), "9.9 ms"}, {atLeastMilliseconds(90), "90 ms"},
		{atMostMilliseconds(210.5), "211 ms"}, {atMostMilliseconds(9.91), "10 ms"}, {atMostMilliseconds(8.71), "8.8 ms"}, {atMostMilliseconds(90), "90 ms"},
		{count(1, "day", "days"), "1 day"}, {count(14.9, "day", "days"), "14 days"},
		{date(day(2026, 3, 2)), "2 Mar 2026"}, {date(time.Unix(0, 0)), "an unknown date"},
		{datesOf(day(2026, 3, 12), day(2026, 3, 17)), "12–16 Mar 2026"},
		{datesOf(day(2026, 3, 12), day(2026, 3, 13)), "12 Mar 2026"},
		{datesOf(day(2026, 2, 26), day(2026, 3, 18)), "26 Feb – 17 Mar 2026"},
		{datesOf(day(2025, 12, 30), day(2026, 1, 3)), "30 Dec 2025 – 2 Jan 2026"},
		{datesOf(day(2026, 3, 12), day(2026, 3, 1)), "unknown dates"},
		{period(&fleetv1.Activity{Days: 5, ActiveHours: p(38.0)}), "over 5 active days"}, {period(&fleetv1.Activity{Days: 5}), "over 5 days"},
		{ofTime(&fleetv1.Activity{Days: 5, ActiveHours: p(38.0)}), "of its active time"},
		{ofTime(&fleetv1.Activity{Days: 5}), "of the time that it was awake (ten hours a day at most)"},
		{period(&fleetv1.Activity{Days: 1, From: at(time.March, 17, 0), To: at(time.March, 18, 0)}), "on 17 Mar 2026"},
		{names(nil), "an unnamed tool"}, {names([]string{"A"}), "A"}, {names([]string{"A", "B"}), "A and B"},
		{names([]string{"A", "B", "C"}), "A, B and C"}, {names([]string{"A", "B", "C", "D", "E", "F"}), "A, B, C, D and 2 more"},
		{names([]string{"A", "A", "B", "A"}), "A and B"}, {names([]string{"A", "B", "C", "D", "D"}), "A, B, C and D"},
		{said("a\nb\x1b[31m\"c\xff"), `"ab[31m\"c"`},
		{plain(strings.Repeat("é", 40)), strings.Repeat("é", 32) + "…"},
		{sentence("the lid"), "The lid."}, {sentence(""), ""}, {sentence("x11vnc runs"), "x11vnc runs."},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func datesOf(from, to time.Time) string { return string(appendDates(nil, from, to)) }
