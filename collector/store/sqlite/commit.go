package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/store"
)

// prepared are the statements that every report needs. Parsing them each time
// would be a fifth of a commit's work.
type prepared struct {
	putDevice, putReport, putReceipt, putEvent, putAlert, putOutbox, putChain, putAudit, putVerdict *sql.Stmt
	deviceByID, openAlert, highest, chain                                                           *sql.Stmt
}

func (p *prepared) prepare(ctx context.Context, write, read *sql.DB) (err error) {
	for _, x := range []struct {
		into  **sql.Stmt
		db    *sql.DB
		query string
	}{
		{&p.putDevice, write, `INSERT INTO device (id, serial, hostname, person, verdict, risk, summary, picture, judgement) VALUES (?,?,?,?,?,?,?,?,?)
			ON CONFLICT (id) DO UPDATE SET serial = excluded.serial, hostname = excluded.hostname, person = excluded.person,
				verdict = excluded.verdict, risk = excluded.risk, summary = excluded.summary, picture = excluded.picture, judgement = excluded.judgement`},
		{&p.putReport, write, `INSERT INTO report (device, boot_id, sequence, observed_at, received_at, peer, peer_rtt_ms, body) VALUES (?,?,?,?,?,?,?,?)
			ON CONFLICT DO NOTHING`},
		{&p.putReceipt, write, `INSERT INTO receipt (device, boot_id, sequence, at) VALUES (?,?,?,?)
			ON CONFLICT (device, boot_id) DO UPDATE SET sequence = max(sequence, excluded.sequence), at = max(at, excluded.at)`},
		{&p.putEvent, write, `INSERT INTO event (device, at, body) VALUES (?,?,?)`},
		{&p.putAlert, write, `INSERT INTO alert (id, device, state, opened_at, body) VALUES (?,?,?,?,?)
			ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body`},
		{&p.putAudit, write, insertAudit},
		{&p.putVerdict, write, insertVerdict},
		{&p.putOutbox, write, `INSERT INTO outbox (key, device, body, created_at) VALUES (?,?,?,?) ON CONFLICT (key) DO NOTHING`},
		{&p.putChain, write, `INSERT INTO chain (device, current, previous, boot_id) VALUES (?,?,?,?)
			ON CONFLICT (device) DO UPDATE SET current = excluded.current, previous = excluded.previous, boot_id = excluded.boot_id`},
		{&p.deviceByID, read, deviceColumns + `WHERE id = ?`},
		{&p.openAlert, read, `SELECT body FROM alert WHERE device = ? AND state <> 'closed'`},
		{&p.chain, read, `SELECT device, current, previous, boot_id FROM chain WHERE device = ?`},
		{&p.highest, read, `SELECT sequence FROM receipt WHERE device = ? AND boot_id = ?`},
	} {
		if *x.into, err = x.db.PrepareContext(ctx, x.query); err != nil { //nolint:sqlclosecheck // lives as long as its database, which closes it
			return err
		}
	}
	return nil
}

// Commit makes all changes durable in one transaction.
func (s *Store) Commit(ctx context.Context, changes []store.Change) error {
	rows, err := s.rows(changes)
	if err != nil {
		return err
	}
	if err := inTx(ctx, s.write, func(tx *sql.Tx) error {
		if err := putBases(ctx, tx, changes); err != nil {
			return err
		}
		return insert(ctx, tx, rows)
	}); err != nil {
		return fmt.Errorf("commit %d changes: %w", len(changes), err)
	}
	return nil
}

// row is one execution of a statement.
type row struct {
	statement *sql.Stmt
	// what says in an error what was to be stored.
	what string
	args []any
}

// rows encodes changes, in the order in which they are to be executed, before the
// store is locked for it.
func (s *Store) rows(changes []store.Change) (out []row, err error) {
	made := func(b []byte, encodeErr error) []byte {
		if encodeErr != nil && err == nil {
			err = fmt.Errorf("encode what is to be stored: %w", encodeErr)
		}
		return nonNil(b)
	}
	encode := func(m proto.Message) []byte { return made(proto.Marshal(m)) }
	add := func(statement *sql.Stmt, what string, args ...any) {
		out = append(out, row{statement, what, args})
	}
	for _, c := range changes {
		device := ""
		if c.Device != nil {
			sum := c.Device.Summary
			device = sum.GetId()
			add(s.putDevice, "the device", device, sum.GetSerial(), sum.GetHostname(), sum.GetPerson(), sum.GetVerdict(), sum.GetRisk(),
				encode(sum), made(pack(c.Device.Picture)), made(pack(c.Device.Judgement)))
		} else if len(c.Events) > 0 {
			return nil, errors.New("events belong to a device, and the change has none")
		}
		for i, r := range c.Reports {
			add(s.putReport, "a report", r.Device, r.BootID, int64(r.Sequence), millis(r.ObservedAt), millis(r.ReceivedAt), r.Peer, r.PeerRTTMillis, nonNil(r.Body))
			// One receipt says it for all reports before it of the same boot.
			if next := i + 1; next == len(c.Reports) || c.Reports[next].Device != r.Device || c.Reports[next].BootID != r.BootID || c.Reports[next].Sequence < r.Sequence {
				add(s.putReceipt, "a receipt", r.Device, r.BootID, int64(r.Sequence), millis(r.ReceivedAt))
			}
		}
		if x := c.Chain; x != nil {
			add(s.putChain, "where deliveries stand", x.Device, nonNil(x.Current), nonNil(x.Previous), x.BootID)
		}
		for _, e := range c.Events {
			add(s.putEvent, "an event", device, millis(e.GetAt().AsTime()), encode(e))
		}
		for _, a := range c.Alerts {
			add(s.putAlert, "an alert", a.GetId(), a.GetDevice(), a.GetState(), millis(a.GetOpenedAt().AsTime()), encode(a))
		}
		for _, o := range c.Outbox {
			add(s.putOutbox, "an outbox row", o.Key, o.Device, nonNil(o.Body), millis(o.CreatedAt))
		}
		for _, v := range c.Verdicts {
			add(s.putVerdict, "a verdict", verdictArgs(v)...)
		}
		for _, e := range c.Audit {
			add(s.putAudit, "an entry of the audit log", millis(e.At), e.Actor, e.Action, e.Object, e.Detail)
		}
	}
	return out, err
}

func insert(ctx context.Context, tx *sql.Tx, rows []row) error {
	// The prepared statements as this transaction's.
	own := map[*sql.Stmt]*sql.Stmt{}
	for _, r := range rows {
		statement := own[r.statement]
		if statement == nil {
			statement = tx.StmtContext(ctx, r.statement) //nolint:sqlclosecheck // the end of the transaction closes it
			own[r.statement] = statement
		}
		if _, err := statement.ExecContext(ctx, r.args...); err != nil {
			return fmt.Errorf("store %s: %w", r.what, err)
		}
	}
	return nil
}
