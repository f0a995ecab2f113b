package collector

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector/roster"
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
	w := newWatchedRoster(path, Tools{}, slog.New(slog.DiscardHandler))
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

// A roster that could not be read for a while is read once it can be, though nothing
// about the file changed; meanwhile that is said once.
func TestARosterThatCouldNotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte("serial,country\nA1,US\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	w := newWatchedRoster(path, Tools{}, slog.New(slog.NewTextHandler(&said, nil)))
	w.read = func(path string, _ Tools) (*roster.Book, []roster.Problem, error) {
		return nil, nil, fmt.Errorf("read the roster: %w", &fs.PathError{Op: "open", Path: path, Err: syscall.EMFILE})
	}
	for range 3 {
		w.look(t.Context())
	}
	if n := strings.Count(said.String(), "level=ERROR"); n != 1 {
		t.Errorf("said %d times:\n%s", n, said.String())
	}
	w.read = ReadRoster
	w.look(t.Context())
	if _, ok := w.Person("A1", time.Now()); !ok || w.changed() {
		t.Errorf("once it can be read: in the roster %t, to be read again %t", ok, w.changed())
	}
}
