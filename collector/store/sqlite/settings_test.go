package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
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

// Old reports can be taken away cheaply, and what they were is still recognised.
func TestReportsCanBePruned(t *testing.T) {
	t.Parallel()
	s := openForTest(t)
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	report := func(n int) store.Report {
		return store.Report{Device: "d1", BootID: "b1", Sequence: uint64(n), ReceivedAt: start.Add(time.Duration(n) * time.Hour)}
	}
	for n := 1; n <= 10; n++ {
		if err := s.Commit(t.Context(), []store.Change{{Reports: []store.Report{report(n)}}}); err != nil {
			t.Fatal(err)
		}
	}
	const prune = `DELETE FROM report WHERE received_at < ?`
	var id, parent, unused int
	var plan string
	before := millis(start.Add(11 * time.Hour))
	if err := s.write.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+prune, before).Scan(&id, &parent, &unused, &plan); err != nil || !strings.Contains(plan, "report_received") {
		t.Errorf("pruning is done by %q, %v; want the index report_received", plan, err)
	}
	if _, err := s.write.ExecContext(t.Context(), prune, before); err != nil {
		t.Fatal(err)
	}
	if n, err := s.HighestSequence(t.Context(), "d1", "b1"); err != nil || n != 10 {
		t.Errorf("after pruning the highest sequence is %d, %v; want 10", n, err)
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
