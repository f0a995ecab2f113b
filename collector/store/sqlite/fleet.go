package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// nonNil keeps an empty blob from becoming NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Whether an identity stands is the identity's to say, so that a revocation or a
// successor shows without a report: it is joined, whatever a stored summary holds.
const (
	standingColumns = `coalesce(identity.revoked_at, 0) > 0, coalesce(superseded_by, ''), coalesce(supersedes, '')`
	withStanding    = ` FROM device LEFT JOIN identity ON identity.device = device.id `
	deviceColumns   = `SELECT ` + standingColumns + `, summary, picture, judgement` + withStanding
)

// standing is what the identity says of its device.
type standing struct {
	revoked                  bool
	supersededBy, supersedes string
}

func (s *standing) into(sum *fleetv1.DeviceSummary) {
	sum.Revoked, sum.SupersededBy, sum.Supersedes = s.revoked, s.supersededBy, s.supersedes
}

type scanner interface{ Scan(...any) error }

func scanDevice(row scanner) (*store.Device, error) {
	var (
		stands standing
		blobs  [3][]byte
	)
	if err := row.Scan(&stands.revoked, &stands.supersededBy, &stands.supersedes, &blobs[0], &blobs[1], &blobs[2]); err != nil {
		return nil, notFound(err)
	}
	d := &store.Device{Summary: &fleetv1.DeviceSummary{}, Picture: &fleetv1.Picture{}, Judgement: &fleetv1.Judgement{}}
	for i, m := range []proto.Message{d.Summary, d.Picture, d.Judgement} {
		if err := unpack(blobs[i], m); err != nil {
			return nil, fmt.Errorf("decode a stored device: %w", err)
		}
	}
	stands.into(d.Summary)
	return d, nil
}

// Device returns one device by exact id.
func (s *Store) Device(ctx context.Context, id string) (*store.Device, error) {
	return scanDevice(s.deviceByID.QueryRowContext(ctx, id))
}

// findDevice finds by serial or by the beginning of an id, which no character follows
// in order that is beyond the last of Unicode. A serial names the latest of the
// devices that a laptop has been.
const findDevice = deviceColumns + `WHERE (device.serial = ?1
	AND NOT EXISTS (SELECT 1 FROM device AS later WHERE later.id = identity.superseded_by AND later.serial = device.serial)) OR (id >= ?1 AND id < ?1 || char(1114111)) LIMIT 2`

// FindDevice returns one device by id, unique id prefix or serial.
func (s *Store) FindDevice(ctx context.Context, name string) (*store.Device, error) {
	if d, err := s.Device(ctx, name); err == nil {
		return d, nil
	}
	rows, err := s.read.QueryContext(ctx, findDevice, name)
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
	query.WriteString(`SELECT risk, ` + standingColumns + `, summary` + withStanding + `WHERE TRUE`)
	if len(f.Verdicts) > 0 {
		query.WriteString(` AND verdict IN (` + strings.TrimSuffix(strings.Repeat("?,", len(f.Verdicts)), ",") + `)`)
		for _, v := range f.Verdicts {
			args = append(args, v)
		}
	}
	if f.Prefix != "" {
		query.WriteString(` AND (FALSE`)
		for _, column := range []string{"id", "device.serial", "hostname", "person"} {
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
			return nil, "", fmt.Errorf("list devices: %w: %w", store.ErrPage, err)
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
			stands standing
			blob   []byte
			sum    fleetv1.DeviceSummary
		)
		if err := rows.Scan(&last.Risk, &stands.revoked, &stands.supersededBy, &stands.supersedes, &blob); err != nil {
			return nil, "", fmt.Errorf("list devices: %w", err)
		}
		if err := proto.Unmarshal(blob, &sum); err != nil {
			return nil, "", fmt.Errorf("decode a stored device: %w", err)
		}
		last.ID = sum.GetId()
		stands.into(&sum)
		out = append(out, &sum)
	}
	return out, "", rows.Err()
}

// EachDevice calls fn for every device that is there throughout. It reads a few
// at a time and has nothing open while fn runs, so that fn may take its time and write.
func (s *Store) EachDevice(ctx context.Context, fn func(*store.Device) error) error {
	const atOnce = 128
	for after := ""; ; {
		some, err := collect(ctx, s.read, func(row scanner) (*store.Device, error) { return scanDevice(row) },
			deviceColumns+`WHERE id > ? ORDER BY id LIMIT ?`, after, atOnce)
		if err != nil {
			return fmt.Errorf("read the devices: %w", explained(s.path, err))
		}
		for _, d := range some {
			after = d.Summary.GetId()
			if err := fn(d); err != nil {
				return err
			}
		}
		if len(some) < atOnce {
			return nil
		}
	}
}

// HighestSequence returns the highest committed sequence of a boot.
func (s *Store) HighestSequence(ctx context.Context, device, bootID string) (uint64, error) {
	var n int64
	err := s.highest.QueryRowContext(ctx, device, bootID).Scan(&n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("look up what was committed: %w", err)
	}
	return uint64(n), nil
}

// Chain returns where a device's deliveries stand.
func (s *Store) Chain(ctx context.Context, device string) (c store.Chain, err error) {
	err = s.chain.QueryRowContext(ctx, device).Scan(&c.Device, &c.Current, &c.Previous, &c.BootID)
	return c, notFound(err)
}

// Epoch returns the epoch that opening the store began. A file that was restored
// or copied cannot be told from one that was not by what is in it, and comes into
// use only by being opened: so every opening begins an epoch. That costs no more
// than the first delivery of each device after a start being taken on trust.
func (s *Store) Epoch(context.Context) ([]byte, error) { return s.epoch[:], nil }

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
	var blob []byte
	if err := s.openAlert.QueryRowContext(ctx, device).Scan(&blob); err != nil {
		return nil, notFound(err)
	}
	a := newAlert()
	if err := proto.Unmarshal(blob, a); err != nil {
		return nil, fmt.Errorf("decode what is stored: %w", err)
	}
	return a, nil
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
