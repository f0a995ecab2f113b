package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/store"
)

// withStore opens the store that the configuration names. A running collector
// may have it open too: it sees a change with its next look.
func withStore(s *surroundings, fn func(ctx context.Context, kept store.Store) error) error {
	config, err := collector.ReadConfig(s.config)
	if err != nil {
		return err
	}
	kept, err := collector.OpenStore(s.ctx, config.Data)
	if err != nil {
		return err
	}
	return errors.Join(fn(s.ctx, kept), kept.Close())
}

type secretCmd struct {
	Create secretCreateCmd `cmd:"" help:"Make a secret; it is shown once."`
	List   secretListCmd   `cmd:"" help:"List secrets, never their values."`
	Revoke secretRevokeCmd `cmd:"" help:"Revoke a secret. Laptops that enrolled with it stay."`
}

type secretCreateCmd struct {
	Note    string `help:"What it is for." placeholder:"TEXT"`
	Uses    uint32 `help:"How many laptops may enrol with it; 0 for any number." default:"0"`
	Expires span   `help:"How long it is valid, such as 12h or 30d; 0 for ever." default:"30d"`
}

// Run makes a secret and prints it alone on a line, for scripts.
func (c *secretCreateCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		id, value, err := collector.NewSecret(ctx, kept, c.Note, c.Uses, time.Duration(c.Expires))
		if err != nil {
			return err
		}
		fmt.Fprintf(s.errOut, "Secret %s, valid until %s. It is not shown again:\n", id, expiry(time.Duration(c.Expires)))
		_, err = fmt.Fprintln(s.out, value)
		return err
	})
}

func expiry(life time.Duration) string {
	if life <= 0 {
		return "revoked"
	}
	return day(time.Now().Add(life))
}

type secretListCmd struct{}

// Run lists secrets.
func (secretListCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		all, err := kept.Secrets(ctx)
		if err != nil {
			return fmt.Errorf("list the secrets: %w", err)
		}
		w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tSTATE\tUSES\tREFUSED\tLAST REFUSED\tCREATED\tEXPIRES\tNOTE")
		for _, x := range all {
			uses := fmt.Sprintf("%d", x.Uses)
			if x.MaxUses > 0 {
				uses = fmt.Sprintf("%d of %d", x.Uses, x.MaxUses)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", x.ID, standing(x.RevokedAt, x.ExpiresAt, x.MaxUses > 0 && x.Uses >= x.MaxUses),
				uses, x.Refused, day(x.RefusedAt), day(x.CreatedAt), day(x.ExpiresAt), printable(x.Note))
		}
		return w.Flush()
	})
}

func standing(revoked, expires time.Time, spent bool) string {
	switch {
	case !revoked.IsZero():
		return "revoked"
	case !expires.IsZero() && time.Now().After(expires):
		return "expired"
	case spent:
		return "spent"
	}
	return "valid"
}

type secretRevokeCmd struct {
	ID string `arg:"" help:"Id of the secret, as listed."`
}

// Run revokes a secret.
func (c *secretRevokeCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		err := kept.RevokeSecret(ctx, c.ID, time.Now())
		return revoked(ctx, s, kept, "secret", c.ID, "", err)
	})
}

func revoked(ctx context.Context, s *surroundings, kept store.Store, kind, id, note string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no %s %q; farmhound-collector %s list shows them", kind, id, kind)
	}
	if err != nil {
		return fmt.Errorf("revoke %s %s: %w", kind, id, err)
	}
	if err := collector.Audit(ctx, kept, kind+".revoke", id, note); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s %s is revoked.\n", kind, id)
	return err
}

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token; it is shown once."`
	List   tokenListCmd   `cmd:"" help:"List tokens, never their values."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke a token; its next call is refused."`
}

type tokenCreateCmd struct {
	Name    string `arg:"" help:"Who or what uses it; the audit log shows this name."`
	Role    string `required:"" enum:"viewer,analyst,admin" help:"viewer reads, analyst also decides on alerts, admin does everything." placeholder:"ROLE"`
	Expires span   `help:"How long it is valid, such as 12h or 90d; 0 for ever." default:"365d"`
}

// Run makes a token and prints it alone on a line, for scripts.
func (c *tokenCreateCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		id, value, err := collector.NewToken(ctx, kept, c.Name, c.Role, time.Duration(c.Expires))
		if err != nil {
			return err
		}
		fmt.Fprintf(s.errOut, "Token %s of %s (%s), valid until %s. It is not shown again:\n", id, printable(c.Name), c.Role, expiry(time.Duration(c.Expires)))
		_, err = fmt.Fprintln(s.out, value)
		return err
	})
}

type tokenListCmd struct{}

// Run lists tokens.
func (tokenListCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		all, err := kept.Tokens(ctx)
		if err != nil {
			return fmt.Errorf("list the tokens: %w", err)
		}
		w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tSTATE\tROLE\tNAME\tCREATED\tEXPIRES")
		for _, x := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", x.ID, standing(x.RevokedAt, x.ExpiresAt, false), x.Role, printable(x.Name), day(x.CreatedAt), day(x.ExpiresAt))
		}
		return w.Flush()
	})
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"Id of the token, as listed."`
}

// Run revokes a token.
func (c *tokenRevokeCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		err := kept.RevokeToken(ctx, c.ID, time.Now())
		return revoked(ctx, s, kept, "token", c.ID, "", err)
	})
}

type deviceCmd struct {
	Revoke deviceRevokeCmd `cmd:"" help:"Revoke a device's certificate: its next call is refused, and it cannot enrol again."`
}

type deviceRevokeCmd struct {
	Device string `arg:"" help:"Id of the device, a unique prefix of it, or its serial."`
	Note   string `help:"Why; the audit log keeps it." placeholder:"TEXT"`
}

// Run revokes an identity.
func (c *deviceRevokeCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		id := c.Device
		// A device that enrolled and never reported is known by its whole id only.
		if dev, err := kept.FindDevice(ctx, c.Device); err == nil {
			id = dev.Summary.GetId()
		} else if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("device %q: %w", c.Device, err)
		}
		err := kept.RevokeIdentity(ctx, id, c.Note, time.Now())
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("there is no device %q; farmhound devices lists them", c.Device)
		}
		return revoked(ctx, s, kept, "device", id, c.Note, err)
	})
}
