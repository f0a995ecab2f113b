package main

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestGaps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sums *fleetv1.Gaps
		want string
	}{
		{nil, ""},
		{&fleetv1.Gaps{AsleepHours: 0.2}, ""},
		{&fleetv1.Gaps{AsleepHours: 211.6, AgentStoppedHours: 20}, "of the last 20 days 212 h asleep, 20 h agent stopped"},
	} {
		if got := gapSums(test.sums); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	from, to := timestamppb.New(time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC)), timestamppb.New(time.Date(2026, 3, 3, 8, 0, 0, 0, time.UTC))
	for kind, want := range map[string]string{
		"network_blocked": "network blocked from " + at(from) + " to " + at(to), "asleep": "",
	} {
		if got := gapWords(&fleetv1.Gap{Kind: kind, From: from, To: to}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
