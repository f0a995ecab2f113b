package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/store"
)

func serials(from, to int) string {
	text := "serial\n"
	for i := from; i < to; i++ {
		text += fmt.Sprintf("S%03d\n", i)
	}
	return text
}

// away moves a file out of the way, and returns what brings it back as it was.
func away(t *testing.T, path string) (back func()) {
	t.Helper()
	elsewhere := filepath.Join(t.TempDir(), filepath.Base(path))
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(path, elsewhere)
	return func() { move(elsewhere, path) }
}

// A file that was moved away and back is read again, though nothing about it changed.
func TestAFileThatComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "east.csv"), "serial,country\nA1,US\n")
	put(t, filepath.Join(dir, "west.csv"), "serial,country\nB1,DE\n")
	b := newTestBooks(t, dir, Tools{}, slog.New(slog.DiscardHandler))
	if err := b.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := away(t, filepath.Join(dir, "east.csv"))
	b.look(t.Context())
	if b.look(t.Context()); countries(b) != "B1 DE" {
		t.Fatalf("a file that is gone left %q", countries(b))
	}
	back()
	if b.look(t.Context()); countries(b) != "A1 US, B1 DE" {
		t.Errorf("with the file back: %q", countries(b))
	}
}

// Who takes a refused file away and puts it back means it: in a folder, where it is the
// only file, and where it is the whole configuration. Meanwhile nobody is without an entry.
func TestARefusedFileIsTakenAwayAndPutBack(t *testing.T) {
	t.Parallel()
	for _, folder := range []bool{false, true} {
		t.Run(fmt.Sprint("folder ", folder), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "people.csv")
			configured := path
			if folder {
				configured = dir
			}
			put(t, path, serials(0, 50))
			b := newTestBooks(t, configured, Tools{}, slog.New(slog.DiscardHandler))
			var refused []string
			b.note = func(_ context.Context, action, object, _ string) { refused = append(refused, action+" "+object) }
			if err := b.open(t.Context()); err != nil {
				t.Fatal(err)
			}
			laptops := func(doing string, want int) {
				t.Helper()
				if n := b.inForce.Load().Len(); n != want {
					t.Errorf("%s: %d laptops, want %d", doing, n, want)
				}
			}
			put(t, path, serials(0, 5))
			b.look(t.Context())
			laptops("refused", 50)
			back := away(t, path)
			b.look(t.Context())
			back()
			b.look(t.Context())
			laptops("away for a moment", 50)
			// A restart forgets nothing that matters: the file is refused again.
			if err := b.open(t.Context()); err != nil {
				t.Fatal(err)
			}
			laptops("started again", 50)
			back = away(t, path)
			for range 3 {
				b.look(t.Context())
			}
			laptops("away", 50)
			back()
			b.look(t.Context())
			laptops("back", 5)
			if len(refused) < 2 || refused[0] != "roster.refuse file:people.csv" {
				t.Errorf("the audit log has %v", refused)
			}
			// What was meant once is not meant for ever.
			put(t, path, serials(0, 60))
			b.look(t.Context())
			put(t, path, serials(0, 5))
			b.look(t.Context())
			laptops("half a file later", 60)
		})
	}
}

// A share that is not mounted takes nobody away, at the start or later, and that is said.
func TestAFolderWithoutFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "people.csv")
	put(t, path, "serial,country\nA1,US\n")
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	b := newTestBooks(t, dir, Tools{}, log)
	if err := b.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func(doing string, b *books, want string, errors int) {
		t.Helper()
		if got := countries(b); got != want {
			t.Errorf("%s: %q, want %q", doing, got, want)
		}
		if n := strings.Count(said.String(), "level=ERROR"); n != errors || errors > 0 && !strings.Contains(said.String(), "no file is in the folder of rosters") {
			t.Errorf("%s: said %d times, want %d:\n%s", doing, n, errors, said.String())
		}
		said.Reset()
	}
	back := away(t, path)
	b.look(t.Context())
	check("for a moment", b, "A1 US", 0)
	b.look(t.Context())
	b.look(t.Context())
	check("while it runs", b, "A1 US", 1)

	again := newBooks(b.store, dir, b.known, log)
	again.clock = b.clock
	if err := again.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.look(t.Context())
	again.look(t.Context())
	check("after a start", again, "A1 US", 1)
	back()
	again.look(t.Context())
	put(t, path, "serial,country\nA1,DE\n")
	again.look(t.Context())
	check("mounted", again, "A1 DE", 0)

	// Files of an earlier configuration go once those of the new one are there for two
	// looks, and at once where no roster is configured any more.
	other := t.TempDir()
	put(t, filepath.Join(other, "staff.csv"), "serial,country\nB1,FR\n")
	moved := newBooks(b.store, other, b.known, log)
	moved.clock = b.clock
	if err := moved.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	moved.look(t.Context())
	check("another folder", moved, "B1 FR", 0)
	without := newBooks(b.store, "", b.known, log)
	if err := without.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("no roster", without, "", 0)
}

// stubborn is a store that takes no version for so many tries.
type stubborn struct {
	store.Rosters
	tries int
}

func (s *stubborn) PutRoster(ctx context.Context, v store.RosterVersion, changes []store.RosterChange, audit store.AuditEntry) (uint64, error) {
	if s.tries--; s.tries >= 0 {
		return 0, errStore
	}
	return s.Rosters.PutRoster(ctx, v, changes, audit)
}

// What the store did not take is tried again with every look: what files say, and that
// they are gone.
func TestWhatCouldNotBeStoredIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "east.csv"), "serial,country\nA1,US\n")
	put(t, filepath.Join(dir, "west.csv"), "serial,country\nB1,DE\nC1,XX\n")
	var said bytes.Buffer
	b := newTestBooks(t, dir, Tools{}, slog.New(slog.NewTextHandler(&said, nil)))
	kept := &stubborn{Rosters: b.store}
	b.store = kept
	var got []string
	looks := func(fail int) {
		kept.tries = fail
		for range 3 {
			b.look(t.Context())
			got = append(got, countries(b))
		}
	}
	looks(2)
	if err := os.Remove(filepath.Join(dir, "east.csv")); err != nil {
		t.Fatal(err)
	}
	looks(1)
	if diff := cmp.Diff([]string{"", "", "A1 US, B1 DE", "A1 US, B1 DE", "A1 US, B1 DE", "B1 DE"}, got); diff != "" {
		t.Errorf("look by look (-want +got):\n%s", diff)
	}
	if n := strings.Count(said.String(), "west.csv:3:4: country:"); n != 1 {
		t.Errorf("the bad row is said %d times:\n%s", n, said.String())
	}
}

// Who has to know that another book is in force is told until they know.
func TestABookIsToldUntilItIsKnown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.csv")
	put(t, path, "serial,country\nA1,US\n")
	b := newTestBooks(t, path, Tools{}, slog.New(slog.DiscardHandler))
	told := 0
	b.changed = func(context.Context) error {
		if told++; told < 3 {
			return errors.New("database is locked")
		}
		return nil
	}
	for range 5 {
		b.look(t.Context())
	}
	if told != 3 {
		t.Errorf("told %d times, want until it was known, the third time", told)
	}
}
