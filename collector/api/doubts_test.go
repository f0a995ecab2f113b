package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What many laptops contradict is said once with a list of devices, however many pages
// that has.
func TestListsSayWhatIsDoubtful(t *testing.T) {
	t.Parallel()
	f, _ := located(t)
	f.Doubts = func() *fleetv1.CheckRosterResponse {
		return &fleetv1.CheckRosterResponse{Doubts: []*fleetv1.RosterDoubt{{Line: "country US", Sentence: "Is it right?"}}}
	}
	first, err := f.ListDevices(t.Context(), &fleetv1.ListDevicesRequest{PageSize: 1})
	must(t, err)
	if diff := cmp.Diff([]string{"Is it right?"}, first.GetDoubts()); diff != "" {
		t.Errorf("the first page (-want +got):\n%s", diff)
	}
	next, err := f.ListDevices(t.Context(), &fleetv1.ListDevicesRequest{PageSize: 1, PageToken: first.GetNextPageToken()})
	must(t, err)
	if first.GetNextPageToken() == "" || len(next.GetDoubts()) > 0 {
		t.Errorf("the page after %q says %v", first.GetNextPageToken(), next.GetDoubts())
	}
}
