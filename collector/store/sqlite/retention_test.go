package sqlite_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// A process that is killed while it forgets has forgotten whole steps: what it was told
// is gone is gone, everything else is there, and the rest can be forgotten.
func TestKilledWhileForgetting(t *testing.T) {
	t.Parallel()
	const (
		devices, rounds = 50, 60
		atOnce          = 20
	)
	long := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	old := store.Horizons{Reports: long}
	if path := os.Getenv(otherStore); path != "" {
		s := open(t, path)
		for {
			n, err := s.Forget(t.Context(), old, atOnce)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println("forgot", n)
		}
	}
	path := filepath.Join(t.TempDir(), "farmhound.db")
	s := open(t, path)
	for round := range rounds {
		if err := s.Commit(t.Context(), changes(devices, uint64(round+1))); err != nil {
			t.Fatal(err)
		}
	}
	other := otherProcess(t.Context(), "TestKilledWhileForgetting", path)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	told, steps := 0, 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var n int
		if _, err := fmt.Sscanf(lines.Text(), "forgot %d", &n); err != nil {
			continue
		}
		told += n
		if steps++; steps == 5 {
			if err := other.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = other.Wait() // killed
	intact(t, path)
	rest := 0
	for n := atOnce; n == atOnce; rest += n {
		if n, err = s.Forget(t.Context(), old, atOnce); err != nil {
			t.Fatal(err)
		}
	}
	gone := devices*rounds - rest
	if told == 0 || rest == 0 || gone < told || gone > told+atOnce || gone%atOnce != 0 {
		t.Errorf("of %d reports %d were gone and %d left; the process was told of %d", devices*rounds, gone, rest, told)
	}
	for i := range devices {
		if n, err := s.HighestSequence(t.Context(), fmt.Sprint("d", i), "b1"); err != nil || n != rounds {
			t.Errorf("d%d: committed up to %d, %v", i, n, err)
		}
	}
}

func intact(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: %q, %v", verdict, err)
	}
}
