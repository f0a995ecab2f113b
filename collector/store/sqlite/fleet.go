package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Commit makes all changes durable in one transaction.
func (s *Store) Commit(ctx context.Context, changes []store.Change) error {
	err := inTx(ctx, s.write, func(tx *sql.Tx) error {
		for _, c := range changes {
			if err := commitOne(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit %d changes: %w", len(changes), err)
	}
	return nil
}

func commitOne(ctx context.Context, tx *sql.Tx, c store.Change) error {
	device := ""
	if c.Device != nil {
		device = c.Device.Summary.GetId()
		if err := putDevice(ctx, tx, c.Device); err != nil {
			return err
		}
	}
	for _, r := range c.Reports {
		if _, err := tx.ExecContext(ctx, `INSERT INTO report VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
			r.Device, r.BootID, int64(r.Sequence), millis(r.ObservedAt), millis(r.ReceivedAt), r.Peer, r.PeerRTTMillis, nonNil(r.Body)); err != nil {
			return fmt.Errorf("store a report: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO receipt VALUES (?,?,?)
			ON CONFLICT (device, boot_id) DO UPDATE SET sequence = max(sequence, excluded.sequence)`,
			r.Device, r.BootID, int64(r.Sequence)); err != nil {
			return fmt.Errorf("store a receipt: %w", err)
		}
	}
	for _, e := range c.Events {
		body, err := proto.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode an event: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO event (device, at, body) VALUES (?,?,?)`, device, millis(e.GetAt().AsTime()), nonNil(body)); err != nil {
			return fmt.Errorf("store an event: %w", err)
		}
	}
	for _, a := range c.Alerts {
		body, err := proto.Marshal(a)
		if err != nil {
			return fmt.Errorf("encode an alert: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO alert VALUES (?,?,?,?,?)
			ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body`,
			a.GetId(), a.GetDevice(), a.GetState(), millis(a.GetOpenedAt().AsTime()), body); err != nil {
			return fmt.Errorf("store an alert: %w", err)
		}
	}
	for _, o := range c.Outbox {
		if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (key, device, body, created_at) VALUES (?,?,?,?) ON CONFLICT (key) DO NOTHING`,
			o.Key, o.Device, nonNil(o.Body), millis(o.CreatedAt)); err != nil {
			return fmt.Errorf("store an outbox row: %w", err)
		}
	}
	return nil
}

func putDevice(ctx context.Context, tx *sql.Tx, d *store.Device) error {
	blobs := make([][]byte, 3)
	for i, m := range []proto.Message{d.Summary, d.Picture, d.Judgement} {
		b, err := proto.Marshal(m)
		if err != nil {
			return fmt.Errorf("encode device %s: %w", d.Summary.GetId(), err)
		}
		blobs[i] = nonNil(b)
	}
	sum := d.Summary
	_, err := tx.ExecContext(ctx, `INSERT INTO device VALUES (?,?,?,?,?,?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET serial = excluded.serial, hostname = excluded.hostname, person = excluded.person,
			verdict = excluded.verdict, risk = excluded.risk, summary = excluded.summary, picture = excluded.picture, judgement = excluded.judgement`,
		sum.GetId(), sum.GetSerial(), sum.GetHostname(), sum.GetPerson(), sum.GetVerdict(), sum.GetRisk(), blobs[0], blobs[1], blobs[2])
	if err != nil {
		return fmt.Errorf("store device %s: %w", sum.GetId(), err)
	}
	return nil
}

// nonNil keeps an empty blob from becoming NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Whether an identity stands is the identity's to say, so that a revocation shows
// without a report: it is joined, whatever a stored summary holds.
const (
	revokedColumn = `EXISTS (SELECT 1 FROM identity WHERE identity.device = device.id AND identity.revoked_at > 0)`
	deviceColumns = `SELECT ` + revokedColumn + `, summary, picture, judgement FROM device `
)

type scanner interface{ Scan(...any) error }

func scanDevice(row scanner) (*store.Device, error) {
	var (
		revoked bool
		blobs   [3][]byte
	)
	if err := row.Scan(&revoked, &blobs[0], &blobs[1], &blobs[2]); err != nil {
		return nil, notFound(err)
	}
	d := &store.Device{Summary: &fleetv1.DeviceSummary{}, Picture: &fleetv1.Picture{}, Judgement: &fleetv1.Judgement{}}
	for i, m := range []proto.Message{d.Summary, d.Picture, d.Judgement} {
		if err := proto.Unmarshal(blobs[i], m); err != nil {
			return nil, fmt.Errorf("decode a stored device: %w", err)
		}
	}
	d.Summary.Revoked = revoked
	return d, nil
}

// Device returns one device by exact id.
func (s *Store) Device(ctx context.Context, id string) (*store.Device, error) {
	return scanDevice(s.read.QueryRowContext(ctx, deviceColumns+`WHERE id = ?`, id))
}

// FindDevice returns one device by id, unique id prefix or serial.
func (s *Store) FindDevice(ctx context.Context, name string) (*store.Device, error) {
	if d, err := s.Device(ctx, name); err == nil {
		return d, nil
	}
	rows, err := s.read.QueryContext(ctx, deviceColumns+`WHERE serial = ?1 OR substr(id, 1, length(?1)) = ?1 LIMIT 2`, name)
	if err != nil {
		return nil, fmt.Errorf("find a device: %w", err)
	}
	defer rows.Close()
	var found *store.Device
	for rows.Next() {
		if found != nil {
			return nil, store.ErrAmbiguous
		}
		if found, err = scanDevice(rows); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find a device: %w", err)
	}
	if found == nil {
		return nil, store.ErrNotFound
	}
	return found, nil
}

// page is where the next page of devices begins: after this row.
type page struct {
	Risk float64 `json:"r"`
	ID   string  `json:"i"`
}

// Devices lists summaries, riskiest first.
func (s *Store) Devices(ctx context.Context, f store.DeviceFilter) ([]*fleetv1.DeviceSummary, string, error) {
	query, args := strings.Builder{}, []any{}
	query.WriteString(`SELECT risk, ` + revokedColumn + `, summary FROM device WHERE TRUE`)
	if len(f.Verdicts) > 0 {
		query.WriteString(` AND verdict IN (` + strings.TrimSuffix(strings.Repeat("?,", len(f.Verdicts)), ",") + `)`)
		for _, v := range f.Verdicts {
			args = append(args, v)
		}
	}
	if f.Prefix != "" {
		query.WriteString(` AND (FALSE`)
		for _, column := range []string{"id", "serial", "hostname", "person"} {
			query.WriteString(` OR substr(` + column + `, 1, length(?)) = ?`)
			args = append(args, f.Prefix, f.Prefix)
		}
		query.WriteString(`)`)
	}
	if f.After != "" {
		var after page
		raw, err := base64.RawURLEncoding.DecodeString(f.After)
		if err == nil {
			err = json.Unmarshal(raw, &after)
		}
		if err != nil {
			return nil, "", fmt.Errorf("the page token is not one of ours: %w", err)
		}
		query.WriteString(` AND (risk < ? OR (risk = ? AND id > ?))`)
		args = append(args, after.Risk, after.Risk, after.ID)
	}
	query.WriteString(` ORDER BY risk DESC, id LIMIT ?`)
	args = append(args, f.Limit+1)

	rows, err := s.read.QueryContext(ctx, query.String(), args...)
	if err != nil {
		return nil, "", fmt.Errorf("list devices: %w", err)
	}
	defer rows.Close()
	var (
		out  []*fleetv1.DeviceSummary
		last page
	)
	for rows.Next() {
		if len(out) == f.Limit {
			raw, err := json.Marshal(last)
			if err != nil {
				return nil, "", err
			}
			return out, base64.RawURLEncoding.EncodeToString(raw), nil
		}
		var (
			revoked bool
			blob    []byte
			sum     fleetv1.DeviceSummary
		)
		if err := rows.Scan(&last.Risk, &revoked, &blob); err != nil {
			return nil, "", fmt.Errorf("list devices: %w", err)
		}
		if err := proto.Unmarshal(blob, &sum); err != nil {
			return nil, "", fmt.Errorf("decode a stored device: %w", err)
		}
		last.ID, sum.Revoked = sum.GetId(), revoked
		out = append(out, &sum)
	}
	return out, "", rows.Err()
}

// EachDevice calls fn for every device.
func (s *Store) EachDevice(ctx context.Context, fn func(*store.Device) error) error {
	rows, err := s.read.QueryContext(ctx, deviceColumns)
	if err != nil {
		return fmt.Errorf("read the devices: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		d, err := scanDevice(rows)
		if err != nil {
			return err
		}
		if err := fn(d); err != nil {
			return err
		}
	}
	return rows.Err()
}

// HighestSequence returns the highest committed sequence of a boot.
func (s *Store) HighestSequence(ctx context.Context, device, bootID string) (uint64, error) {
	var n int64
	err := s.read.QueryRowContext(ctx, `SELECT coalesce(max(sequence), 0) FROM receipt WHERE device = ? AND boot_id = ?`, device, bootID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("look up what was committed: %w", err)
	}
	return uint64(n), nil
}

// Timeline returns the latest events, oldest first.
func (s *Store) Timeline(ctx context.Context, device string, since time.Time, limit int) ([]*fleetv1.Event, error) {
	return messages(ctx, s.read, func() *fleetv1.Event { return &fleetv1.Event{} },
		`SELECT body FROM (SELECT body, at, id FROM event WHERE device = ? AND at >= ? ORDER BY at DESC, id DESC LIMIT ?) ORDER BY at, id`,
		device, millis(since), limit)
}

// Alerts lists alerts, newest first.
func (s *Store) Alerts(ctx context.Context, f store.AlertFilter) ([]*fleetv1.Alert, error) {
	query, args := `SELECT body FROM alert WHERE TRUE`, []any{}
	if len(f.States) > 0 {
		query += ` AND state IN (` + strings.TrimSuffix(strings.Repeat("?,", len(f.States)), ",") + `)`
		for _, st := range f.States {
			args = append(args, st)
		}
	}
	if f.Device != "" {
		query, args = query+` AND device = ?`, append(args, f.Device)
	}
	return messages(ctx, s.read, newAlert, query+` ORDER BY opened_at DESC, id LIMIT ?`, append(args, f.Limit)...)
}

// Alert returns one alert.
func (s *Store) Alert(ctx context.Context, id string) (*fleetv1.Alert, error) {
	return message(ctx, s.read, newAlert, `SELECT body FROM alert WHERE id = ?`, id)
}

// OpenAlert returns the device's alert that is not closed.
func (s *Store) OpenAlert(ctx context.Context, device string) (*fleetv1.Alert, error) {
	return message(ctx, s.read, newAlert, `SELECT body FROM alert WHERE device = ? AND state <> 'closed'`, device)
}

func newAlert() *fleetv1.Alert { return &fleetv1.Alert{} }

func messages[M proto.Message](ctx context.Context, db *sql.DB, empty func() M, query string, args ...any) ([]M, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query the store: %w", err)
	}
	defer rows.Close()
	var out []M
	for rows.Next() {
		var blob []byte
		if err := rows.Scan(&blob); err != nil {
			return nil, fmt.Errorf("query the store: %w", err)
		}
		m := empty()
		if err := proto.Unmarshal(blob, m); err != nil {
			return nil, fmt.Errorf("decode what is stored: %w", err)
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

func message[M proto.Message](ctx context.Context, db *sql.DB, empty func() M, query string, args ...any) (M, error) {
	var none M
	found, err := messages(ctx, db, empty, query, args...)
	if err != nil {
		return none, err
	}
	if len(found) == 0 {
		return none, store.ErrNotFound
	}
	return found[0], nil
}
