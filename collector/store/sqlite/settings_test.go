package sqlite

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func openForTest(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "farmhound.db"))
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

// A commit must survive a loss of power, which no test can bring about; the
// settings that make it so can be looked at.
func TestCommitsAreDurable(t *testing.T) {
	t.Parallel()
	s := openForTest(t)
	for _, tt := range []struct {
		db           *sql.DB
		pragma, want string
	}{
		{s.write, "journal_mode", "wal"},
		{s.write, "synchronous", "2"}, // FULL
		{s.write, "busy_timeout", "10000"},
		{s.write, "foreign_keys", "1"},
		{s.read, "journal_mode", "wal"},
		{s.read, "query_only", "1"},
		{s.read, "busy_timeout", "10000"},
	} {
		var got string
		if err := tt.db.QueryRowContext(t.Context(), "PRAGMA "+tt.pragma).Scan(&got); err != nil || got != tt.want {
			t.Errorf("%s is %q, %v; want %q", tt.pragma, got, err, tt.want)
		}
	}
}

// What is old is found without reading what is not.
func TestForgettingReadsNoTable(t *testing.T) {
	t.Parallel()
	s := openForTest(t)
	for _, kind := range forgetting {
		rows, err := s.write.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+kind.query, 1, 1, "[]")
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		for rows.Next() {
			var id, parent, unused int
			var plan string
			if err := rows.Scan(&id, &parent, &unused, &plan); err != nil {
				t.Fatal(err)
			}
			steps++
			if strings.HasPrefix(plan, "SCAN") && !strings.Contains(plan, "named") {
				t.Errorf("%s are found by %q", kind.what, plan)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || steps == 0 { //nolint:sqlclosecheck // closed here, within the loop
			t.Errorf("%s: %d steps, %v", kind.what, steps, err)
		}
	}
}

func TestFindingADeviceReadsNoTable(t *testing.T) {
	t.Parallel()
	s := openForTest(t)
	rows, err := s.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+findDevice, "ab")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var plan string
		if err := rows.Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(plan, "SCAN") {
			t.Errorf("the plan has %q", plan)
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}
