package detect

import (
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestClauses(t *testing.T) {
	t.Parallel()
	from, to := at(time.March, 2, 0), at(time.March, 12, 0)
	for _, tt := range []struct{ got, want string }{
		{days(&fleetv1.Activity{Days: 8, ActiveHours: p(50.0), From: from, To: to}), "8 active days (2–11 Mar 2026)"},
		{days(&fleetv1.Activity{Days: 1, ActiveHours: p(5.0)}), "1 active day"},
		{days(&fleetv1.Activity{Days: 8, From: from, To: to}), "8 days (2–11 Mar 2026)"}, // nothing tells of use
		{days(nil), "an unknown number of days"},
		{span(&fleetv1.Activity{Days: 8, From: from, To: to}), " (2–11 Mar 2026)"}, {span(&fleetv1.Activity{Days: 8}), ""}, {span(nil), ""},
		{besideAssistive(&fleetv1.Activity{AssistiveShare: p(0.0)}), "with no known assistive technology running"},
		{besideAssistive(&fleetv1.Activity{AssistiveShare: p(0.03)}), "with known assistive technology running for 3 % of the active time"},
		{besideAssistive(&fleetv1.Activity{}), "whether assistive technology ran is not known"},
		{declared(&fleetv1.Person{Country: "US"}), " (declared: US)"}, {declared(nil), " (no country is declared)"},
		{home(&fleetv1.Person{Country: "US", Region: "OH"}), ` (US, "OH")`}, {home(&fleetv1.Person{Country: "US"}), " (US)"}, {home(nil), ""},
		{others(&fleetv1.Site{People: 5}), "laptops of 4 other people"}, {others(&fleetv1.Site{People: 2}), "a laptop of 1 other person"},
		{others(&fleetv1.Site{People: 5, UnnamedPeople: 4}), "4 other laptops of people whom the roster does not name"},
		{others(&fleetv1.Site{People: 2, UnnamedPeople: 1}), "1 other laptop of somebody whom the roster does not name"},
		{others(&fleetv1.Site{People: 5, UnnamedPeople: 1}), "laptops of 3 other people and 1 laptop of somebody whom the roster does not name"},
		{together(&fleetv1.Site{Days: 8, TogetherFrom: from, TogetherTo: to}), "on 8 days of UTC (2–11 Mar 2026)"},
		{together(&fleetv1.Site{Days: 1}), "on 1 day of UTC"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}
