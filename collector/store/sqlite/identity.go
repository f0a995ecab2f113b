package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// CreateSecret stores an enrolment secret.
func (s *Store) CreateSecret(ctx context.Context, x store.Secret) error {
	return s.exec(ctx, "store a secret", `INSERT INTO secret (id, hash, note, max_uses, uses, created_at, expires_at, revoked_at) VALUES (?,?,?,?,?,?,?,?)`,
		x.ID, x.Hash, x.Note, x.MaxUses, x.Uses, millis(x.CreatedAt), millis(x.ExpiresAt), millis(x.RevokedAt))
}

const secretColumns = `SELECT id, hash, note, max_uses, uses, created_at, expires_at, revoked_at, refused, refused_at FROM secret `

func scanSecret(row scanner) (store.Secret, error) {
	var (
		x                                  store.Secret
		created, expires, revoked, refused int64
	)
	err := row.Scan(&x.ID, &x.Hash, &x.Note, &x.MaxUses, &x.Uses, &created, &expires, &revoked, &x.Refused, &refused)
	x.CreatedAt, x.ExpiresAt, x.RevokedAt, x.RefusedAt = moment(created), moment(expires), moment(revoked), moment(refused)
	return x, notFound(err)
}

// Secrets lists secrets, oldest first.
func (s *Store) Secrets(ctx context.Context) ([]store.Secret, error) {
	return collect(ctx, s.read, scanSecret, secretColumns+`ORDER BY created_at, id`)
}

// RevokeSecret revokes a secret.
func (s *Store) RevokeSecret(ctx context.Context, id string, at time.Time) error {
	return s.revoke(ctx, `UPDATE secret SET revoked_at = ? WHERE id = ? AND revoked_at = 0`, `SELECT count(*) FROM secret WHERE id = ?`, id, millis(at))
}

// RefuseEnrollment counts refused enrolments with a secret.
func (s *Store) RefuseEnrollment(ctx context.Context, secretHash []byte, times uint64, at time.Time) error {
	return s.changeOne(ctx, "count a refused enrolment", `UPDATE secret SET refused = refused + ?, refused_at = ? WHERE hash = ?`,
		int64(min(times, 1<<32)), millis(at), secretHash)
}

// Enroll spends one use of a secret and records the identity in one step. The
// first refusal that applies is returned: unknown, revoked, expired, spent.
func (s *Store) Enroll(ctx context.Context, secretHash []byte, id store.Identity, at time.Time) error {
	return inTx(ctx, s.write, func(tx *sql.Tx) error {
		secret, err := scanSecret(tx.QueryRowContext(ctx, secretColumns+`WHERE hash = ?`, secretHash))
		switch {
		case err != nil:
			return err
		case !secret.RevokedAt.IsZero():
			return store.ErrRevoked
		case !secret.ExpiresAt.IsZero() && !at.Before(secret.ExpiresAt):
			return store.ErrExpired
		}
		var known int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM identity WHERE device = ?`, id.Device).Scan(&known); err != nil {
			return fmt.Errorf("look up the identity: %w", err)
		}
		if known > 0 {
			return nil // an answer that was lost and asked for again
		}
		if secret.MaxUses > 0 && secret.Uses >= secret.MaxUses {
			return store.ErrSpent
		}
		if _, err := tx.ExecContext(ctx, `UPDATE secret SET uses = uses + 1 WHERE id = ?`, secret.ID); err != nil {
			return fmt.Errorf("spend the secret: %w", err)
		}
		before, err := supersede(ctx, tx, id, at)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO identity (device, serial, secret_id, enrolled_at, revoked_at, revoke_note, supersedes) VALUES (?,?,?,?,0,'',?)`,
			id.Device, id.Serial, secret.ID, millis(at), before); err != nil {
			return fmt.Errorf("record the identity: %w", err)
		}
		return nil
	})
}

// supersede notes on the identities with the serial of a new one that it has taken
// their place, and returns the device of the latest of them, empty for none.
func supersede(ctx context.Context, tx *sql.Tx, id store.Identity, at time.Time) (before string, err error) {
	if id.Serial == "" {
		return "", nil
	}
	err = tx.QueryRowContext(ctx, `SELECT device FROM identity WHERE serial = ? AND superseded_by = '' ORDER BY enrolled_at DESC, device LIMIT 1`, id.Serial).Scan(&before)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look up the serial: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE identity SET superseded_by = ?, superseded_at = ? WHERE serial = ? AND superseded_by = ''`,
		id.Device, millis(at), id.Serial); err != nil {
		return "", fmt.Errorf("supersede identities: %w", err)
	}
	return before, nil
}

const identityColumns = `SELECT device, serial, secret_id, enrolled_at, revoked_at, revoke_note, supersedes, superseded_by, superseded_at, ca, trusts FROM identity `

func scanIdentity(row scanner) (store.Identity, error) {
	var (
		x                             store.Identity
		enrolled, revoked, superseded int64
		trusts                        string
	)
	err := row.Scan(&x.Device, &x.Serial, &x.SecretID, &enrolled, &revoked, &x.RevokeNote, &x.Supersedes, &x.SupersededBy, &superseded, &x.CA, &trusts)
	x.EnrolledAt, x.RevokedAt, x.SupersededAt = moment(enrolled), moment(revoked), moment(superseded)
	if trusts != "" {
		x.Trusts = strings.Fields(trusts)
	}
	return x, notFound(err)
}

// Identity returns a device's standing.
func (s *Store) Identity(ctx context.Context, device string) (store.Identity, error) {
	return scanIdentity(s.read.QueryRowContext(ctx, identityColumns+`WHERE device = ?`, device))
}

// Identities lists all identities by device.
func (s *Store) Identities(ctx context.Context) ([]store.Identity, error) {
	return collect(ctx, s.read, scanIdentity, identityColumns+`ORDER BY device`)
}

// NoteTrust records an identity's CA and what it trusts.
func (s *Store) NoteTrust(ctx context.Context, device, ca string, trusts []string) error {
	return s.changeOne(ctx, "record what a device trusts", `UPDATE identity SET ca = ?, trusts = ? WHERE device = ?`, ca, strings.Join(trusts, " "), device)
}

// RevokeIdentity revokes a device's identity.
func (s *Store) RevokeIdentity(ctx context.Context, device, note string, at time.Time) error {
	return s.revoke(ctx, `UPDATE identity SET revoked_at = ?, revoke_note = ? WHERE device = ? AND revoked_at = 0`,
		`SELECT count(*) FROM identity WHERE device = ?`, device, millis(at), note)
}

// changeOne changes one row, or returns store.ErrNotFound.
func (s *Store) changeOne(ctx context.Context, doing, query string, args ...any) error {
	result, err := s.write.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if n, err := result.RowsAffected(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	} else if n == 0 {
		return store.ErrNotFound
	}
	return nil
}
