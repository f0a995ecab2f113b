package main

import (
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/farmhound-security/farmhound/collector"
)

type rulesCmd struct {
	Lint rulesLintCmd `cmd:"" help:"Type-check the shipped signals and those of a folder."`
	Test rulesTestCmd `cmd:"" help:"Run the tests inside the signals."`
	List rulesListCmd `cmd:"" help:"List the signals with their question and family."`
}

type rulesLintCmd struct {
	Dir string `arg:"" optional:"" help:"Folder with signals of your own." type:"existingdir"`
}

// Run prints every problem with its place.
func (c *rulesLintCmd) Run(s *surroundings) error {
	rules, err := collector.LoadRules(c.Dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%d signals are well formed.\n", len(rules.Signals()))
	return err
}

type rulesTestCmd struct {
	Dir string `arg:"" optional:"" help:"Folder with signals of your own." type:"existingdir"`
}

// Run prints every test that fails with its place.
func (c *rulesTestCmd) Run(s *surroundings) error {
	rules, err := collector.LoadRules(c.Dir)
	if err != nil {
		return err
	}
	failures := rules.Test()
	for _, f := range failures {
		fmt.Fprintln(s.errOut, "farmhound-collector:", f)
	}
	if len(failures) > 0 {
		return fmt.Errorf("%d tests of signals failed", len(failures))
	}
	_, err = fmt.Fprintf(s.out, "The tests of %d signals pass.\n", len(rules.Signals()))
	return err
}

type rulesListCmd struct {
	Dir string `arg:"" optional:"" help:"Folder with signals of your own." type:"existingdir"`
}

// Run lists the signals.
func (c *rulesListCmd) Run(s *surroundings) error {
	rules, err := collector.LoadRules(c.Dir)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SIGNAL\tQUESTION\tFAMILY\tTITLE")
	for _, signal := range rules.Signals() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(signal.ID), signal.Question, signal.Family, printable(signal.Title))
	}
	return w.Flush()
}

type rosterCmd struct {
	Check rosterCheckCmd `cmd:"" help:"Read a roster and name every row that cannot be used."`
}

type rosterCheckCmd struct {
	File    string `arg:"" help:"Roster, CSV."`
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
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(s.errOut, "farmhound-collector:", printable(p.Error()))
	}
	if _, err := fmt.Fprintf(s.out, "Laptops that can be used: %d; problems: %d.\n", read.Len(), len(problems)); err != nil {
		return err
	}
	if len(problems) > 0 {
		return errSaid
	}
	return nil
}
