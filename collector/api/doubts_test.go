package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/store"

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

// Whoever reads of a device reads what is doubtful of that which is said of it, and not
// what is of others.
func TestADeviceSaysWhatIsDoubtfulOfIt(t *testing.T) {
	t.Parallel()
	f, _ := located(t)
	person := &fleetv1.Person{Country: "US", Region: "OH", ShipTo: "US-OH", TimeZone: "America/New_York"}
	f.Derive = func(*store.Device) *fleetv1.Device { return &fleetv1.Device{Person: person} }
	f.Doubts = func() *fleetv1.CheckRosterResponse {
		found := &fleetv1.CheckRosterResponse{}
		for _, line := range []string{"country US", "country DE", "region US-OH", "region US-TX", "ship_to US-OH", "ship_to DE", "time_zone America/New_York", "time_zone UTC", "place 40, -83", "home_countries US, CA"} {
			found.Doubts = append(found.Doubts, &fleetv1.RosterDoubt{Line: line, Sentence: line + "?"})
		}
		return found
	}
	got, err := f.GetDevice(t.Context(), &fleetv1.GetDeviceRequest{Device: "d1"})
	must(t, err)
	want := []string{"country US?", "region US-OH?", "ship_to US-OH?", "time_zone America/New_York?", "place 40, -83?", "home_countries US, CA?"}
	if diff := cmp.Diff(want, got.GetDoubts()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
