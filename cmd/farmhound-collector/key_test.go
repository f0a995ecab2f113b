package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// TestKeyRetireWaitsForLaptops: the oldest key goes when every laptop that stands has
// hashed with a newer one, and not before what it alone names is forgotten.
func TestKeyRetireWaitsForLaptops(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		rotated time.Duration // how long ago
		keys    map[string]uint32
		revoked string
		want    string // of the refusal; empty for none
	}{
		{"all have the new key", 40 * 24 * time.Hour, map[string]uint32{"d1": 2, "d2": 2}, "", ""},
		{"one has not", 40 * 24 * time.Hour, map[string]uint32{"d1": 2, "d2": 1}, "", "1 of 2 laptops have hashed with no key newer than 1"},
		{"the one that has not is gone", 40 * 24 * time.Hour, map[string]uint32{"d1": 2, "d2": 1}, "d2", ""},
		{"one never hashed anything", 40 * 24 * time.Hour, map[string]uint32{"d1": 2, "d2": 0}, "", ""},
		{"too early", 34 * 24 * time.Hour, map[string]uint32{"d1": 2, "d2": 2}, "", "counts until"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, out := newKeys(t, tt.rotated, tt.keys, tt.revoked)
			err := (&keyRetireCmd{}).Run(s)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want a refusal with %q", err, tt.want)
			case tt.want != "":
				if err := (&keyRetireCmd{Force: true}).Run(s); err != nil {
					t.Errorf("by force: %v", err)
				}
			}
			var detail string
			if tt.want != "" {
				detail = "forced, although "
			}
			if got := retirements(t, s); len(got) != 1 || got[0].Object != "1" ||
				!strings.HasPrefix(got[0].Detail, detail) || !strings.Contains(got[0].Detail, tt.want) || (detail == "") != (got[0].Detail == "") {
				t.Errorf("the audit log has %+v", got)
			}
			if !strings.Contains(out.String(), "Fleet key 1 is retired") {
				t.Errorf("said %q", out)
			}
		})
	}
}

// retirements returns what the audit log says of keys that were retired.
func retirements(t *testing.T, s *surroundings) (all []store.AuditEntry) {
	t.Helper()
	err := withStore(s, func(ctx context.Context, kept store.Store) error {
		log, err := kept.AuditLog(ctx, time.Time{}, 100)
		for _, e := range log {
			if strings.HasPrefix(e.Action, "key.retire") {
				all = append(all, e)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// newKeys returns the surroundings of a store with two keys, the second made a while
// ago, and laptops by the newest key that each hashed with.
func newKeys(t *testing.T, rotated time.Duration, keys map[string]uint32, revoked string) (*surroundings, *bytes.Buffer) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	dir := filepath.Join(t.TempDir(), "c")
	if code := run(t.Context(), []string{"init", "--dir", dir, "--name", "collector.example.com"}, nil, &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	out.Reset()
	s := &surroundings{ctx: t.Context(), config: filepath.Join(dir, "collector.yaml"), out: &out, errOut: &out}
	config, err := collector.ReadConfig(s.config)
	must(err)
	kept, err := collector.OpenStore(t.Context(), config.Data)
	must(err)
	_, err = collector.RotateFleetKey(t.Context(), kept, time.Now().Add(-rotated))
	must(err)
	now := time.Now()
	must(kept.CreateSecret(t.Context(), store.Secret{ID: "any", Hash: []byte("any"), CreatedAt: now}))
	for id, key := range keys {
		must(kept.Enroll(t.Context(), []byte("any"), store.Identity{Device: id, Serial: fmt.Sprint("S-", id), EnrolledAt: now}, now))
		must(kept.Commit(t.Context(), []store.Change{{Device: &store.Device{
			Summary: &fleetv1.DeviceSummary{Id: id}, Picture: &fleetv1.Picture{Id: id, FleetKey: key}, Judgement: &fleetv1.Judgement{},
		}}}))
	}
	if revoked != "" {
		must(kept.RevokeIdentity(t.Context(), revoked, "sold", now))
	}
	must(kept.Close())
	return s, &out
}
