package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Rooms is what judging needs and where it comes from. Everything but the rules
// may be left out; then there is less to say.
type Rooms struct {
	Rules   *detect.Rules
	Company Company
	Places  fleet.Places
	Roster  fleet.Roster
	// Catalog is what agents look for; nil is what they bring along.
	Catalog *catalog.Catalog
	// Secret keys the hashes that are stored; nil for a replay, which stores nothing.
	Secret []byte
}

func (r *Rooms) judge() (*judge, error) {
	if r.Rules == nil {
		return nil, errors.New("judging needs rules")
	}
	known := r.Catalog
	if known == nil {
		known = catalog.BuiltIn()
	}
	if !isOwn(known) {
		if err := r.Company.checkTools(known); err != nil {
			return nil, err
		}
	}
	j := &judge{detector: detect.New(r.Rules, detect.Options{})}
	j.fleet.Store(fleet.New(fleet.Config{
		Catalog: known, Places: r.Places, Roster: r.Roster,
		Company: r.Company.fleet(), Secret: r.Secret,
	}))
	return j, nil
}

// isOwn says whether a catalogue is the company's own. That changes while approved tools
// are written down elsewhere, and must not keep a collector from starting again with
// what it ran with: a tool that it does not have is said, and approves nothing.
func isOwn(c *catalog.Catalog) bool { return c != nil && c != catalog.BuiltIn() }

// Unknown returns which approved tools the company's own catalogue does not have, each
// with its place in the configuration. They approve nothing.
func (r *Rooms) Unknown() []error {
	if !isOwn(r.Catalog) {
		return nil
	}
	return r.Company.unknownTools(r.Catalog)
}

// Tools are what people can be approved to use.
type Tools struct {
	// Has says whether there is a tool with an id.
	Has func(id string) bool
	// Change is that tools come and go while a roster stays: one that there is not
	// costs its row nothing else then.
	Change bool
}

// ReadRoster reads a roster file. Bad rows are problems and the rest counts.
func ReadRoster(path string, known Tools) (*roster.Roster, []roster.Problem, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the roster: %w", err)
	}
	defer f.Close()
	if known.Change {
		return roster.ParseBesideChange(path, f, known.Has)
	}
	return roster.Parse(path, f, known.Has)
}

// watchedRoster is a roster file that is read again when it changes.
type watchedRoster struct {
	path  string
	known Tools
	log   *slog.Logger
	// read reads the file; ReadRoster but in tests.
	read func(path string, known Tools) (*roster.Roster, []roster.Problem, error)
	now  atomic.Pointer[roster.Roster]
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
