package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

type rosterCmd struct {
	Check    rosterCheckCmd    `cmd:"" help:"Read a roster, or a folder of them, and name every row that cannot be used."`
	Diff     rosterDiffCmd     `cmd:"" help:"Say what importing a roster would change."`
	Import   rosterImportCmd   `cmd:"" help:"Put a roster, CSV or JSON, in the place of what was imported before. A running collector goes over to it within half a minute."`
	Export   rosterExportCmd   `cmd:"" help:"Print the laptops that count, as CSV that can be imported again."`
	Versions rosterVersionsCmd `cmd:"" help:"Versions of the roster, latest first, with who made them."`
	Changes  rosterChangesCmd  `cmd:"" help:"What one version changed."`
}

type rosterCheckCmd struct {
	File    string `arg:"" help:"Roster, CSV or JSON, or a folder of them."`
	Catalog string `help:"Catalogue of your own that approved tools are looked up in, compiled and signed." placeholder:"FILE"`
}

// Run names bad rows.
func (c *rosterCheckCmd) Run(s *surroundings) error {
	known, err := collector.ReadCatalog(c.Catalog)
	if err != nil {
		return err
	}
	read, problems, err := collector.ReadRoster(c.File, collector.Knows(known))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no roster %s", c.File)
	}
	sayProblems(s, problems)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.out, "Laptops that can be used: %d; problems: %d.\n", read.Len(), len(problems)); err != nil {
		return err
	}
	if n := len(read.Tools()) + len(read.Offices()); n > 0 {
		if _, err := fmt.Fprintf(s.out, "Approved tools: %d; offices and networks: %d.\n", len(read.Tools()), len(read.Offices())); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return errSaid
	}
	return nil
}

func sayProblems(s *surroundings, problems []roster.Problem) {
	for _, p := range problems {
		fmt.Fprintln(s.errOut, "farmhound-collector:", printable(p.Error()))
	}
}

type rosterDiffCmd struct {
	File  string `arg:"" help:"Roster, CSV or JSON; - reads standard input."`
	Merge bool   `help:"Remove nothing: laptops that the file lacks stay."`
}

// Run is a dry run.
func (c *rosterDiffCmd) Run(s *surroundings) error {
	return importRoster(s, c.File, collector.Import{Merge: c.Merge, DryRun: true})
}

type rosterImportCmd struct {
	File   string `arg:"" help:"Roster, CSV or JSON; - reads standard input."`
	Merge  bool   `help:"Remove nothing: laptops that the file lacks stay."`
	DryRun bool   `help:"Change nothing, and say what would change."`

	RemoveMany bool `help:"Remove laptops even where more than half of them are not in the file."`
}

// Run imports.
func (c *rosterImportCmd) Run(s *surroundings) error {
	return importRoster(s, c.File, collector.Import{Merge: c.Merge, DryRun: c.DryRun, RemoveMany: c.RemoveMany})
}

// importRoster names what cannot be used and prints what changes.
func importRoster(s *surroundings, path string, how collector.Import) error {
	config, err := collector.ReadConfig(s.config)
	if err != nil {
		return err
	}
	known, err := collector.ReadCatalog(config.Catalog)
	if err != nil {
		return err
	}
	in := s.in
	if how.Name = "standard input"; path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("read the roster: %w", err)
		}
		defer f.Close()
		in, how.Name = f, filepath.Base(path)
	}
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		done, problems, err := how.Run(ctx, kept, collector.Knows(known), in)
		sayProblems(s, problems)
		if err != nil {
			return err
		}
		if how.DryRun {
			if err := collector.Audit(ctx, kept, "roster.compare", "", fmt.Sprintf("%d changes that %q would make, %d refused", len(done.Changes), how.Name, len(problems))); err != nil {
				return err
			}
		}
		if err := printChanges(s.out, done.Changes); err != nil {
			return err
		}
		if err := sayImport(s.out, done.Version, len(done.Changes), len(problems), how.DryRun); err != nil {
			return err
		}
		if done.Book != nil {
			sayDoubts(ctx, s, &config, kept, done.Book)
		}
		if len(problems) > 0 {
			return errSaid
		}
		return nil
	})
}

// sayDoubts says which lines of what is said then many laptops contradict together. Where
// that cannot be told, the import is what it is all the same.
func sayDoubts(ctx context.Context, s *surroundings, config *collector.Config, kept store.Store, book *roster.Book) {
	viewer, err := collector.OpenViewer(ctx, config, kept, slog.New(slog.NewTextHandler(s.errOut, &slog.HandlerOptions{Level: slog.LevelError})))
	if errors.Is(err, store.ErrNotFound) {
		return // no laptop reported to it yet
	}
	var doubts []*fleetv1.RosterDoubt
	if err == nil {
		defer viewer.Close()
		doubts, err = viewer.Doubts(ctx, config, kept, book)
	}
	if err != nil {
		fmt.Fprintln(s.errOut, "farmhound-collector: it is not known whether laptops contradict it:", printable(err.Error()))
	}
	for _, d := range doubts {
		fmt.Fprintln(s.errOut, "farmhound-collector: doubtful:", printable(d.GetSentence()))
	}
}

func sayImport(out io.Writer, v store.RosterVersion, changes, problems int, dryRun bool) (err error) {
	counts := fmt.Sprintf("%d added, %d changed, %d removed; %d problems.\n", v.Added, v.Changed, v.Removed, problems)
	switch {
	case changes == 0:
		_, err = fmt.Fprintf(out, "Nothing changes; version %d says the same.\n", v.N)
	case dryRun:
		_, err = fmt.Fprintf(out, "Nothing is changed yet. An import: %s", counts)
	default:
		_, err = fmt.Fprintf(out, "Version %d: %s", v.N, counts)
	}
	return err
}

func printChanges(out io.Writer, changes []store.RosterChange) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, c := range changes {
		words := roster.Change{Kind: roster.Kind(c.Kind), Key: c.Key, Before: c.Before, After: c.After}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(c.Source), c.Kind, printable(c.Key), printable(words.Words()))
	}
	return w.Flush()
}

type rosterExportCmd struct{}

// Run prints the laptops that count.
func (rosterExportCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		book, err := collector.StoredRoster(ctx, kept)
		if err != nil {
			return err
		}
		if err := collector.Audit(ctx, kept, "roster.export", "", fmt.Sprintf("%d laptops", book.Len())); err != nil {
			return err
		}
		return roster.WriteCSV(s.out, book.Laptops().Rows())
	})
}

// mostVersions and mostChanges are how many are listed.
const (
	mostVersions = 1000
	mostChanges  = 1_000_000
)

type rosterVersionsCmd struct{}

// Run lists versions.
func (rosterVersionsCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		all, err := kept.RosterVersions(ctx, 0, mostVersions)
		if err != nil {
			return fmt.Errorf("list the versions of the roster: %w", err)
		}
		w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "VERSION\tAT\tADDED\tCHANGED\tREMOVED\tREFUSED\tDIGEST\tACTOR\tORIGIN")
		for _, v := range all {
			fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", v.N, v.At.UTC().Format(time.RFC3339), v.Added, v.Changed, v.Removed, v.Refused,
				v.Digest, printable(v.Actor), printable(v.Origin))
		}
		return w.Flush()
	})
}

type rosterChangesCmd struct {
	Version uint64 `arg:"" help:"Number of the version, as listed."`
}

// Run lists the changes of a version.
func (c *rosterChangesCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		changes, err := kept.RosterChanges(ctx, c.Version, store.RosterChange{}, mostChanges)
		if err != nil {
			return fmt.Errorf("list the changes of version %d: %w", c.Version, err)
		}
		if c.Version == 0 || len(changes) == 0 {
			return fmt.Errorf("there is no version %d of the roster that changed anything", c.Version)
		}
		if err := collector.Audit(ctx, kept, "roster.changes", "", fmt.Sprintf("%d rows of version %d", len(changes), c.Version)); err != nil {
			return err
		}
		return printChanges(s.out, changes)
	})
}
