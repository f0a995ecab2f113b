package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/farmhound-security/farmhound/collector/store"
)

const versionColumns = `SELECT n, digest, at, actor, origin, added, changed, removed, refused FROM roster_version `

func scanVersion(row scanner) (store.RosterVersion, error) {
	var (
		v  store.RosterVersion
		at int64
	)
	err := row.Scan(&v.N, &v.Digest, &at, &v.Actor, &v.Origin, &v.Added, &v.Changed, &v.Removed, &v.Refused)
	v.At = moment(at)
	return v, notFound(err)
}

// RosterVersion returns the latest version, the zero value where there is none.
func (s *Store) RosterVersion(ctx context.Context) (store.RosterVersion, error) {
	return latestVersion(ctx, s.read)
}

func latestVersion(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (store.RosterVersion, error) {
	v, err := scanVersion(db.QueryRowContext(ctx, versionColumns+`ORDER BY n DESC LIMIT 1`))
	if errors.Is(err, store.ErrNotFound) {
		return store.RosterVersion{}, nil
	}
	return v, err
}

// RosterVersionOf returns the latest version with a digest.
func (s *Store) RosterVersionOf(ctx context.Context, digest string) (store.RosterVersion, error) {
	return scanVersion(s.read.QueryRowContext(ctx, versionColumns+`WHERE digest = ? ORDER BY n DESC LIMIT 1`, digest))
}

// RosterVersions lists versions before one, latest first.
func (s *Store) RosterVersions(ctx context.Context, before uint64, limit int) ([]store.RosterVersion, error) {
	return collect(ctx, s.read, scanVersion, versionColumns+`WHERE ? = 0 OR n < ? ORDER BY n DESC LIMIT ?`, before, before, limit)
}

// PutRoster makes the version after v.N.
func (s *Store) PutRoster(ctx context.Context, v store.RosterVersion, changes []store.RosterChange, audit store.AuditEntry) (uint64, error) {
	next := v.N + 1
	err := inTx(ctx, s.write, func(tx *sql.Tx) error {
		latest, err := latestVersion(ctx, tx)
		if err != nil {
			return err
		}
		if latest.N != v.N {
			return store.ErrConflict
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO roster_version (n, digest, at, actor, origin, added, changed, removed, refused) VALUES (?,?,?,?,?,?,?,?,?)`,
			next, v.Digest, millis(v.At), v.Actor, v.Origin, v.Added, v.Changed, v.Removed, v.Refused); err != nil {
			return err
		}
		if err := putRecords(ctx, tx, next, changes); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, insertAudit, millis(audit.At), audit.Actor, audit.Action, audit.Object, audit.Detail)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store version %d of the roster: %w", next, err)
	}
	return next, nil
}

// putRecords ends the records that change and begins what they change to.
func putRecords(ctx context.Context, tx *sql.Tx, next uint64, changes []store.RosterChange) (err error) {
	end, err := tx.PrepareContext(ctx, `UPDATE roster_record SET until = ? WHERE source = ? AND kind = ? AND key = ? AND until = 0 AND body = ?`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end.Close()) }()
	// One that is in force already is a conflict: of one thing one record is.
	begin, err := tx.PrepareContext(ctx, `INSERT INTO roster_record (source, kind, key, body, since, until)
		SELECT ?, ?, ?, ?, ?, 0 WHERE NOT EXISTS (SELECT 1 FROM roster_record WHERE source = ? AND kind = ? AND key = ? AND until = 0)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, begin.Close()) }()
	one := func(result sql.Result, err error) error {
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(store.ErrConflict, err)
		}
		return nil
	}
	for i := range changes {
		c := &changes[i]
		if c.Before != "" {
			if err := one(end.ExecContext(ctx, next, c.Source, c.Kind, c.Key, c.Before)); err != nil {
				return err
			}
		}
		if c.After != "" {
			if err := one(begin.ExecContext(ctx, c.Source, c.Kind, c.Key, c.After, next, c.Source, c.Kind, c.Key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// EachRosterRecord calls fn for every record as of a version.
func (s *Store) EachRosterRecord(ctx context.Context, n uint64, after store.RosterRecord, fn func(store.RosterRecord) error) (err error) {
	if n == 0 {
		return nil
	}
	var there bool
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM roster_version WHERE n = ?`, n).Scan(&there); err != nil {
		return fmt.Errorf("read the roster: %w", err)
	}
	if !there {
		return fmt.Errorf("version %d of the roster: %w", n, store.ErrNotFound)
	}
	rows, err := s.read.QueryContext(ctx, `SELECT source, kind, key, body FROM roster_record
		WHERE since <= ? AND (until = 0 OR until > ?) AND (source, kind, key) > (?, ?, ?) ORDER BY source, kind, key`,
		n, n, after.Source, after.Kind, after.Key)
	if err != nil {
		return fmt.Errorf("read the roster: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r store.RosterRecord
		if err := rows.Scan(&r.Source, &r.Kind, &r.Key, &r.Body); err != nil {
			return fmt.Errorf("read the roster: %w", err)
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// RosterChanges lists what a version changed.
func (s *Store) RosterChanges(ctx context.Context, n uint64, after store.RosterChange, limit int) ([]store.RosterChange, error) {
	return collect(ctx, s.read, func(row scanner) (c store.RosterChange, err error) {
		return c, row.Scan(&c.Source, &c.Kind, &c.Key, &c.Before, &c.After)
	}, `SELECT source, kind, key, max(before), max(after) FROM (
			SELECT source, kind, key, '' AS before, body AS after FROM roster_record WHERE since = ?
			UNION ALL SELECT source, kind, key, body, '' FROM roster_record WHERE until = ?)
		WHERE (source, kind, key) > (?, ?, ?) GROUP BY source, kind, key ORDER BY source, kind, key LIMIT ?`,
		n, n, after.Source, after.Kind, after.Key, limit)
}
