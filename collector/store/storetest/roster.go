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
	if err := s.EachRosterRecord(ctx, 4, store.RosterRecord{}, func(store.RosterRecord) error { return nil }); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a version that never was: %v", err)
	}
	log, err := s.AuditLog(ctx, time.Time{}, 10)
	must(t, err)
	if len(log) != 3 || log[1].Actor != "bob" || log[1].Object != "b.csv" {
		t.Errorf("audit log %+v, want an entry with each version", log)
	}
}

// Old versions go with the audit log, with what nobody says since; the one that held at
// the horizon stays whole.
func testForgetRoster(t *testing.T, s store.Store) {
	ctx := t.Context()
	for n := range 5 {
		before := ""
		if n > 0 {
			before = string(rune('a' + n - 1))
		}
		_, err := s.PutRoster(ctx, store.RosterVersion{N: uint64(n), At: start.Add(time.Duration(n) * day)},
			[]store.RosterChange{change("api", "laptop", "A", before, string(rune('a'+n))), change("api", "laptop", string(rune('B'+n)), "", "x")},
			store.AuditEntry{At: start.Add(time.Duration(n) * day)})
		must(t, err)
	}
	h := store.Horizons{Audit: start.Add(2*day + time.Hour)}
	// Versions 1 and 2, what version 2 ended, and the audit entries of the first three.
	if n := forget(t, s, h, 2); n != 2+1+3 {
		t.Errorf("%d were forgotten, want 6", n)
	}
	versions, err := s.RosterVersions(ctx, 0, 10)
	must(t, err)
	if len(versions) != 3 || versions[2].N != 3 {
		t.Errorf("versions %+v are left, want 3 to 5", versions)
	}
	if got, want := recordsAsOf(t, s, 3), []string{"api/laptop/A=c", "api/laptop/B=x", "api/laptop/C=x", "api/laptop/D=x"}; !cmp.Equal(got, want) {
		t.Errorf("version 3 says %v, want %v", got, want)
	}
	changes, err := s.RosterChanges(ctx, 3, store.RosterChange{}, 10)
	must(t, err)
	if want := []store.RosterChange{change("api", "laptop", "A", "b", "c"), change("api", "laptop", "D", "", "x")}; !cmp.Equal(changes, want) {
		t.Errorf("version 3 changed %v, want %v", changes, want)
	}
	if n := forget(t, s, store.Horizons{Audit: start.Add(99 * day)}, 100); n != 2+2+2 {
		t.Errorf("%d more were forgotten, want 6", n)
	}
	if got := recordsAsOf(t, s, 5); len(got) != 6 {
		t.Errorf("what holds says %v", got)
	}
	if _, err := s.PutRoster(ctx, store.RosterVersion{N: 5, At: start}, nil, store.AuditEntry{At: start}); err != nil {
		t.Errorf("no version follows the last: %v", err)
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
	if got := recordsAsOf(t, s, 1); !cmp.Equal(got, []string{"api/laptop/A=a1"}) || len(log) != 1 {
		t.Errorf("records %v and %d audit entries: a refused version left something", got, len(log))
	}
}
