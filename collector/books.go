package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// sourceAPI is the source of what administrators say, sourceFile begins those of files.
	sourceAPI  = "api"
	sourceFile = "file:"
)

// books keeps what the company says of its laptops, tools and offices: what its files
// say, which are read again when they change, and what administrators said, which counts
// before. All of it is in the store, by version.
type books struct {
	store store.Rosters
	known Tools
	clock func() time.Time // the wall clock
	log   *slog.Logger
	// changed is called when another book comes into force, and with every look again
	// while it errs.
	changed func(ctx context.Context) error
	// note records in the audit log what the collector refused by itself; nil for nowhere.
	note func(ctx context.Context, action, object, detail string)

	files rosterFolder
	// changing is held from reading the latest version to what becomes of it.
	changing sync.Mutex
	version  store.RosterVersion // in force, under changing
	untold   bool                // changed is still to be called, under changing
	inForce  atomic.Pointer[roster.Book]
}

func newBooks(kept store.Rosters, path string, known Tools, log *slog.Logger) *books {
	return &books{store: kept, known: known, clock: time.Now, log: log, files: newRosterFolder(path)}
}

// standing is what the sources say at a version.
type standing struct {
	version store.RosterVersion
	records map[string][]roster.Record // by source
}

// Person returns the entry for a system serial as it stands at a time.
func (b *books) Person(serial string, at time.Time) (*fleetv1.Person, bool) {
	return b.inForce.Load().Person(serial, at)
}

// Version names what is in force; empty where nothing was ever said.
func (b *books) Version() string { return b.inForce.Load().Version() }

// standing reads what the store has.
func (b *books) standing(ctx context.Context) (s standing, err error) {
	s.records = make(map[string][]roster.Record)
	if s.version, err = b.store.RosterVersion(ctx); err != nil {
		return s, fmt.Errorf("read the version of the roster: %w", err)
	}
	err = b.store.EachRosterRecord(ctx, s.version.N, store.RosterRecord{}, func(r store.RosterRecord) error {
		s.records[r.Source] = append(s.records[r.Source], roster.Record{Kind: roster.Kind(r.Kind), Key: r.Key, Body: r.Body})
		return nil
	})
	return s, err
}

// sources returns the sources in the order in which they count.
func (s *standing) sources() []string {
	all := slices.DeleteFunc(slices.Sorted(maps.Keys(s.records)), func(name string) bool { return name == sourceAPI })
	return append([]string{sourceAPI}, all...)
}

// book puts together what the sources say.
func (b *books) book(ctx context.Context, s *standing) *roster.Book {
	var files []*roster.File
	for _, source := range s.sources() {
		f, problems := roster.Restore(source, s.records[source], b.known.Has)
		for _, p := range problems {
			if !p.Counts { // tools that are not known are said by whoever reads or changes something
				b.log.ErrorContext(ctx, "a record of the roster is damaged and left out", "problem", p.Error())
			}
		}
		files = append(files, f)
	}
	return roster.NewBook(files...)
}

// reload goes over to the latest version in the store, if another made it. With again
// it does so in any case: other tools are known.
func (b *books) reload(ctx context.Context, again bool) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	if !again {
		latest, err := b.store.RosterVersion(ctx)
		if err != nil {
			return fmt.Errorf("read the version of the roster: %w", err)
		}
		if latest.N == b.version.N {
			b.tell(ctx)
			return nil
		}
	}
	_, err := b.load(ctx)
	return err
}

// load goes over to what the store has, under changing.
func (b *books) load(ctx context.Context) (standing, error) {
	s, err := b.standing(ctx)
	if err == nil {
		b.use(ctx, b.book(ctx, &s), s.version)
	}
	return s, err
}

// use goes over to a book, under changing.
func (b *books) use(ctx context.Context, book *roster.Book, version store.RosterVersion) {
	if version.N == 0 {
		return
	}
	b.inForce.Store(book)
	b.version = version
	b.log.InfoContext(ctx, "roster in force", "version", version.N, "digest", book.Version(),
		"laptops", book.Len(), "approved_tools", len(book.Tools()), "offices", len(book.Offices()))
	b.untold = b.changed != nil
	b.tell(ctx)
}

// tell says that another book is in force to who has to know, until they know.
func (b *books) tell(ctx context.Context) {
	if !b.untold {
		return
	}
	err := b.changed(ctx)
	if b.untold = err != nil; err != nil {
		b.log.ErrorContext(ctx, "approved tools and offices stay as they were, and are tried again", "error", err)
	}
}

// edit is what is to become of the roster.
type edit struct {
	actor, action, origin string
	refused               int
	dryRun                bool
	// changes says what changes by source, given what stands.
	changes func(s *standing) (map[string][]roster.Change, error)
}

// outcome is what became of it.
type outcome struct {
	version store.RosterVersion
	changes []store.RosterChange
	book    *roster.Book // what is said with the changes; nil without any
}

// tries is how often a change is tried that another process is faster with.
const tries = 3

// change makes a version of an edit, which is in force when it returns. Where nothing
// changes there is no new version.
func (b *books) change(ctx context.Context, e edit) (o outcome, err error) {
	b.changing.Lock()
	defer b.changing.Unlock()
	for range tries {
		if o, err = b.tryChange(ctx, e); !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	return o, err
}

// tryChange is change for what stands in the store now, under changing.
func (b *books) tryChange(ctx context.Context, e edit) (o outcome, err error) {
	s, err := b.standing(ctx)
	if err != nil {
		return o, err
	}
	bySource, err := e.changes(&s)
	if err != nil {
		return o, err
	}
	next := store.RosterVersion{N: s.version.N, At: b.clock(), Actor: e.actor, Origin: e.origin, Refused: uint32(e.refused)}
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		for _, c := range bySource[source] {
			o.changes = append(o.changes, store.RosterChange{Source: source, Kind: string(c.Kind), Key: c.Key, Before: c.Before, After: c.After})
			switch {
			case c.Before == "":
				next.Added++
			case c.After == "":
				next.Removed++
			default:
				next.Changed++
			}
		}
		s.records[source] = apply(s.records[source], bySource[source])
	}
	if len(o.changes) == 0 {
		o.version = s.version
		if s.version.N > 0 && s.version.N != b.version.N {
			b.use(ctx, b.book(ctx, &s), s.version)
		}
		return o, nil
	}
	book := b.book(ctx, &s)
	next.Digest, o.book = book.Version(), book
	if o.version = next; e.dryRun {
		return o, nil
	}
	detail := fmt.Sprintf("version %d, %s: %d added, %d changed, %d removed, %d refused", next.N+1, next.Digest, next.Added, next.Changed, next.Removed, next.Refused)
	o.version.N, err = b.store.PutRoster(ctx, next, o.changes, store.AuditEntry{At: next.At, Actor: e.actor, Action: e.action, Object: e.origin, Detail: detail})
	if err != nil {
		return o, err
	}
	b.use(ctx, book, o.version)
	return o, nil
}

// apply returns records after changes, ordered as before.
func apply(records []roster.Record, changes []roster.Change) []roster.Record {
	type id struct {
		kind roster.Kind
		key  string
	}
	bodies := make(map[id]string, len(records)+len(changes))
	for _, r := range records {
		bodies[id{r.Kind, r.Key}] = r.Body
	}
	for _, c := range changes {
		if bodies[id{c.Kind, c.Key}] = c.After; c.After == "" {
			delete(bodies, id{c.Kind, c.Key})
		}
	}
	all := make([]roster.Record, 0, len(bodies))
	for at, body := range bodies {
		all = append(all, roster.Record{Kind: at.kind, Key: at.key, Body: body})
	}
	slices.SortFunc(all, roster.Record.Compare)
	return all
}

// Bounds of what a roster can lose at once without being taken for half a file.
const (
	fewLaptops = 20
	mostShare  = 2 // one in so many
)

// errMostGone is of a roster that lacks most of the laptops that the one before had.
var errMostGone = errors.New("that is more often half a file than a company without laptops")

// lostMost says whether most of a source's laptops would go.
func lostMost(before []roster.Record, changes []roster.Change) error {
	laptops, gone := 0, 0
	for _, r := range before {
		if r.Kind == roster.OfLaptop {
			laptops++
		}
	}
	for _, c := range changes {
		if c.Kind == roster.OfLaptop && c.After == "" {
			gone++
		}
	}
	if gone > fewLaptops && gone*mostShare > laptops {
		return fmt.Errorf("it would take away %d of %d laptops, and %w", gone, laptops, errMostGone)
	}
	return nil
}

// importRoster puts what an administrator says in the place of what an import said
// before. The error is of what cannot be used at all, a Problem or errMostGone, or of
// the store.
func (b *books) importRoster(ctx context.Context, actor string, how Import, content io.Reader) (outcome, []roster.Problem, error) {
	f, problems, err := roster.Read(how.Name, content, b.known.Has, b.known.Change)
	if err != nil {
		return outcome{}, problems, err
	}
	problems = append(problems, b.known.unsigned(f)...)
	o, err := b.change(ctx, edit{
		actor: actor, action: "roster.import", origin: how.Name, refused: len(problems), dryRun: how.DryRun,
		changes: func(s *standing) (map[string][]roster.Change, error) {
			changes := roster.Diff(s.records[sourceAPI], f, how.Merge)
			if err := lostMost(s.records[sourceAPI], changes); err != nil && !how.DryRun && !how.RemoveMany {
				return nil, fmt.Errorf("%s: %w; --remove-many imports it all the same", how.Name, err)
			}
			return map[string][]roster.Change{sourceAPI: changes}, nil
		},
	})
	return o, problems, err
}
