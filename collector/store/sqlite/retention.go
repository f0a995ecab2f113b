package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// forgetting are the deletions that one horizon stands for. Each takes the horizon in
// milliseconds, the most rows to delete, and the outputs as a JSON list, and finds
// the rows by an index. Chains come before the receipts that they keep.
var forgetting = []struct {
	what    string
	horizon func(store.Horizons) time.Time
	query   string
}{
	{"reports", func(h store.Horizons) time.Time { return h.Reports },
		`DELETE FROM report WHERE id IN (SELECT id FROM report WHERE received_at < ?1 ORDER BY received_at LIMIT ?2)`},
	{"events", func(h store.Horizons) time.Time { return h.Events },
		`DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < ?1 ORDER BY at LIMIT ?2)`},
	{"verdicts", func(h store.Horizons) time.Time { return h.Verdicts },
		`DELETE FROM verdict WHERE id IN (SELECT id FROM verdict WHERE judged_at < ?1 ORDER BY judged_at LIMIT ?2)`},
	{"the audit log", func(h store.Horizons) time.Time { return h.Audit },
		`DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 ORDER BY at LIMIT ?2)`},
	// Of the roster stays what holds since the last version before the horizon. Records
	// come before the versions that need them.
	{"the roster", func(h store.Horizons) time.Time { return h.Audit },
		`DELETE FROM roster_record WHERE (source, kind, key, since) IN (SELECT source, kind, key, since FROM roster_record
			WHERE until > 0 AND until < (SELECT max(n) FROM roster_version WHERE at < ?1) ORDER BY until LIMIT ?2)`},
	{"versions of the roster", func(h store.Horizons) time.Time { return h.Audit },
		`DELETE FROM roster_version WHERE n IN (SELECT n FROM roster_version
			WHERE n < (SELECT max(n) FROM roster_version WHERE at < ?1) ORDER BY n LIMIT ?2)`},
	// An output that has delivered nothing yet has no position. Without outputs nobody
	// waits for anything.
	{"the outbox", func(h store.Horizons) time.Time { return h.Outbox },
		`DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
			WHERE id <= coalesce((SELECT min(coalesce(position.id, 0)) FROM json_each(?3) AS named
				LEFT JOIN outbox_position AS position ON position.output = named.value), 9223372036854775807)
			AND created_at < ?1 ORDER BY id LIMIT ?2)`},
	{"chains", func(h store.Horizons) time.Time { return h.Receipts },
		`DELETE FROM chain WHERE device IN (SELECT identity.device FROM identity JOIN chain ON chain.device = identity.device
			WHERE revoked_at > 0 AND revoked_at < ?1 LIMIT ?2)`},
	{"receipts", func(h store.Horizons) time.Time { return h.Receipts },
		`DELETE FROM receipt WHERE (device, boot_id) IN (SELECT device, boot_id FROM receipt WHERE at < ?1
			AND NOT EXISTS (SELECT 1 FROM chain WHERE chain.device = receipt.device AND chain.boot_id = receipt.boot_id)
			ORDER BY at LIMIT ?2)`},
}

// Forget forgets at most limit rows in one transaction.
func (s *Store) Forget(ctx context.Context, before store.Horizons, limit int) (forgotten int, err error) {
	outputs, err := json.Marshal(append([]string{}, before.Outputs...))
	if err != nil {
		return 0, fmt.Errorf("forget what is old: %w", err)
	}
	err = inTx(ctx, s.write, func(tx *sql.Tx) error {
		forgotten = 0
		for _, kind := range forgetting {
			horizon := kind.horizon(before)
			if horizon.IsZero() || forgotten == limit {
				continue
			}
			result, err := tx.ExecContext(ctx, kind.query, millis(horizon), limit-forgotten, string(outputs))
			if err != nil {
				return fmt.Errorf("%s: %w", kind.what, err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return fmt.Errorf("%s: %w", kind.what, err)
			}
			forgotten += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("forget what is old: %w", err)
	}
	return forgotten, nil
}
