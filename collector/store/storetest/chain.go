package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func testChains(t *testing.T, s store.Store) {
	ctx := t.Context()
	if _, err := s.Chain(ctx, "d1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown chain: %v", err)
	}
	// A first delivery came with no nonce.
	for _, want := range []store.Chain{
		{Device: "d1", Current: []byte("n1"), BootID: "b1"},
		{Device: "d1", Current: []byte("n2"), Previous: []byte("n1"), BootID: "b2"},
	} {
		must(t, s.Commit(ctx, []store.Change{{Device: device("d1", "S", "clear", 0), Chain: &want}}))
		must(t, s.Commit(ctx, []store.Change{{Device: device("d1", "S", "clear", 0)}})) // leaves it
		got, err := s.Chain(ctx, "d1")
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	// It commits with the rest of its change or not at all.
	bad := []*fleetv1.Alert{{Id: "a1", Device: "d1", State: "open"}, {Id: "a2", Device: "d1", State: "open"}}
	err := s.Commit(ctx, []store.Change{{Device: device("d1", "S", "clear", 0), Alerts: bad, Chain: &store.Chain{Device: "d1", Current: []byte("n3")}}})
	if got, readErr := s.Chain(ctx, "d1"); err == nil || readErr != nil || string(got.Current) != "n2" {
		t.Errorf("after a commit that failed (%v): %+v, %v", err, got, readErr)
	}
}

func testEpoch(t *testing.T, s store.Store) {
	first, err := s.Epoch(t.Context())
	must(t, err)
	again, err := s.Epoch(t.Context())
	must(t, err)
	if len(first) != store.EpochSize || !cmp.Equal(first, again) {
		t.Errorf("the epoch is %x, then %x", first, again)
	}
}
