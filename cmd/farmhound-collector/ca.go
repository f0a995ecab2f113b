package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/pki"
	"github.com/farmhound-security/farmhound/collector/store"
)

type caCmd struct {
	List   caListCmd   `cmd:"" help:"List the CAs that are accepted, and how many laptops know each."`
	Rotate caRotateCmd `cmd:"" help:"Make a new CA beside the present one. Laptops learn of it with their next report and get certificates of it; both are accepted until the old one is retired."`
	Retire caRetireCmd `cmd:"" help:"Retire the old CA: its certificates are no longer accepted. Refused while a laptop would be lost by it."`
}

// withCA opens the store and the CA that the configuration names. A running
// collector takes up a change within a minute of its next connection.
func withCA(s *surroundings, fn func(ctx context.Context, kept store.Store, authority *pki.Authority) error) error {
	config, err := collector.ReadConfig(s.config)
	if err != nil {
		return err
	}
	authority, err := pki.Load(collector.PKIDir(config.Data))
	if err != nil {
		return fmt.Errorf("%w; farmhound-collector init makes a CA", err)
	}
	return withStore(s, func(ctx context.Context, kept store.Store) error { return fn(ctx, kept, authority) })
}

type caListCmd struct{}

// Run lists CAs, the newest last.
func (caListCmd) Run(s *surroundings) error {
	return withCA(s, func(ctx context.Context, kept store.Store, authority *pki.Authority) error {
		laptops, err := standingLaptops(ctx, kept)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "CA\tUSE\tVALID UNTIL\tCERTIFICATES\tKNOWN BY\tPIN")
		for i, ca := range authority.CAs() {
			certificates, known := 0, 0
			for _, l := range laptops {
				if l.CA == ca.Pin {
					certificates++
				}
				if slices.Contains(l.Trusts, ca.Pin) {
					known++
				}
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%d of %d\t%s\n", i+1, use(ca), day(ca.NotAfter), certificates, known, len(laptops), ca.Pin)
		}
		return w.Flush()
	})
}

func use(ca pki.CA) string {
	switch {
	case ca.Signs && ca.Serves:
		return "signs and serves"
	case ca.Signs:
		return "signs, serves from " + day(ca.ServesFrom)
	case ca.Serves:
		return "accepted, serves"
	}
	return "accepted"
}

// standingLaptops are the identities that must not be lost.
func standingLaptops(ctx context.Context, kept store.Store) ([]store.Identity, error) {
	all, err := kept.Identities(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the identities: %w", err)
	}
	return slices.DeleteFunc(all, func(i store.Identity) bool { return !i.RevokedAt.IsZero() || i.SupersededBy != "" }), nil
}

type caRotateCmd struct {
	Overlap span `help:"How long the server still shows a certificate of the old CA, such as 12h or 30d, so that laptops learn of the new one first." default:"30d"`
}

// Run makes a new CA.
func (c *caRotateCmd) Run(s *surroundings) error {
	return withCA(s, func(ctx context.Context, kept store.Store, authority *pki.Authority) error {
		err := authority.Rotate(time.Duration(c.Overlap))
		if errors.Is(err, pki.ErrRotating) {
			return fmt.Errorf("%w; farmhound-collector ca retire ends that first", err)
		}
		if err != nil {
			return err
		}
		all := authority.CAs()
		newest := all[len(all)-1]
		if err := collector.Audit(ctx, kept, "ca.rotate", newest.Pin, "overlap "+time.Duration(c.Overlap).String()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "There is a new CA with the pin %s. It signs laptops' certificates from now on, and the server's from %s.\n"+
			"farmhound-collector ca list shows how many laptops know it. Where ca_file or ca_pin is set for laptops, set them to the new CA before ca retire.\n",
			newest.Pin, day(newest.ServesFrom))
		return err
	})
}

type caRetireCmd struct {
	Force bool `help:"Retire it although laptops are lost by it; they must enrol again with the new CA."`
}

// Run retires the old CA.
func (c *caRetireCmd) Run(s *surroundings) error {
	return withCA(s, func(ctx context.Context, kept store.Store, authority *pki.Authority) error {
		all := authority.CAs()
		old, newest := all[0], all[len(all)-1]
		if err := c.check(ctx, kept, old, newest); err != nil {
			return err
		}
		err := authority.Retire()
		if errors.Is(err, pki.ErrNotRotating) {
			return fmt.Errorf("%w; farmhound-collector ca rotate makes one", err)
		}
		if err != nil {
			return err
		}
		if err := collector.Audit(ctx, kept, "ca.retire", old.Pin, "in favour of "+newest.Pin); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "The CA with the pin %s is retired; %s is the only one.\n", old.Pin, newest.Pin)
		return err
	})
}

// check refuses what would lose laptops.
func (c *caRetireCmd) check(ctx context.Context, kept store.Store, old, newest pki.CA) error {
	if c.Force || old.Pin == newest.Pin {
		return nil
	}
	if !newest.Serves {
		return fmt.Errorf("the overlap lasts until %s; --force ends it now", day(newest.ServesFrom))
	}
	laptops, err := standingLaptops(ctx, kept)
	if err != nil {
		return err
	}
	lost := 0
	for _, l := range laptops {
		if l.CA == old.Pin || !slices.Contains(l.Trusts, newest.Pin) {
			lost++
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d of %d laptops do not know the new CA yet or have a certificate of the old one, and would be lost: wait for them, revoke those that are gone, or --force", lost, len(laptops))
	}
	return nil
}
