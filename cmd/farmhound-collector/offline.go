package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/farmhound-security/farmhound/collector"
)

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
