package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

type verdictCmd struct {
	Reproduce verdictReproduceCmd `cmd:"" help:"Judge past verdicts again from what the store keeps, and compare."`
}

type verdictReproduceCmd struct {
	Device string    `arg:"" help:"Id, unique prefix of it, or serial."`
	At     dayOrTime `help:"Only the verdict of then: a day (2026-03-02) or a time (RFC 3339)." placeholder:"TIME"`
	Output string    `short:"o" help:"table, or json: one verdict per line with what comes of it." enum:"table,json" default:"table"`
}

// dayOrTime is a moment as people write it; of a day, its end is meant.
type dayOrTime struct{ time.Time }

// UnmarshalText reads RFC 3339 or YYYY-MM-DD.
func (d *dayOrTime) UnmarshalText(text []byte) error {
	if day, err := time.Parse(time.DateOnly, string(text)); err == nil {
		d.Time = day.AddDate(0, 0, 1).Add(-time.Second)
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is no day or time, such as 2026-03-02 or 2026-03-02T15:00:00Z", text)
	}
	d.Time = t
	return nil
}

// Run reproduces one verdict or all that are kept, and fails where one does not come
// out the same.
func (c *verdictReproduceCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		device, err := kept.FindDevice(ctx, c.Device)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("there is no device %q", printable(c.Device))
		case err != nil:
			return fmt.Errorf("find the device %q: %w", printable(c.Device), err)
		}
		reproducer := collector.Reproducer{Store: kept, Version: version}
		out := newVerdictPrinter(s.out, c.Output)
		others := 0
		err = reproducer.Each(ctx, device.Summary.GetId(), c.At.Time, func(got *fleetv1.GetVerdictResponse) error {
			if got.GetReproduction().GetOutcome() != collector.ReproducedEqual {
				others++
			}
			return out.print(got)
		})
		if err = errors.Join(err, out.done()); err != nil {
			return err
		}
		if out.count == 0 {
			return errors.New("no verdict on this device is kept from then")
		}
		if err := collector.Audit(ctx, kept, "verdicts.reproduce", device.Summary.GetId(), fmt.Sprintf("%d verdicts, %d of which come out otherwise", out.count, others)); err != nil {
			return err
		}
		if others > 0 {
			return fmt.Errorf("%d of %d verdicts do not come out the same", others, out.count)
		}
		return nil
	})
}

// verdictPrinter prints what comes of verdicts that are judged again.
type verdictPrinter struct {
	out   io.Writer
	table *tabwriter.Writer // nil for JSON
	count int
}

func newVerdictPrinter(out io.Writer, format string) *verdictPrinter {
	p := &verdictPrinter{out: out}
	if format == "table" {
		p.table = tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(p.table, "AT\tOCCASION\tVERDICT\tKIND\tRISK\tRULES\tCOLLECTOR\tCOMES OUT")
	}
	return p
}

func (p *verdictPrinter) print(got *fleetv1.GetVerdictResponse) error {
	p.count++
	v := got.GetVerdict()
	if p.table == nil {
		line, err := collector.VerdictJSON(got)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "%s\n", line)
		return err
	}
	rules := v.GetBasis().GetRules()
	fmt.Fprintf(p.table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", day(v.GetAt().AsTime()), v.GetOccasion(), v.GetVerdict(), v.GetKind(), percent(v.GetRisk()),
		rules[:min(len(rules), 12)], printable(v.GetBasis().GetCollector()), got.GetReproduction().GetOutcome())
	for _, note := range got.GetReproduction().GetNotes() {
		fmt.Fprintf(p.table, "\t\t\t\t\t\t\t%s\n", printable(note))
	}
	return nil
}

func (p *verdictPrinter) done() error {
	if p.table == nil || p.count == 0 {
		return nil
	}
	return p.table.Flush()
}
