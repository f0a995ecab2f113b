package collector

import (
	"context"
	"io"
	"log/slog"

	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/collector/store"
)

// commandLine is who acts in the audit log from the collector's own command line.
const commandLine = "command line"

// Import takes a roster into a store on the collector's own command line. A running
// collector with the same store goes over to it with its next look.
type Import struct {
	// Name is what problems call the file.
	Name string
	// Merge removes nothing; DryRun changes nothing.
	Merge, DryRun bool
	// RemoveMany removes laptops even where that is most of them.
	RemoveMany bool
}

// Run puts what the file says in the place of what an import said before, and returns
// the version that it made, or would make, with its changes. Rows that cannot be used
// are problems, and the rest counts.
func (i Import) Run(ctx context.Context, kept store.Rosters, known Tools, content io.Reader) (store.RosterVersion, []store.RosterChange, []roster.Problem, error) {
	b := newBooks(kept, "", known, slog.New(slog.DiscardHandler))
	o, problems, err := b.importRoster(ctx, commandLine, i, content)
	return o.version, o.changes, problems, err
}

// StoredRoster returns what a store's latest version says.
func StoredRoster(ctx context.Context, kept store.Rosters) (*roster.Book, error) {
	anything := Tools{Has: func(string) bool { return true }, Change: true}
	b := newBooks(kept, "", anything, slog.New(slog.DiscardHandler))
	if err := b.reload(ctx, true); err != nil {
		return nil, err
	}
	return b.inForce.Load(), nil
}
