package collector

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A roster that is replaced is read again; one that is gone or cannot be read
// leaves the one before in force.
func TestRosterIsFollowed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.csv")
	write := func(text string) {
		t.Helper()
		next := path + ".next"
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Fatal(err)
		}
	}
	w := &watchedRoster{path: path, log: slog.New(slog.DiscardHandler)}
	if err := w.load(t.Context()); err == nil {
		t.Error("a roster that is not there was read")
	}
	write("serial,country\nA1,US\n")
	country := func() string {
		p, _ := w.Person("A1", time.Now())
		return p.GetCountry()
	}
	if err := w.load(t.Context()); err != nil || country() != "US" || w.changed() {
		t.Fatalf("country %q, error %v", country(), err)
	}
	write("serial,country\nA1,DE\n")
	if !w.changed() {
		t.Error("a new file goes unnoticed")
	}
	if err := w.load(t.Context()); err != nil || country() != "DE" {
		t.Errorf("country %q, error %v", country(), err)
	}
	write("no header\n")
	if err := w.load(t.Context()); err == nil || country() != "DE" {
		t.Errorf("country %q, error %v", country(), err)
	}
	if w.changed() {
		t.Error("a bad file is read again and again")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !w.changed() || w.changed() {
		t.Error("a file that went is noticed not once")
	}
}
