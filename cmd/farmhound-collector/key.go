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

type keyCmd struct {
	List   keyListCmd   `cmd:"" help:"List the fleet keys in use, and how many laptops hash with each."`
	Rotate keyRotateCmd `cmd:"" help:"Make a new fleet key. Laptops learn of it with their next report, and hash with it and the ones before until those are retired."`
	Retire keyRetireCmd `cmd:"" help:"Retire the oldest fleet key. Refused while a laptop or what is known of one needs it."`
}

type keyListCmd struct{}

// Run lists keys, the newest first. Keys themselves are never shown.
func (keyListCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		keys, err := collector.FleetKeys(ctx, kept)
		if err != nil {
			return err
		}
		used, err := keysUsed(ctx, kept)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "KEY\tMADE\tHASH WITH IT")
		for _, k := range keys {
			made := "with the store"
			if !k.CreatedAt.IsZero() {
				made = day(k.CreatedAt)
			}
			fmt.Fprintf(w, "%d\t%s\t%d\n", k.ID, made, used[k.ID])
		}
		return w.Flush()
	})
}

// keysUsed counts the laptops that must not be lost, by the newest key that each has
// hashed anything with. Those that never hashed anything need none and are left out.
func keysUsed(ctx context.Context, kept store.Store) (map[uint32]int, error) {
	standing, err := standingLaptops(ctx, kept)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]bool, len(standing))
	for _, l := range standing {
		counts[l.Device] = true
	}
	used := make(map[uint32]int)
	err = kept.EachDevice(ctx, func(d *store.Device) error {
		if key := d.Picture.GetFleetKey(); key > 0 && counts[d.Picture.GetId()] {
			used[key]++
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look which keys laptops hash with: %w", err)
	}
	return used, nil
}

type keyRotateCmd struct{}

// Run makes a new key.
func (keyRotateCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		key, err := collector.RotateFleetKey(ctx, kept, time.Now())
		if errors.Is(err, collector.ErrKeysFull) {
			return fmt.Errorf("%w; farmhound-collector key retire ends the oldest first", err)
		}
		if err != nil {
			return err
		}
		if err := collector.Audit(ctx, kept, "key.rotate", fmt.Sprint(key.ID), ""); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "Fleet key %d is the newest. A running collector takes it up within a minute, and laptops with their next report.\n"+
			"farmhound-collector key list shows how many hash with it. Where office_gateways are configured, add their hashes under the new key, as farmhound-agent scan shows them there.\n", key.ID)
		return err
	})
}

type keyRetireCmd struct {
	Force bool `help:"Retire it although laptops need it: their networks and peripherals count as new ones."`
}

// Run retires the oldest key. The audit entry comes first: a key is never retired
// without one.
func (c *keyRetireCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		oldest, next, err := collector.OldestFleetKey(ctx, kept)
		if err != nil {
			return fmt.Errorf("%w; farmhound-collector key rotate makes another", err)
		}
		detail := ""
		objection := mayRetire(ctx, kept, oldest, next, time.Now())
		switch {
		case objection != nil && !c.Force:
			return fmt.Errorf("%w; --force retires it now", objection)
		case objection != nil:
			detail = "forced, although " + objection.Error()
		case c.Force:
			detail = "forced, without need"
		}
		name := fmt.Sprint(oldest.ID)
		if err := collector.Audit(ctx, kept, "key.retire", name, detail); err != nil {
			return err
		}
		if _, err := collector.RetireFleetKey(ctx, kept, oldest.ID, time.Now()); err != nil {
			return errors.Join(err, collector.Audit(ctx, kept, "key.retire.fail", name, err.Error()))
		}
		_, err = fmt.Fprintf(s.out, "Fleet key %s is retired. Laptops forget it with their next report.\n", name)
		return err
	})
}

// mayRetire refuses what would make known things look new: a laptop that has not hashed
// with a newer key yet, and what others saw before they did and may see again.
func mayRetire(ctx context.Context, kept store.Store, oldest, next collector.FleetKey, now time.Time) error {
	if until := next.CreatedAt.Add(collector.Overlap); now.Before(until) {
		return fmt.Errorf("fleet key %d names what laptops saw before there was key %d, which counts until %s", oldest.ID, next.ID, day(until))
	}
	used, err := keysUsed(ctx, kept)
	if err != nil {
		return err
	}
	needed, all := 0, 0
	for id, n := range used {
		all += n
		if id <= oldest.ID {
			needed += n
		}
	}
	if needed > 0 {
		return fmt.Errorf("%d of %d laptops have hashed with no key newer than %d, and their networks and peripherals would count as new ones: wait for them, or revoke those that are gone", needed, all, oldest.ID)
	}
	return nil
}
