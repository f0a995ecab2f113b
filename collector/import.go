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

// Imported is what became of an import.
type Imported struct {
	// Version is the one that it made, or would make, and Changes are its own.
	Version store.RosterVersion
	Changes []store.RosterChange
	// Book is what is said then; nil where nothing changes.
	Book *roster.Book
}

// Run puts what the file says in the place of what an import said before. Rows that
// cannot be used are problems, and the rest counts.
func (i Import) Run(ctx context.Context, kept store.Rosters, known Tools, content io.Reader) (Imported, []roster.Problem, error) {
	b := newBooks(kept, "", known, slog.New(slog.DiscardHandler))
	o, problems, err := b.importRoster(ctx, commandLine, i, content)
	return Imported{o.version, o.changes, o.book}, problems, err
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
