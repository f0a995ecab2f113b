package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/collector/store"
)

// newTestBooks returns books over a store of their own, whose files rest at once.
func newTestBooks(t *testing.T, path string, known Tools, log *slog.Logger) *books {
	t.Helper()
	kept, err := OpenStore(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	if known.Has == nil {
		known = Knows(nil)
	}
	b := newBooks(kept, path, known, log)
	b.clock = func() time.Time { return time.Now().Add(time.Hour) }
	return b
}

func put(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

// countries says who is where: "A1 US, B1 DE".
func countries(b *books) string {
	var all []string
	for _, row := range b.inForce.Load().Laptops().Rows() {
		all = append(all, row.Serial+" "+row.Country)
	}
	return strings.Join(all, ", ")
}

// A roster that is replaced is read again; one that is gone or cannot be read
// leaves the one before in force, also after a restart.
func TestRosterIsFollowed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.csv")
	var said bytes.Buffer
	b := newTestBooks(t, path, Tools{}, slog.New(slog.NewTextHandler(&said, nil)))
	if err := b.open(t.Context()); err == nil {
		t.Error("a roster that is not there was read")
	}
	for _, step := range []struct{ text, want, says string }{
		{"serial,country\nA1,US\n", "A1 US", ""},
		{"serial,country\nA1,DE\nB1,XX\n", "A1 DE", "people.csv:3:4: country:"},
		{"no header\n", "A1 DE", "people.csv:1:1: the header has no column serial"},
		{"serial,country\nA1,XX\nC1,US\n", "A1 DE, C1 US", "people.csv:2:4: country:"}, // what was known of A1 stays
	} {
		put(t, path, step.text)
		said.Reset()
		b.look(t.Context())
		b.look(t.Context())
		if got := countries(b); got != step.want {
			t.Errorf("after %q: %q, want %q", step.text, got, step.want)
		}
		if n := strings.Count(said.String(), "level=ERROR"); step.says == "" && n > 0 || step.says != "" && (n != 1 || !strings.Contains(said.String(), step.says)) {
			t.Errorf("after %q, want once %q:\n%s", step.text, step.says, said.String())
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	said.Reset()
	for range 3 {
		b.look(t.Context())
	}
	if n := strings.Count(said.String(), "level=ERROR"); n != 1 || countries(b) != "A1 DE, C1 US" {
		t.Errorf("a file that went was said %d times, and %q is in force", n, countries(b))
	}
	again := newBooks(b.store, path, b.known, b.log)
	if err := again.open(t.Context()); err != nil || countries(again) != "A1 DE, C1 US" || again.Version() != b.Version() {
		t.Errorf("after a restart %q is in force, error %v", countries(again), err)
	}
}

// A roster that could not be read for a while is read once it can be, though nothing
// about the file changed; meanwhile that is said once.
func TestARosterThatCouldNotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.csv")
	put(t, path, "serial,country\nA1,US\n")
	var said bytes.Buffer
	b := newTestBooks(t, path, Tools{}, slog.New(slog.NewTextHandler(&said, nil)))
	b.files.read = func(path string, _ Tools) (*roster.File, []roster.Problem, error) {
		return nil, nil, fmt.Errorf("read the roster: %w", &fs.PathError{Op: "open", Path: path, Err: syscall.EMFILE})
	}
	for range 3 {
		b.look(t.Context())
	}
	if n := strings.Count(said.String(), "level=ERROR"); n != 1 {
		t.Errorf("said %d times:\n%s", n, said.String())
	}
	b.files.read = readRosterFile
	b.look(t.Context())
	if got := countries(b); got != "A1 US" {
		t.Errorf("once it can be read: %q", got)
	}
}

// Files of a folder come and go together in one version; one that cannot be used
// leaves what it said and does not keep the others back.
func TestFolderOfRosters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	b := newTestBooks(t, dir, Tools{}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	var refused []string
	b.note = func(_ context.Context, action, object, _ string) {
		refused = append(refused, action+" "+filepath.Base(object))
	}
	put(t, file("east.csv"), "serial,country\nA1,US\nB1,US\n")
	put(t, file("west.json"), `{"laptops": [{"serial": "B1", "country": "DE"}, {"serial": "C1", "country": "FR"}],
		"offices": [{"name": "hq", "networks": ["192.0.2.0/24"]}]}`)
	put(t, file(".hidden.csv"), "serial\nX\n")
	put(t, file("notes.txt"), "serial\nX\n")
	if err := b.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := countries(b); got != "A1 US, B1 US, C1 FR" || len(b.inForce.Load().Offices()) != 1 || b.version.N != 1 {
		t.Errorf("%q with %d offices in version %d", got, len(b.inForce.Load().Offices()), b.version.N)
	}
	put(t, file("east.csv"), "broken")
	put(t, file("west.json"), `[{"serial": "C1", "country": "IT"}]`)
	b.look(t.Context())
	if got := countries(b); got != "A1 US, B1 US, C1 IT" || b.version.N != 2 || len(b.inForce.Load().Offices()) != 1 {
		t.Errorf("beside a broken file: %q with %d offices in version %d", got, len(b.inForce.Load().Offices()), b.version.N)
	}
	if b.look(t.Context()); !cmp.Equal(refused, []string{"roster.refuse east.csv"}) {
		t.Errorf("the audit log has %v", refused)
	}
	if err := os.Remove(file("east.csv")); err != nil {
		t.Fatal(err)
	}
	if b.look(t.Context()); countries(b) != "A1 US, B1 US, C1 IT" {
		t.Errorf("a file that is missing for a moment took %q away", countries(b))
	}
	if b.look(t.Context()); countries(b) != "C1 IT" {
		t.Errorf("a file that is gone left %q", countries(b))
	}
	log, err := b.store.(store.Store).AuditLog(t.Context(), time.Time{}, 10)
	if err != nil || len(log) != 3 || log[1].Action != "roster.files" || !strings.Contains(log[1].Detail, "0 added, 1 changed, 1 removed, 0 refused") {
		t.Errorf("audit log %+v, %v", log, err)
	}
}

// A file is read when it rests, so that half of it is never taken for the whole.
func TestAFileThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.csv")
	put(t, path, "serial,country\nA1,US\n")
	b := newTestBooks(t, path, Tools{}, slog.New(slog.DiscardHandler))
	if err := b.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, path, "serial,country\nB1,US\n")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b.clock = func() time.Time { return info.ModTime().Add(settled - time.Millisecond) }
	if b.look(t.Context()); countries(b) != "A1 US" {
		t.Errorf("a file that does not rest was read: %q", countries(b))
	}
	b.clock = func() time.Time { return info.ModTime().Add(settled) }
	if b.look(t.Context()); countries(b) != "B1 US" {
		t.Errorf("a file that rests was not read: %q", countries(b))
	}
}

// What an administrator imports counts before what files say; a dry run says what would
// change and changes nothing.
func TestImportBesideFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.csv")
	put(t, path, "serial,country\nA1,US\nB1,US\n")
	b := newTestBooks(t, path, Tools{}, slog.New(slog.DiscardHandler))
	if err := b.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	imported := func(text string, merge, dryRun bool) (outcome, []roster.Problem) {
		t.Helper()
		o, problems, err := b.importRoster(t.Context(), "ann", Import{Name: "hr.csv", Merge: merge, DryRun: dryRun}, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return o, problems
	}
	dry, problems := imported("serial,country\nA1,DE\nC1,XX\n", false, true)
	if countries(b) != "A1 US, B1 US" || b.version.N != 1 || len(problems) != 1 || len(dry.changes) != 1 {
		t.Errorf("after a dry run %q in version %d, problems %v, changes %v", countries(b), b.version.N, problems, dry.changes)
	}
	done, _ := imported("serial,country\nA1,DE\nC1,XX\n", false, false)
	if countries(b) != "A1 DE, B1 US" || done.version.Digest != dry.version.Digest || done.version.N != 2 || done.version.Refused != 1 {
		t.Errorf("%q in version %+v, the dry run said %+v", countries(b), done.version, dry.version)
	}
	if same, _ := imported("serial,country\nA1,de\n", false, false); len(same.changes) > 0 || same.version.N != 2 {
		t.Errorf("importing the same makes version %d with %v", same.version.N, same.changes)
	}
	if imported("serial,country\nD1,FR\n", true, false); countries(b) != "A1 DE, B1 US, D1 FR" {
		t.Errorf("merged: %q", countries(b))
	}
	if imported("serial,country\nD1,FR\n", false, false); countries(b) != "A1 US, B1 US, D1 FR" {
		t.Errorf("what another import does not say any more leaves %q", countries(b))
	}
	if _, _, err := b.importRoster(t.Context(), "ann", Import{Name: "hr.csv"}, strings.NewReader("no header")); err == nil || countries(b) != "A1 US, B1 US, D1 FR" {
		t.Errorf("a file that cannot be used: error %v, left %q", err, countries(b))
	}
	// Another process with the store, as the command line: the collector goes over to it.
	other := newBooks(b.store, "", b.known, b.log)
	if _, _, err := other.importRoster(t.Context(), "command line", Import{Name: "x.csv"}, strings.NewReader("serial,country\nA1,JP\n")); err != nil {
		t.Fatal(err)
	}
	if b.look(t.Context()); countries(b) != "A1 JP, B1 US" {
		t.Errorf("what another process imported is not in force: %q", countries(b))
	}
	versions, err := b.store.RosterVersions(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var actors []string
	for _, v := range versions {
		actors = append(actors, v.Actor)
	}
	if diff := cmp.Diff([]string{"command line", "ann", "ann", "ann", "collector"}, actors); diff != "" {
		t.Errorf("actors, latest first (-want +got):\n%s", diff)
	}
}

// A roster that lacks most of the laptops is taken for half a file, unless it is meant.
func TestHalfAFile(t *testing.T) {
	t.Parallel()
	rows := func(n int) string {
		text := "serial\n"
		for i := range n {
			text += fmt.Sprintf("S%03d\n", i)
		}
		return text
	}
	path := filepath.Join(t.TempDir(), "people.csv")
	put(t, path, rows(50))
	var said bytes.Buffer
	b := newTestBooks(t, path, Tools{}, slog.New(slog.NewTextHandler(&said, nil)))
	if err := b.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ now, want int }{{25, 25}, {4, 25}, {24, 24}, {0, 24}, {5, 5}} {
		put(t, path, rows(step.now))
		if b.look(t.Context()); b.inForce.Load().Len() != step.want {
			t.Errorf("a file of %d: %d laptops, want %d", step.now, b.inForce.Load().Len(), step.want)
		}
	}
	if n := strings.Count(said.String(), "more often half a file"); n != 2 {
		t.Errorf("said %d times:\n%s", n, said.String())
	}
	imported := func(how Import, n int) error {
		_, _, err := b.importRoster(t.Context(), "ann", how, strings.NewReader(rows(n)))
		return err
	}
	if err := imported(Import{Name: "x.csv"}, 100); err != nil {
		t.Fatal(err)
	}
	if err := imported(Import{Name: "x.csv"}, 40); !errors.Is(err, errMostGone) || !strings.Contains(err.Error(), "x.csv: it would take away 60 of 100 laptops") {
		t.Errorf("an import without most: %v", err)
	}
	for _, how := range []Import{{Name: "x.csv", DryRun: true}, {Name: "x.csv", Merge: true}, {Name: "x.csv", RemoveMany: true}} {
		if err := imported(how, 40); err != nil {
			t.Errorf("%+v: %v", how, err)
		}
	}
	if n := b.inForce.Load().Len(); n != 40 {
		t.Errorf("%d laptops, want 40", n)
	}
}

var errStore = errors.New("disk full")

// full is a store that takes no version.
type full struct{ store.Rosters }

func (full) PutRoster(_ context.Context, _ store.RosterVersion, _ []store.RosterChange, _ store.AuditEntry) (uint64, error) {
	return 0, errStore
}

// What cannot be stored is not in force.
func TestAVersionThatCannotBeStored(t *testing.T) {
	t.Parallel()
	b := newTestBooks(t, "", Tools{}, slog.New(slog.DiscardHandler))
	b.store = full{b.store}
	_, _, err := b.importRoster(t.Context(), "ann", Import{Name: "x.csv"}, strings.NewReader("serial\nA1\n"))
	if !errors.Is(err, errStore) || countries(b) != "" || b.Version() != "" {
		t.Errorf("error %v; %q of version %q is in force", err, countries(b), b.Version())
	}
}
