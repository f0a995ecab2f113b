package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestHistoriesAreLinked(t *testing.T) {
	t.Parallel()
	hour := func(n int) time.Time { return time.Unix(int64(n)*3600, 0) }
	identity := store.Identity{EnrolledAt: hour(1), Supersedes: "d0", SupersededBy: "d2", SupersededAt: hour(5)}
	for name, tt := range map[string]struct {
		identity store.Identity
		since    time.Time
		limit    int
		want     []string
	}{
		"nothing to link": {store.Identity{EnrolledAt: hour(1)}, time.Time{}, 9, []string{"first_report", "verdict_changed"}},
		"both ways":       {identity, time.Time{}, 9, []string{"supersedes", "first_report", "superseded", "verdict_changed"}},
		"since":           {identity, hour(2), 9, []string{"first_report", "superseded", "verdict_changed"}},
		"the latest":      {identity, time.Time{}, 2, []string{"superseded", "verdict_changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := []*fleetv1.Event{{At: timestamppb.New(hour(2)), Kind: "first_report"}, {At: timestamppb.New(hour(6)), Kind: "verdict_changed"}}
			var kinds []string
			for _, e := range withLinks(events, tt.identity, tt.since, tt.limit) {
				kinds = append(kinds, e.GetKind())
			}
			if diff := cmp.Diff(tt.want, kinds); diff != "" {
				t.Error(diff)
			}
		})
	}
}
