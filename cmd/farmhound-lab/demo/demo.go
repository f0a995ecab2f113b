package demo

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/settings"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/laptop"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/fleet"
)

const (
	// loopback is where everything runs, and the name in the server's certificate.
	loopback = "127.0.0.1"
	// together bounds the deliveries that are under way at once.
	together = 64
	// reportWait is how long this computer's first report may take beyond the end.
	reportWait = 60 * time.Second
)

// Options are what a demo is run with.
type Options struct {
	Seed uint64
	// Days is how long the fleet lives; Personas keeps only laptops of these, empty keeps all.
	Days     int
	Personas []string
	// For is how long the demo runs; zero means until ctx ends.
	For     time.Duration
	Version string
	// Progress takes what happens, as text for people.
	Progress io.Writer
	// CaughtUp is called once the simulation has caught up with the wall clock.
	CaughtUp func(*Result) error
}

// demo is one demo under way.
type demo struct {
	Options

	dir       string
	clock     clock
	world     *persona.World
	created   *collector.Created
	collector *collector.Collector
	balancer  string
	roots     *x509.CertPool
	laptops   map[string]*laptop.Laptop // by device
	analyst   *analyst
	shown     map[string]string // verdict shown, by alert
	reports   int
}

// Run runs a demo and returns what it came to: nothing where ctx ends before the
// simulation has caught up, which is no failure. It leaves nothing behind.
func Run(ctx context.Context, o Options) (result *Result, err error) {
	started := time.Now()
	dir, err := os.MkdirTemp("", "farmhound-demo-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &demo{Options: o, dir: dir, laptops: make(map[string]*laptop.Laptop), shown: make(map[string]string)}
	end := time.Now().Truncate(time.Hour)
	if d.world, err = persona.NewWorld(persona.Options{Seed: o.Seed, Days: o.Days, Personas: o.Personas, End: end}); err != nil {
		return nil, err
	}
	d.clock.set(end.AddDate(0, 0, -o.Days))
	if err := d.open(ctx); err != nil {
		return nil, unlessInterrupted(ctx, err)
	}
	// The collector outlives whoever talks to it.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error { return d.collector.Run(serving) })
	defer func() {
		stop()
		err = errors.Join(err, group.Wait())
	}()
	if result, err = d.run(ctx, started); result == nil {
		err = unlessInterrupted(ctx, err)
	}
	return result, err
}

// unlessInterrupted drops what a demo that was interrupted stumbles over: every
// call that was under way fails in its own words.
func unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // whoever interrupts a demo has seen enough: that is its ordinary end
	}
	return err
}

// open makes a collector with the world's roster and address data.
func (d *demo) open(ctx context.Context) (err error) {
	config := collector.DefaultConfig()
	config.Data = filepath.Join(d.dir, "data")
	config.Roster = filepath.Join(d.dir, "roster.csv")
	config.Geo = []string{filepath.Join(d.dir, "geo.mmdb")}
	config.Agents.ScanInterval = 5 * time.Second
	config.Outputs = []collector.Output{{Name: "siem", File: filepath.Join(d.dir, "findings.jsonl")}}
	places, err := d.world.GeoMMDB()
	if err != nil {
		return err
	}
	for path, data := range map[string][]byte{config.Roster: d.world.RosterCSV(), config.Geo[0]: places} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return fmt.Errorf("write the world's data: %w", err)
		}
	}
	if d.created, err = collector.Create(ctx, config.Data, []string{loopback, "localhost"}); err != nil {
		return err
	}
	d.roots = x509.NewCertPool()
	d.roots.AppendCertsFromPEM(d.created.CA)
	var lc net.ListenConfig
	direct, err := lc.Listen(ctx, "tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return fmt.Errorf("listen on the loopback interface: %w", err)
	}
	balanced, err := lc.Listen(ctx, "tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return errors.Join(fmt.Errorf("listen on the loopback interface: %w", err), direct.Close())
	}
	d.balancer = balanced.Addr().String()
	d.collector, err = collector.Open(ctx, collector.Options{
		Config: config, Now: d.clock.now, Version: d.Version, Log: slog.New(slog.NewTextHandler(d.Progress, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Listeners: []net.Listener{direct, api.BehindBalancers(balanced, []netip.Prefix{netip.MustParsePrefix(loopback + "/32")})},
	})
	return err
}

func (d *demo) run(ctx context.Context, started time.Time) (result *Result, err error) {
	if d.analyst, err = newAnalyst(d.collector.Address().String(), d.roots, d.created.Token); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.analyst.close()) }()
	fmt.Fprintf(d.Progress, "A collector on %s with an embedded store; seed %d draws %d laptops.\n", d.collector.Address(), d.Seed, len(d.world.Laptops()))
	config := d.agentConfig()
	device, err := agent.Enroll(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("enrol this computer: %w", err)
	}
	fmt.Fprintf(d.Progress, "This computer enrolled over mutual TLS as %.12s….\nFour weeks pass:\n", device)
	if err := d.live(ctx); err != nil {
		return nil, err
	}
	d.clock.join()

	own, err := agent.New(config)
	if err != nil {
		return nil, fmt.Errorf("start this computer's agent: %w", err)
	}
	running, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { return own.Run(running) })
	defer func() {
		stop()
		err = errors.Join(err, group.Wait())
	}()
	if err := d.analyst.awaitReport(ctx, device, reportWait); err != nil {
		return nil, err
	}
	if result, err = d.result(ctx, device); err != nil {
		return nil, err
	}
	if d.CaughtUp != nil {
		if err := d.CaughtUp(result); err != nil {
			return nil, err
		}
	}
	if err := wait(ctx, d.For, started); err != nil {
		return result, nil // interrupted: what it came to stands
	}
	return d.result(ctx, device)
}

// wait waits until the demo has run for so long, or for ever.
func wait(ctx context.Context, length time.Duration, started time.Time) error {
	if length <= 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	timer := time.NewTimer(time.Until(started.Add(length)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (d *demo) agentConfig() agent.Config {
	s := settings.Defaults()
	s.Collector, s.CAPin = d.collector.Address().String(), d.created.Pin
	s.EnrollSecret = settings.NewSecret(d.created.Secret)
	s.StateDir = filepath.Join(d.dir, "agent")
	return agent.Config{Settings: s, Version: d.Version, Log: slog.New(slog.NewTextHandler(d.Progress, &slog.HandlerOptions{Level: slog.LevelError}))}
}

// live lets the world live: before the deliveries of an hour, everybody is
// assessed at each point of the grid that has passed, as replays do.
func (d *demo) live(ctx context.Context) error {
	var swept, last time.Time
	progress := newProgress(d.Progress, d.Days)
	for step := range d.world.Steps() {
		if swept.IsZero() {
			swept = step.At.Truncate(fleet.SweepInterval)
		}
		for next := swept.Add(fleet.SweepInterval); !next.After(step.At); next = next.Add(fleet.SweepInterval) {
			if err := d.sweep(ctx, next); err != nil {
				return err
			}
			swept = next
		}
		d.clock.set(step.At)
		if err := d.deliver(ctx, step); err != nil {
			return err
		}
		last = step.At
		progress.hour(step.At, d.reports)
	}
	if last.IsZero() {
		return errors.New("the world is empty")
	}
	defer func() {
		for _, l := range d.laptops {
			_ = l.Close() // everything was acknowledged
		}
	}()
	return d.sweep(ctx, last)
}

func (d *demo) sweep(ctx context.Context, at time.Time) error {
	d.clock.set(at)
	if err := d.collector.Sweep(ctx); err != nil {
		return fmt.Errorf("assess the fleet: %w", err)
	}
	return d.showFlags(ctx)
}

// deliver brings an hour's reports in, every laptop's own in order.
func (d *demo) deliver(ctx context.Context, step persona.Step) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for rest := step.Deliveries; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Laptop == rest[0].Laptop {
			n++
		}
		own := rest[:n]
		rest = rest[n:]
		l := d.laptop(own[0].Laptop)
		group.Go(func() error {
			for _, delivery := range own {
				if !l.Enrolled() {
					if err := l.Enroll(ctx, delivery.Peer, d.created.Secret); err != nil {
						return err
					}
				}
				if err := l.Report(ctx, delivery); err != nil {
					return err
				}
			}
			return nil
		})
		for _, delivery := range own {
			d.reports += len(delivery.Reports)
		}
	}
	return group.Wait()
}

func (d *demo) laptop(drawn *persona.Laptop) *laptop.Laptop {
	l := d.laptops[drawn.DeviceID]
	if l == nil {
		l = &laptop.Laptop{Laptop: drawn, Line: laptop.Line{Address: d.balancer, Name: loopback, Roots: d.roots, Balanced: true}}
		d.laptops[drawn.DeviceID] = l
	}
	return l
}
