package collector

import (
	"context"
	"fmt"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

// followFiles looks for newer versions of the catalogue, the company's own signals and
// the roster until ctx ends.
func (c *Collector) followFiles(ctx context.Context) {
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		c.lookAtCatalog(ctx)
		c.lookAtRules(ctx)
		c.books.look(ctx)
	}
}

// lookAtCatalog goes over to a newer catalogue, where there is one. Agents can fetch it
// before they are told of it.
func (c *Collector) lookAtCatalog(ctx context.Context) {
	before := c.catalog.loaded()
	changed, err := c.catalog.look()
	if err != nil {
		c.log.ErrorContext(ctx, "the catalogue on disk is refused; the one before stays in use",
			"file", c.catalog.path, "in_use", before.Digest(), "error", err)
		c.note(ctx, "catalog.refuse", before.Digest(), fmt.Sprintf("stays in use: %v", err))
	}
	if !changed {
		return
	}
	now := c.catalog.loaded()
	c.judge.useCatalog(now)
	c.policy.setCatalog(now.Digest())
	c.log.InfoContext(ctx, "the catalogue changed", "file", c.catalog.path, "digest", now.Digest(), "before", before.Digest(),
		"issued_at", now.IssuedAt(), "entries", now.Len())
	c.note(ctx, "catalog.use", now.Digest(), fmt.Sprintf("%d entries of %s, before %s", now.Len(), now.IssuedAt().UTC().Format(time.RFC3339), before.Digest()))
	if err := c.rememberCatalog(ctx); err != nil {
		c.log.ErrorContext(ctx, "the date of the catalogue cannot be kept; after a restart an older one would be taken", "error", err)
	}
	c.checkApproved(ctx, now)
}

// checkApproved says which approved tools a catalogue that came into use does not know,
// and reads the roster again: rows that named a tool which was unknown can count now.
func (c *Collector) checkApproved(ctx context.Context, now *catalog.Catalog) {
	c.sayUnknown(ctx, c.options.Config.Company.unknownTools(now))
	if err := c.books.reload(ctx, true); err != nil {
		c.log.ErrorContext(ctx, "the roster cannot be read; the version before stays in force", "error", err)
	}
	for _, id := range c.books.inForce.Load().Approves() {
		if _, ok := now.Entry(id); !ok {
			c.log.WarnContext(ctx, "a tool that the roster approves is not in the catalogue any more, and approves nothing", "file", c.books.files.path, "tool", id)
		}
	}
}

// sayUnknown logs approved tools that the catalogue does not have, by their places.
func (c *Collector) sayUnknown(ctx context.Context, problems []error) {
	for _, p := range problems {
		c.log.WarnContext(ctx, "an approved tool is not in the catalogue, and approves nothing", "problem", p.Error())
	}
}

// note records in the audit log what the collector did by itself. Failing to is logged
// and changes nothing.
func (c *Collector) note(ctx context.Context, action, object, detail string) {
	err := c.store.Audit(ctx, store.AuditEntry{At: time.Now(), Actor: "collector", Action: action, Object: object, Detail: detail})
	if err != nil {
		c.log.ErrorContext(ctx, "the audit log cannot be written", "action", action, "error", err)
	}
}
