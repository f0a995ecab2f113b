// Package sqlite is the embedded store: one file, one writer, WAL, and a commit
// that returns only once the data would survive a crash.
//
// It may import proto/ and collector/store.
package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	driver "modernc.org/sqlite" // pure Go
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/farmhound-security/farmhound/collector/store"
)

// Store is a store.Store in one SQLite file.
type Store struct {
	path  string
	write *sql.DB // one connection: SQLite has one writer
	read  *sql.DB
	epoch [store.EpochSize]byte
	// release gives up the claim, where there is one.
	release func() error
	prepared
}

var _ store.Store = (*Store)(nil)

// Open opens the database at path, making it where it does not exist, and
// brings it to the current version. A database of a later version is refused.
// Several processes may have it open; only one of them should be a collector, which
// Claim holds.
func Open(ctx context.Context, path string) (_ *Store, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	// One store has one claim, whatever links lead to it.
	if target, linkErr := filepath.EvalSymlinks(path); linkErr == nil {
		path = target
	}
	if err := present(path); err != nil {
		return nil, err
	}
	cut := torn(path)
	if err := makeFile(path); err != nil {
		return nil, err
	}
	s := &Store{path: path}
	_, _ = rand.Read(s.epoch[:]) // never fails
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.write, err = open(path, 1, writing); err != nil {
		return nil, err
	}
	if cut {
		if err := sound(ctx, s.write, path); err != nil {
			return nil, err
		}
	}
	if err := whenFree(ctx, func() error { return migrate(ctx, s.write) }); err != nil {
		return nil, fmt.Errorf("prepare the store: %w", explained(path, err))
	}
	if s.read, err = open(path, 4, reading); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, s.write, s.read); err != nil {
		return nil, fmt.Errorf("prepare the store: %w", explained(path, err))
	}
	return s, nil
}

// makeFile makes an empty database that only its owner may read, which SQLite by
// itself does not; its companions take over the mode. A file that exists is not
// opened: closing it would give up the locks that this process may have on it.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return fmt.Errorf("make the store: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("make the store: %w", err)
	}
	return nil
}

// patience is how long to wait for a lock that another process has.
const patience = 10 * time.Second

var (
	// writing: with synchronous=FULL a commit in WAL mode is on disk before it
	// returns. The cache holds what a busy fleet touches again and again, and
	// a longer log is copied back less often.
	writing = url.Values{
		"_txlock": {"immediate"}, "_busy_timeout": {strconv.FormatInt(patience.Milliseconds(), 10)},
		"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "cache_size(-32768)", "wal_autocheckpoint(4000)"},
	}
	reading = url.Values{"_busy_timeout": {strconv.FormatInt(patience.Milliseconds(), 10)}, "_query_only": {"true"}}
	// claiming holds a lock for as long as its one transaction is open.
	claiming = url.Values{"_txlock": {"exclusive"}, "_busy_timeout": {"0"}}
)

func open(path string, connections int, settings url.Values) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()+"?"+settings.Encode())
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// whenFree tries again for a while what failed because the database was locked.
// SQLite waits by itself except where waiting could be for each other, as when two
// processes turn a new file to WAL at once.
func whenFree(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := try()
		if !isBusy(err) {
			return err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

func isBusy(err error) bool {
	var refused *driver.Error
	return errors.As(err, &refused) && refused.Code()&0xff == sqlite3.SQLITE_BUSY
}

// migrate brings the database to the current version. Where several processes
// do so at once, one does it and the others find it done.
func migrate(ctx context.Context, db *sql.DB) error {
	for {
		version, err := versionOf(ctx, db)
		if err != nil || version == len(migrations) {
			return err
		}
		if err := inTx(ctx, db, func(tx *sql.Tx) error {
			if now, err := versionOf(ctx, tx); err != nil || now != version {
				return err
			}
			// PRAGMA takes no parameters; the number is our own.
			_, err := tx.ExecContext(ctx, fmt.Sprintf("%s\nPRAGMA user_version = %d;", migrations[version], version+1))
			return err
		}); err != nil {
			return fmt.Errorf("bring it to version %d: %w", version+1, err)
		}
	}
}

func versionOf(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (version int, err error) {
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	if version > len(migrations) {
		return 0, fmt.Errorf("it is of version %d and this collector knows up to %d: a newer collector wrote it; use that one", version, len(migrations))
	}
	return version, nil
}

// ownerSuffix is what the file of the claim has after the store's name.
const ownerSuffix = "-owner"

// Claim makes this the only collector on the store until Close or the end of the
// process, or returns store.ErrInUse. Programs that only read or add to it, such
// as the one that makes secrets, need no claim.
func (s *Store) Claim(ctx context.Context) error {
	path := s.path + ownerSuffix
	if err := makeFile(path); err != nil {
		return err
	}
	// A lock of SQLite's own: it works on every system and ends with the process.
	db, err := open(path, 1, claiming)
	if err != nil {
		return err
	}
	// It is held beyond ctx, until Close.
	tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
	switch {
	case isBusy(err):
		return errors.Join(fmt.Errorf("the store %s: %w", s.path, store.ErrInUse), db.Close())
	case err != nil:
		return errors.Join(fmt.Errorf("claim the store %s: %w", s.path, err), db.Close())
	}
	s.release = func() error { return errors.Join(tx.Rollback(), db.Close()) }
	return nil
}

// Close closes the database.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.release != nil {
		errs = append(errs, s.release())
		s.release = nil
	}
	return errors.Join(errs...)
}

func inTx(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// millis is how times are kept; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}
