package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/store"
)

// Whoever looks at people beside the store is in the audit log as whoever asks the
// collector is, also where nothing is changed.
func TestLooksBesideTheStoreAreAudited(t *testing.T) {
	t.Parallel()
	s, _ := newKeys(t, time.Hour, map[string]uint32{"d1": 1}, "")
	file := filepath.Join(t.TempDir(), "hr.csv")
	if err := os.WriteFile(file, []byte("serial,person\nA1,p-1\nA2,p-2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"roster", "diff", file}, {"roster", "import", file, "--dry-run"}, {"roster", "import", file}, {"roster", "export"}, {"roster", "changes", "1"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"--config", s.config}, args...), nil, &out, &out); code != 0 {
			t.Fatalf("%v: exit %d, %s", args, code, &out)
		}
	}
	for _, version := range []string{"0", "2"} {
		var out bytes.Buffer
		if code := run(t.Context(), []string{"--config", s.config, "roster", "changes", version}, nil, &out, &out); code != 1 {
			t.Errorf("changes of version %s, which is not: exit %d, %s", version, code, &out)
		}
	}
	var said []string
	err := withStore(s, func(ctx context.Context, kept store.Store) error {
		log, err := kept.AuditLog(ctx, time.Time{}, 100)
		for _, e := range log {
			if e.Actor == "command line" && (e.Action == "roster.compare" || e.Action == "roster.export" || e.Action == "roster.changes") {
				said = append(said, e.Action+": "+e.Detail)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(said)
	want := []string{
		"roster.changes: 2 rows of version 1", `roster.compare: 2 changes that "hr.csv" would make, 0 refused`,
		`roster.compare: 2 changes that "hr.csv" would make, 0 refused`, "roster.export: 2 laptops",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("audited (-want +got):\n%s", diff)
	}
}
