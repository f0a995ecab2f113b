package collector

import (
	"context"
	"fmt"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// Retention is how long what happened is kept, by kind; zero is for ever.
type Retention struct {
	// Reports are kept as they came. Pictures and judgements do not need them.
	Reports time.Duration `yaml:"reports"`
	// Events are the timelines of devices.
	Events time.Duration `yaml:"events"`
	// Verdicts are what was concluded day by day, with what it was judged on and by.
	Verdicts time.Duration `yaml:"verdicts"`
	// Outbox are events for the SIEM that every output has delivered; without outputs, all.
	Outbox time.Duration `yaml:"outbox"`
	// Audit is who looked and decided, and old versions of the roster.
	Audit time.Duration `yaml:"audit"`
}

// Check refuses a life that is shorter than a day, which is a slip of the hand.
func (r *Retention) Check() error {
	for _, x := range []struct {
		name string
		kept time.Duration
	}{{"reports", r.Reports}, {"events", r.Events}, {"verdicts", r.Verdicts}, {"outbox", r.Outbox}, {"audit", r.Audit}} {
		if x.kept != 0 && x.kept < 24*time.Hour {
			return fmt.Errorf("%s is %s; it must be at least a day (1d), or 0 for ever", x.name, x.kept)
		}
	}
	return nil
}

const (
	// keptReceipts is how long redelivery is recognised: twice as long as agents keep
	// reports that were not acknowledged.
	keptReceipts = 180 * 24 * time.Hour
	// forgetAtOnce bounds what a report that comes meanwhile waits for.
	forgetAtOnce = 50
	// forgetShare is the share of the time that forgetting may have of the store.
	forgetShare = 10
)

// horizons returns how far back is remembered at a time.
func (c *Collector) horizons(now time.Time) store.Horizons {
	back := func(kept time.Duration) time.Time {
		if kept == 0 {
			return time.Time{}
		}
		return now.Add(-kept)
	}
	kept := c.options.Config.Retention
	h := store.Horizons{
		Reports: back(kept.Reports), Events: back(kept.Events), Audit: back(kept.Audit), Verdicts: back(kept.Verdicts),
		Outbox: back(kept.Outbox), Receipts: back(keptReceipts),
	}
	for _, o := range c.outputs {
		h.Outputs = append(h.Outputs, o.Name())
	}
	return h
}

// waits says which outputs keep events that would be forgotten had they delivered them.
func (c *Collector) waits(ctx context.Context, before time.Time) error {
	if before.IsZero() {
		return nil
	}
	for _, o := range c.outputs {
		rows, err := c.store.PendingOutbox(ctx, o.Name(), 1)
		if err != nil {
			return err
		}
		if len(rows) > 0 && rows[0].CreatedAt.Before(before) {
			c.log.WarnContext(ctx, "an output has not delivered events that are older than the outbox is to be kept; they stay until it has, or is taken out of the configuration",
				"output", o.Name(), "oldest", rows[0].CreatedAt.UTC())
		}
	}
	return nil
}

// forget forgets what is older than it is to be kept, a little at a time: reports that
// come meanwhile find the store free for most of it.
func (c *Collector) forget(ctx context.Context, now time.Time) error {
	before, all := c.horizons(now), 0
	for {
		began := time.Now()
		n, err := c.store.Forget(ctx, before, forgetAtOnce)
		if err != nil {
			return err
		}
		if all += n; n < forgetAtOnce {
			if all > 0 {
				c.log.InfoContext(ctx, "what was old is forgotten", "rows", all)
			}
			return c.waits(ctx, before.Outbox)
		}
		timer := time.NewTimer((forgetShare - 1) * time.Since(began))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}
