package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
	"github.com/farmhound-security/farmhound/collector/store/storetest"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "a b?#%.db")) })
}

func TestReopenKeepsEverything(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "farmhound.db")
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	change := store.Change{Device: &store.Device{
		Summary: &fleetv1.DeviceSummary{Id: "d1"}, Picture: &fleetv1.Picture{Id: "d1"}, Judgement: &fleetv1.Judgement{},
	}}
	if err := s.Commit(t.Context(), []store.Change{change}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path).Device(t.Context(), "d1"); err != nil {
		t.Error(err)
	}
}

// A file cannot tell whether it was restored, so that every opening is another life.
func TestEveryOpeningBeginsAnEpoch(t *testing.T) {
	t.Parallel()
	path, seen := filepath.Join(t.TempDir(), "farmhound.db"), map[string]bool{}
	for range 3 {
		s, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		epoch, err := s.Epoch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen[string(epoch)] = true
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d epochs in 3 openings", len(seen))
	}
}

func TestNotADatabase(t *testing.T) {
	t.Parallel()
	_, err := sqlite.Open(t.Context(), t.TempDir()) // a directory
	if err == nil || !strings.Contains(err.Error(), "store") {
		t.Errorf("opening a directory: %v", err)
	}
}
