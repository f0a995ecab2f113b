package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	insertContent = `INSERT INTO content (digest, body) VALUES (?,?) ON CONFLICT DO NOTHING`
	insertBasis   = `INSERT INTO basis (rules, catalog, roster, collector) VALUES (?,?,?,?) ON CONFLICT DO NOTHING`
	insertVerdict = `INSERT INTO verdict (device, at, occasion, judged_at, basis, verdict, kind, risk, hosted_risk, displaced_risk, fingerprint, inputs)
		SELECT ?, ?, ?, ?, id, ?, ?, ?, ?, ?, ?, ? FROM basis WHERE rules = ? AND catalog = ? AND roster = ? AND collector = ?
		ON CONFLICT (device, at, occasion) DO UPDATE SET judged_at = excluded.judged_at, basis = excluded.basis, verdict = excluded.verdict,
			kind = excluded.kind, risk = excluded.risk, hosted_risk = excluded.hosted_risk, displaced_risk = excluded.displaced_risk,
			fingerprint = excluded.fingerprint, inputs = excluded.inputs`
)

// putBases stores what verdicts are judged by, unless it is there.
func putBases(ctx context.Context, tx *sql.Tx, changes []store.Change) error {
	var done []*store.Basis
	for i := range changes {
		for _, v := range changes[i].Verdicts {
			if slices.Contains(done, v.Basis) {
				continue
			}
			done = append(done, v.Basis)
			if err := putBasis(ctx, tx, v.Basis); err != nil {
				return fmt.Errorf("store what a verdict was judged by: %w", err)
			}
		}
	}
	return nil
}

func putBasis(ctx context.Context, tx *sql.Tx, b *store.Basis) error {
	for _, c := range []store.Content{b.Rules, b.Catalog} {
		var kept bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM content WHERE digest = ?)`, c.Digest).Scan(&kept); err != nil {
			return err
		}
		if kept || c.Body == nil {
			continue
		}
		body, err := c.Body()
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insertContent, c.Digest, nonNil(body)); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, insertBasis, b.Rules.Digest, b.Catalog.Digest, b.Roster, b.Collector)
	return err
}

func verdictArgs(v store.Verdict) []any {
	p, b := v.Past, v.Basis
	return []any{
		v.Device, millis(p.GetAt().AsTime()), p.GetOccasion(), millis(p.GetJudgedAt().AsTime()),
		p.GetVerdict(), p.GetKind(), p.GetRisk(), p.GetHostedRisk(), p.GetDisplacedRisk(), nonNil(p.GetFingerprint()), nonNil(v.Inputs),
		b.Rules.Digest, b.Catalog.Digest, b.Roster, b.Collector,
	}
}

const verdictColumns = `at, occasion, judged_at, verdict, kind, risk, hosted_risk, displaced_risk, fingerprint, rules, catalog, roster, collector`

func scanPast(row scanner, more ...any) (*fleetv1.PastVerdict, error) {
	p := &fleetv1.PastVerdict{Basis: &fleetv1.Basis{}}
	var at, judged int64
	b := p.GetBasis()
	err := row.Scan(append([]any{
		&at, &p.Occasion, &judged, &p.Verdict, &p.Kind, &p.Risk, &p.HostedRisk, &p.DisplacedRisk, &p.Fingerprint,
		&b.Rules, &b.Catalog, &b.Roster, &b.Collector,
	}, more...)...)
	p.At, p.JudgedAt = timestamppb.New(moment(at)), timestamppb.New(moment(judged))
	return p, notFound(err)
}

// Verdicts returns rows, oldest first. Of one moment a day's end is the later one.
func (s *Store) Verdicts(ctx context.Context, f store.VerdictFilter) ([]*fleetv1.PastVerdict, error) {
	const order = `at, occasion = 'day_end'`
	until := f.Until
	if until.IsZero() {
		until = time.UnixMilli(1<<62 - 1)
	}
	query := `SELECT ` + verdictColumns + ` FROM (SELECT ` + verdictColumns + `, lag(verdict, 1, '') OVER (ORDER BY ` + order + `) AS was
			FROM verdict JOIN basis ON basis.id = verdict.basis WHERE device = ?)
		WHERE at >= ? AND at <= ? AND (NOT ? OR verdict <> was) ORDER BY at DESC, occasion = 'day_end' DESC LIMIT ?`
	rows, err := collect(ctx, s.read, func(row scanner) (*fleetv1.PastVerdict, error) { return scanPast(row) },
		query, f.Device, millis(f.Since), until.UnixMilli(), f.Changes, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("read the history of verdicts: %w", err)
	}
	slices.Reverse(rows)
	return rows, nil
}

// Verdict returns the latest row of an occasion that speaks of a moment or before it.
func (s *Store) Verdict(ctx context.Context, device string, at time.Time, occasion string) (v store.Verdict, err error) {
	v.Device, v.Basis = device, &store.Basis{}
	v.Past, err = scanPast(s.read.QueryRowContext(ctx, `SELECT `+verdictColumns+`, inputs FROM verdict JOIN basis ON basis.id = verdict.basis
		WHERE device = ? AND at <= ? AND (? = '' OR occasion = ?) ORDER BY at DESC, occasion = 'day_end' DESC LIMIT 1`,
		device, at.UnixMilli(), occasion, occasion), &v.Inputs)
	if err != nil {
		return store.Verdict{}, err
	}
	b := v.Past.GetBasis()
	v.Basis.Rules.Digest, v.Basis.Catalog.Digest, v.Basis.Roster, v.Basis.Collector = b.GetRules(), b.GetCatalog(), b.GetRoster(), b.GetCollector()
	return v, nil
}

// Content returns what a digest names.
func (s *Store) Content(ctx context.Context, digest string) (body []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT body FROM content WHERE digest = ?`, digest).Scan(&body)
	return body, notFound(err)
}
