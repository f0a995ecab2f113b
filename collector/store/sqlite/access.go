package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// PendingOutbox returns rows not yet delivered by the output.
func (s *Store) PendingOutbox(ctx context.Context, output string, limit int) ([]store.OutboxRow, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, key, device, body, created_at FROM outbox
		WHERE id > coalesce((SELECT id FROM outbox_position WHERE output = ?), 0) ORDER BY id LIMIT ?`, output, limit)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	defer rows.Close()
	var out []store.OutboxRow
	for rows.Next() {
		var (
			r  store.OutboxRow
			at int64
		)
		if err := rows.Scan(&r.ID, &r.Key, &r.Device, &r.Body, &at); err != nil {
			return nil, fmt.Errorf("read the outbox: %w", err)
		}
		r.CreatedAt = moment(at)
		out = append(out, r)
	}
	return out, rows.Err()
}

// AckOutbox marks everything up to id as delivered.
func (s *Store) AckOutbox(ctx context.Context, output string, id int64) error {
	return s.exec(ctx, "mark the outbox", `INSERT INTO outbox_position VALUES (?,?)
		ON CONFLICT (output) DO UPDATE SET id = max(id, excluded.id)`, output, id)
}

// CreateToken stores a token.
func (s *Store) CreateToken(ctx context.Context, t store.Token) error {
	return s.exec(ctx, "store a token", `INSERT INTO token VALUES (?,?,?,?,?,?,?)`,
		t.ID, t.Hash, t.Name, t.Role, millis(t.CreatedAt), millis(t.ExpiresAt), millis(t.RevokedAt))
}

const tokenColumns = `SELECT id, hash, name, role, created_at, expires_at, revoked_at FROM token `

func scanToken(row scanner) (store.Token, error) {
	var (
		t                         store.Token
		created, expires, revoked int64
	)
	err := row.Scan(&t.ID, &t.Hash, &t.Name, &t.Role, &created, &expires, &revoked)
	t.CreatedAt, t.ExpiresAt, t.RevokedAt = moment(created), moment(expires), moment(revoked)
	return t, notFound(err)
}

// Tokens lists tokens, oldest first.
func (s *Store) Tokens(ctx context.Context) ([]store.Token, error) {
	return collect(ctx, s.read, scanToken, tokenColumns+`ORDER BY created_at, id`)
}

// RevokeToken revokes a token.
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time) error {
	return s.revoke(ctx, `UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at = 0`, `SELECT count(*) FROM token WHERE id = ?`, id, millis(at))
}

// TokenByHash returns the token with that hash, whatever its standing.
func (s *Store) TokenByHash(ctx context.Context, hash []byte) (store.Token, error) {
	return scanToken(s.read.QueryRowContext(ctx, tokenColumns+`WHERE hash = ?`, hash))
}

const insertAudit = `INSERT INTO audit (at, actor, action, object, detail) VALUES (?,?,?,?,?)`

// Audit records who changed or read what.
func (s *Store) Audit(ctx context.Context, e store.AuditEntry) error {
	return s.exec(ctx, "write the audit log", insertAudit,
		millis(e.At), e.Actor, e.Action, e.Object, e.Detail)
}

// AuditLog returns entries, oldest first.
func (s *Store) AuditLog(ctx context.Context, since time.Time, limit int) ([]store.AuditEntry, error) {
	return collect(ctx, s.read, func(row scanner) (store.AuditEntry, error) {
		var (
			e  store.AuditEntry
			at int64
		)
		err := row.Scan(&at, &e.Actor, &e.Action, &e.Object, &e.Detail)
		e.At = moment(at)
		return e, err
	}, `SELECT at, actor, action, object, detail FROM audit WHERE at >= ? ORDER BY id LIMIT ?`, millis(since), limit)
}

// Setting returns a value.
func (s *Store) Setting(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	err := s.read.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&value)
	return value, notFound(err)
}

// PutSettingIfAbsent stores a value unless there is one, and returns what is stored.
func (s *Store) PutSettingIfAbsent(ctx context.Context, name string, value []byte) ([]byte, error) {
	if err := s.exec(ctx, "store a setting", `INSERT INTO setting VALUES (?,?) ON CONFLICT DO NOTHING`, name, nonNil(value)); err != nil {
		return nil, err
	}
	return s.Setting(ctx, name)
}

func (s *Store) exec(ctx context.Context, doing, query string, args ...any) error {
	if _, err := s.write.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// revoke sets a time of revocation once: the first one stands. args are what the
// update takes before the id.
func (s *Store) revoke(ctx context.Context, update, count, id string, args ...any) error {
	return inTx(ctx, s.write, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, count, id).Scan(&n); err != nil {
			return fmt.Errorf("revoke: %w", err)
		}
		if n == 0 {
			return store.ErrNotFound
		}
		if _, err := tx.ExecContext(ctx, update, append(args, id)...); err != nil {
			return fmt.Errorf("revoke: %w", err)
		}
		return nil
	})
}

func collect[T any](ctx context.Context, db *sql.DB, scan func(scanner) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query the store: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		x, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("query the store: %w", err)
		}
		out = append(out, x)
	}
	return out, rows.Err()
}
