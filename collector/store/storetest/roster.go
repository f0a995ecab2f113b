package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/store"
)

func change(source, kind, key, before, after string) store.RosterChange {
	return store.RosterChange{Source: source, Kind: kind, Key: key, Before: before, After: after}
}

func recordsAsOf(t *testing.T, s store.Store, n uint64) []string {
	t.Helper()
	var all []string
	must(t, s.EachRosterRecord(t.Context(), n, store.RosterRecord{}, func(r store.RosterRecord) error {
		all = append(all, r.Source+"/"+r.Kind+"/"+r.Key+"="+r.Body)
		return nil
	}))
	return all
}

// Every version stays as it was, and tells what it changed.
func testRoster(t *testing.T, s store.Store) {
	ctx := t.Context()
	before, err := s.RosterVersion(ctx)
	must(t, err)
	if before != (store.RosterVersion{}) {
		t.Errorf("a new store has version %+v", before)
	}
	versions := []store.RosterVersion{
		{N: 0, Digest: "one", At: start, Actor: "ann", Origin: "a.csv", Added: 2, Refused: 1},
		{N: 1, Digest: "two", At: start.Add(time.Hour), Actor: "bob", Origin: "b.csv", Added: 1, Changed: 1, Removed: 1},
		{N: 2, Digest: "one", At: start.Add(2 * time.Hour), Actor: "bob", Origin: "a.csv"},
	}
	changes := [][]store.RosterChange{
		{change("api", "laptop", "A", "", "a1"), change("api", "laptop", "B", "", "b1")},
		{change("api", "laptop", "A", "a1", ""), change("api", "laptop", "B", "b1", "b2"), change("file", "office", "A", "", "c")},
		{change("api", "laptop", "A", "", "a1"), change("api", "laptop", "B", "b2", "b1"), change("file", "office", "A", "c", "")},
	}
	for i, v := range versions {
		n, err := s.PutRoster(ctx, v, changes[i], store.AuditEntry{At: v.At, Actor: v.Actor, Action: "roster.import", Object: v.Origin})
		must(t, err)
		if n != uint64(i+1) {
			t.Errorf("version %d is numbered %d", i+1, n)
		}
		versions[i].N = n
	}
	for n, want := range [][]string{
		nil,
		{"api/laptop/A=a1", "api/laptop/B=b1"},
		{"api/laptop/B=b2", "file/office/A=c"},
		{"api/laptop/A=a1", "api/laptop/B=b1"},
	} {
		if diff := cmp.Diff(want, recordsAsOf(t, s, uint64(n))); diff != "" {
			t.Errorf("version %d (-want +got):\n%s", n, diff)
		}
	}
	for i, want := range changes {
		got, err := s.RosterChanges(ctx, uint64(i+1), store.RosterChange{}, 10)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes of version %d (-want +got):\n%s", i+1, diff)
		}
	}
	var rest []string
	must(t, s.EachRosterRecord(ctx, 1, store.RosterRecord{Source: "api", Kind: "laptop", Key: "A"}, func(r store.RosterRecord) error {
		rest = append(rest, r.Key)
		return nil
	}))
	if !cmp.Equal(rest, []string{"B"}) {
		t.Errorf("after the first record of version 1 come %v", rest)
	}
	page, err := s.RosterChanges(ctx, 2, changes[1][0], 1)
	must(t, err)
	if diff := cmp.Diff(changes[1][1:2], page); diff != "" {
		t.Errorf("the second page (-want +got):\n%s", diff)
	}
	latest, err := s.RosterVersion(ctx)
	must(t, err)
	found, err := s.RosterVersionOf(ctx, "one")
	must(t, err)
	if diff := cmp.Diff([]store.RosterVersion{versions[2], versions[2]}, []store.RosterVersion{latest, found}); diff != "" {
		t.Errorf("latest and found by digest (-want +got):\n%s", diff)
	}
	if _, err := s.RosterVersionOf(ctx, "three"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a digest that was never: %v", err)
	}
	older, err := s.RosterVersions(ctx, 3, 10)
	must(t, err)
	if diff := cmp.Diff([]store.RosterVersion{versions[1], versions[0]}, older); diff != "" {
		t.Errorf("versions before 3 (-want +got):\n%s", diff)
	}
	log, err := s.AuditLog(ctx, time.Time{}, 10)
	must(t, err)
	if len(log) != 3 || log[1].Actor != "bob" || log[1].Object != "b.csv" {
		t.Errorf("audit log %+v, want an entry with each version", log)
	}
}

// A version that builds on another one than the latest, or on other records, is
// refused whole.
func testRosterConflict(t *testing.T, s store.Store) {
	ctx := t.Context()
	add := []store.RosterChange{change("api", "laptop", "A", "", "a1")}
	_, err := s.PutRoster(ctx, store.RosterVersion{At: start}, add, store.AuditEntry{At: start})
	must(t, err)
	for name, x := range map[string]struct {
		after  uint64
		change store.RosterChange
	}{
		"an older version":         {0, store.RosterChange{Source: "api", Kind: "laptop", Key: "B", After: "b1"}},
		"a later version":          {2, store.RosterChange{Source: "api", Kind: "laptop", Key: "B", After: "b1"}},
		"another record":           {1, store.RosterChange{Source: "api", Kind: "laptop", Key: "A", Before: "other", After: "a2"}},
		"a record that is there":   {1, store.RosterChange{Source: "api", Kind: "laptop", Key: "A", After: "a2"}},
		"a record that is nowhere": {1, store.RosterChange{Source: "api", Kind: "laptop", Key: "C", Before: "c1"}},
	} {
		_, err := s.PutRoster(ctx, store.RosterVersion{N: x.after, At: start}, []store.RosterChange{change("api", "laptop", "Z", "", "z"), x.change}, store.AuditEntry{At: start})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: %v, want a conflict", name, err)
		}
	}
	log, err := s.AuditLog(ctx, time.Time{}, 10)
	must(t, err)
	if got := recordsAsOf(t, s, 9); !cmp.Equal(got, []string{"api/laptop/A=a1"}) || len(log) != 1 {
		t.Errorf("records %v and %d audit entries: a refused version left something", got, len(log))
	}
}
