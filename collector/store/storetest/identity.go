package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/farmhound-security/farmhound/collector/store"
)

func testSupersede(t *testing.T, s store.Store) {
	ctx := t.Context()
	must(t, s.CreateSecret(ctx, store.Secret{ID: "x", Hash: []byte("h"), CreatedAt: start}))
	hours := 0
	for _, id := range []store.Identity{
		{Device: "d1", Serial: "S1"}, {Device: "other", Serial: "S2"}, {Device: "none1"}, {Device: "none2"},
		{Device: "d2", Serial: "S1"}, {Device: "d2", Serial: "S1"}, {Device: "d3", Serial: "S1"},
	} {
		at := start.Add(time.Duration(hours) * time.Hour)
		id.EnrolledAt = at
		must(t, s.Enroll(ctx, []byte("h"), id, at))
		hours++
	}
	got, err := s.Identities(ctx)
	must(t, err)
	at := func(hours time.Duration) time.Time { return start.Add(hours * time.Hour) }
	want := []store.Identity{
		{Device: "d1", Serial: "S1", EnrolledAt: at(0), SupersededBy: "d2", SupersededAt: at(4)},
		{Device: "d2", Serial: "S1", EnrolledAt: at(4), Supersedes: "d1", SupersededBy: "d3", SupersededAt: at(6)},
		{Device: "d3", Serial: "S1", EnrolledAt: at(6), Supersedes: "d2"},
		{Device: "none1", EnrolledAt: at(2)},
		{Device: "none2", EnrolledAt: at(3)},
		{Device: "other", Serial: "S2", EnrolledAt: at(1)},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Identity{}, "SecretID")); diff != "" {
		t.Error(diff)
	}

	// The serial names the latest that has reported.
	must(t, s.Commit(ctx, []store.Change{{Device: device("d1", "S1", "likely", 0.8)}, {Device: device("d2", "S1", "clear", 0)}}))
	found, err := s.FindDevice(ctx, "S1")
	must(t, err)
	if found.Summary.GetId() != "d2" || found.Summary.GetSupersedes() != "d1" || found.Summary.GetSupersededBy() != "d3" {
		t.Errorf("S1 is %v", found.Summary)
	}
	rows, _, err := s.Devices(ctx, store.DeviceFilter{Prefix: "S1", Limit: 10})
	must(t, err)
	if len(rows) != 2 || rows[0].GetId() != "d1" || rows[0].GetSupersededBy() != "d2" || rows[0].GetVerdict() != "likely" {
		t.Errorf("listed %v", rows)
	}
}

func testNotes(t *testing.T, s store.Store) {
	ctx := t.Context()
	must(t, s.CreateSecret(ctx, store.Secret{ID: "x", Hash: []byte("h"), CreatedAt: start}))
	for i := range 3 {
		must(t, s.RefuseEnrollment(ctx, []byte("h"), 2, start.Add(time.Duration(i)*time.Hour)))
	}
	if err := s.RefuseEnrollment(ctx, []byte("none"), 1, start); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a secret that is unknown: %v", err)
	}
	secrets, err := s.Secrets(ctx)
	must(t, err)
	if len(secrets) != 1 || secrets[0].Refused != 6 || !secrets[0].RefusedAt.Equal(start.Add(2*time.Hour)) || secrets[0].Uses != 0 {
		t.Errorf("secrets %+v", secrets)
	}
	must(t, s.Enroll(ctx, []byte("h"), store.Identity{Device: "d1"}, start))
	for _, trusts := range [][]string{{"aa", "bb"}, {"bb"}, nil} {
		must(t, s.NoteTrust(ctx, "d1", "bb", trusts))
		id, err := s.Identity(ctx, "d1")
		must(t, err)
		if id.CA != "bb" || !cmp.Equal(trusts, id.Trusts) {
			t.Errorf("identity %+v, want it to trust %v", id, trusts)
		}
	}
	if err := s.NoteTrust(ctx, "d2", "bb", nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a device that is unknown: %v", err)
	}
}
