package collector

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/farmhound-security/farmhound/collector/roster"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// maxRosterFiles bounds a folder of rosters.
const maxRosterFiles = 256

// Tools are what people can be approved to use.
type Tools struct {
	// Has says whether there is a tool with an id.
	Has func(id string) bool
	// Change is that tools come and go while a roster stays: one that there is not
	// costs its row nothing else then.
	Change bool
}

// ReadRoster reads a roster, or every roster in a folder, CSV or JSON. Bad rows are
// problems and the rest counts; of two files in a folder that speak of one thing the
// first by name counts.
func ReadRoster(path string, known Tools) (*roster.Book, []roster.Problem, error) {
	names, err := rosterFiles(path)
	if err != nil {
		return nil, nil, err
	}
	var (
		files    []*roster.File
		problems []roster.Problem
	)
	for _, name := range names {
		f, found, err := readRosterFile(name, known)
		problems = append(problems, found...)
		if err != nil {
			return nil, problems, err
		}
		files = append(files, f)
	}
	return roster.NewBook(files...), problems, nil
}

func readRosterFile(path string, known Tools) (*roster.File, []roster.Problem, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the roster: %w", err)
	}
	defer f.Close()
	return roster.Read(path, f, known.Has, known.Change)
}

// rosterFiles returns the roster at a path or, of a folder, those in it by name: what
// ends in .csv or .json and does not begin with a dot or a tilde, as files do that are
// still being written.
func rosterFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the roster: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("read the folder of rosters: %w", err)
	}
	var names []string
	for _, e := range entries {
		kind := strings.ToLower(filepath.Ext(e.Name()))
		if (kind == ".csv" || kind == ".json") && !strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(e.Name(), "~") && !e.IsDir() {
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	if len(names) > maxRosterFiles {
		return nil, fmt.Errorf("read the folder of rosters: %s holds more than %d", path, maxRosterFiles)
	}
	slices.Sort(names)
	return names, nil
}

// watchedRoster is a roster file that is read again when it changes.
type watchedRoster struct {
	path  string
	known Tools
	log   *slog.Logger
	// read reads the file; ReadRoster but in tests.
	read func(path string, known Tools) (*roster.Book, []roster.Problem, error)
	now  atomic.Pointer[roster.Book]
	seen os.FileInfo // of the version last tried; nil while there is none, or it could not be read
	said string      // the failure that was logged last, so that trying again does not repeat it
}

// newWatchedRoster returns the roster at a path, which load reads.
func newWatchedRoster(path string, known Tools, log *slog.Logger) *watchedRoster {
	return &watchedRoster{path: path, known: known, log: log, read: ReadRoster}
}

// Person answers from the newest version that could be read.
func (w *watchedRoster) Person(serial string, at time.Time) (*fleetv1.Person, bool) {
	return w.now.Load().Person(serial, at)
}

// Version names what the newest version that could be read says.
func (w *watchedRoster) Version() string { return w.now.Load().Version() }

// load reads the file. Bad rows are logged, each with its place.
func (w *watchedRoster) load(ctx context.Context) error {
	info, err := os.Stat(w.path)
	if err != nil {
		return fmt.Errorf("read the roster: %w", err)
	}
	w.seen = info
	read, problems, err := w.read(w.path, w.known)
	if err != nil {
		if unreadable(err) {
			w.seen = nil // what hinders reading can go without a change of the file
		}
		return err
	}
	w.said = ""
	bad := 0
	for _, p := range problems {
		if p.Counts {
			w.log.WarnContext(ctx, "a tool that the roster approves is not in the catalogue, and approves nothing", "problem", p.Error())
			continue
		}
		bad++
		w.log.ErrorContext(ctx, "a row of the roster cannot be used and is left out", "problem", p.Error())
	}
	w.now.Store(read)
	w.log.InfoContext(ctx, "roster read", "file", w.path, "laptops", read.Len(), "bad_rows", bad)
	return nil
}

// look reads the file if it changed since it was last looked at. A version that
// cannot be read leaves the one before in force.
func (w *watchedRoster) look(ctx context.Context) {
	if !w.changed() {
		return
	}
	if err := w.load(ctx); err != nil && (w.seen != nil || err.Error() != w.said) {
		w.said = err.Error()
		w.log.ErrorContext(ctx, "the roster cannot be read; the version before stays in force", "error", err)
	}
}

// changed says whether the file is another one than was last tried.
func (w *watchedRoster) changed() bool {
	info, err := os.Stat(w.path)
	if err != nil {
		gone := w.seen != nil
		w.seen = nil
		return gone
	}
	return !sameFile(info, w.seen)
}
