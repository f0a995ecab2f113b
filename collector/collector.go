// Package collector is the company's side of Farmhound: it takes reports, builds
// each laptop's picture, weighs the evidence, and alerts.
//
//	api -> ingest -> fleet -> detect -> alert -> store -> siem
//	store -> api -> analysts
//
// The rooms know nothing of each other but the words of fleet and store; they meet
// here. The package and everything under it may import proto/, never agent/.
package collector

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/geo"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/pki"
	"github.com/farmhound-security/farmhound/collector/siem"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// lookAgain is how often files are looked at for a newer version, and the outbox
	// for rows that another process wrote.
	lookAgain = 15 * time.Second
	// secretSize is the size of keys that the store keeps, in bytes.
	secretSize = 32
)

// Options are what a collector is opened with.
type Options struct {
	Config Config
	// Listeners take connections; Config.Listen is not used where there are any.
	// Those behind balancers are wrapped by api.BehindBalancers already.
	Listeners []net.Listener
	// Now is the collector's clock for reports and judgements; nil means the wall
	// clock. With another one the caller sweeps. TLS, secrets and tokens always go
	// by the wall clock.
	Now     func() time.Time
	Version string
	Log     *slog.Logger
}

// Collector is one collector with its rooms open.
type Collector struct {
	options   Options
	log       *slog.Logger
	store     store.Store
	judge     *judge
	pipeline  *ingest.Pipeline
	server    *grpc.Server
	listeners []net.Listener
	places    *geo.Database
	books     *books
	offices   *officePlaces
	// declaring is held while what the company says is put into force.
	declaring sync.Mutex
	rejudge   chan struct{} // what the company says changed what was seen may mean
	outputs   []*output
	catalog   *watchedCatalog
	rules     *watchedRules
	policy    *policy
	egress    *answering // nil where nobody is told how it is seen
	// swept is when everybody was assessed last, in milliseconds; 0 before the first time.
	swept atomic.Int64
	// doubts are lines of what the company says that many laptops contradict together.
	doubts doubts
}

// output is one receiver with what wakes its drain.
type output struct {
	siem.Output
	wake chan struct{}
}

// Open opens the rooms in the order in which data flows. Run or Close must follow.
func Open(ctx context.Context, o Options) (c *Collector, err error) {
	c = &Collector{options: o, log: o.Log, listeners: o.Listeners, rejudge: make(chan struct{}, 1)}
	if c.log == nil {
		c.log = slog.Default()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if c.rules, err = openRules(o.Config.Signals); err != nil {
		return c, err
	}
	authority, err := pki.Load(PKIDir(o.Config.Data))
	if err != nil {
		return c, fmt.Errorf("%w; farmhound-collector init makes a CA", err)
	}
	authority.DeviceLife, authority.Log = o.Config.Agents.CertificateLife, c.log
	if c.store, err = OpenStore(ctx, o.Config.Data); err != nil {
		return c, err
	}
	if err := claim(ctx, c.store); err != nil {
		return c, err
	}
	rooms := Rooms{Rules: c.rules.inForce, Company: o.Config.Company}
	if err := c.openRooms(ctx, &rooms); err != nil {
		return c, err
	}
	if c.judge, err = rooms.judge(); err != nil {
		return c, err
	}
	if err := c.redeclare(ctx); err != nil {
		return c, err
	}
	c.books.changed = c.declaredAnew
	c.judge.bases = &bases{collector: o.Version, roster: c.rosterVersion}
	c.pipeline = ingest.New(ingest.Config{Store: notifying{c.store, c.wakeOutputs}, Judge: c.judge, Now: c.now, Log: c.log})
	if err := c.listen(ctx); err != nil {
		return c, err
	}
	if err := c.openEgress(ctx); err != nil {
		return c, err
	}
	return c, c.openServer(ctx, authority)
}

// claim keeps a second collector from a store that only one may judge for.
func claim(ctx context.Context, kept store.Store) error {
	embedded, ok := kept.(interface {
		Claim(ctx context.Context) error
	})
	if !ok {
		return nil
	}
	err := embedded.Claim(ctx)
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%w; stop that one first, or give this one a data folder of its own", err)
	}
	return err
}

// openRooms opens what judging can have and need not.
func (c *Collector) openRooms(ctx context.Context, rooms *Rooms) (err error) {
	if rooms.Secret, err = c.secret(ctx, "hash_secret"); err != nil {
		return err
	}
	if c.catalog, err = openCatalog(c.options.Config.Catalog, time.Now); err != nil {
		return err
	}
	if err := c.rememberCatalog(ctx); err != nil {
		return err
	}
	rooms.Catalog = c.catalog.loaded()
	c.sayUnknown(ctx, rooms.Unknown())
	if c.places, err = geo.Open(ctx, c.options.Config.Geo, c.log); err != nil {
		return err
	}
	c.offices = &officePlaces{inner: c.places}
	rooms.Places = c.offices
	c.books = newBooks(c.store, c.options.Config.Roster, c.catalog.tools(), c.log)
	c.books.note = c.note
	if err := c.books.open(ctx); err != nil {
		return err
	}
	rooms.Roster = c.books
	for _, o := range c.options.Config.Outputs {
		c.outputs = append(c.outputs, &output{siem.NewFile(o.Name, o.File), make(chan struct{}, 1)})
	}
	return nil
}

// secret returns random bytes that stay the same as long as the store.
func (c *Collector) secret(ctx context.Context, name string) ([]byte, error) {
	fresh := make([]byte, secretSize)
	_, _ = rand.Read(fresh) // never fails
	kept, err := c.store.PutSettingIfAbsent(ctx, name, fresh)
	if err != nil {
		return nil, fmt.Errorf("read the store's %s: %w", name, err)
	}
	return kept, nil
}

func (c *Collector) openServer(ctx context.Context, authority *pki.Authority) (err error) {
	c.policy = newPolicy(c.options.Config.Agents)
	c.policy.setCatalog(c.catalog.digest())
	if err := c.takeKeys(ctx); err != nil {
		return err
	}
	var asked api.Egress
	if c.egress != nil {
		asked = c.egress
	}
	c.server, err = api.NewServer(api.Config{
		Egress: asked, Neighbours: c.neighbours,
		TLS: authority.ServerTLS(), Authority: authority, Hash: pki.Hash, Access: c.store,
		Catalog: c.catalog.signed,
		Roster:  &api.Roster{Books: rosterDesk{books: c.books, devices: c.store, now: c.now, doubtsOf: c.doubtsOf}, Store: c.store, Doubts: c.doubts.found},
		Commit:  commit{c.pipeline}, Policy: c.policy.Policy, Now: c.now, Log: c.log,
		Fleet: &api.Fleet{
			Store: notifying{c.store, c.wakeOutputs}, Exclusive: c.pipeline.Exclusive,
			Finding: siem.Finding, FindingKey: siem.EventKey, Derive: c.derive, Sites: api.NewRecentSites(sites{c.judge}, c.now), Standing: c.standing, Doubts: c.doubts.found,
			Suppose:   c.suppose,
			Reproduce: (&Reproducer{Store: c.store, Version: c.options.Version}).Reproduce,
			Now:       c.now, Version: c.options.Version, Log: c.log,
		},
	})
	return err
}

// sites tells where laptops are kept together, by the fleet of the moment.
type sites struct{ *judge }

// Sites returns every site.
func (s sites) Sites(now time.Time) []*fleet.SiteView { return s.fleet.Load().Sites(now) }

// SiteOf returns the site that a device is in.
func (s sites) SiteOf(device string, now time.Time) *fleet.SiteView {
	return s.fleet.Load().SiteOf(device, now)
}

// neighbours returns by what a device can tell laptops beside it.
func (c *Collector) neighbours(device string) []byte {
	return c.judge.fleet.Load().NeighbourCandidates(device)
}

// derive returns the picture as signals see it now.
func (c *Collector) derive(d *store.Device) *fleetv1.Device {
	return c.judge.fleet.Load().Device(d.Picture, c.now())
}

func (c *Collector) now() time.Time {
	if c.options.Now != nil {
		return c.options.Now()
	}
	return time.Now()
}

func (c *Collector) listen(ctx context.Context) error {
	if len(c.listeners) > 0 {
		return nil
	}
	// Probes of idle connections would be most of what a quiet laptop costs on the wire;
	// the server's own pings find the dead ones.
	lc := net.ListenConfig{KeepAlive: -1}
	l, err := lc.Listen(ctx, "tcp", string(c.options.Config.Listen))
	if err != nil {
		return fmt.Errorf("listen for agents and analysts: %w", err)
	}
	c.listeners = []net.Listener{api.BehindBalancers(l, prefixes(c.options.Config.Balancers))}
	return nil
}

// Address returns where the first listener is.
func (c *Collector) Address() net.Addr { return c.listeners[0].Addr() }

// Run serves until ctx ends. It returns once what was taken is committed and
// everything it started has ended; nil when ctx ended.
func (c *Collector) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, c.Close()) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// What calls need outlives them.
	rooms, closeRooms := context.WithCancel(context.WithoutCancel(ctx))
	defer closeRooms()

	var doors, inside sync.WaitGroup
	run := func(group *sync.WaitGroup, what func() error) {
		group.Go(func() {
			if err := what(); err != nil {
				cancel(err)
			}
		})
	}
	run(&inside, func() error { return c.pipeline.Run(rooms) })
	run(&inside, func() error { c.followKeys(rooms, lookAgain); return nil })
	for _, l := range c.listeners {
		run(&doors, func() error { return api.Serve(ctx, c.server, l) })
	}
	for _, o := range c.outputs {
		run(&inside, func() error {
			siem.Drain(rooms, c.store, o.Output, o.wake, lookAgain, c.log)
			return nil
		})
	}
	run(&inside, func() error { c.followFiles(rooms); return nil })
	if a := c.egress; a != nil {
		run(&doors, func() error { return a.responder.ServeUDP(ctx, a.udp) })
		if a.tcp != nil {
			run(&doors, func() error { return a.responder.ServeTCP(ctx, a.tcp) })
		}
	}
	if c.options.Now == nil {
		run(&doors, func() error { c.rounds(ctx); return nil })
		run(&doors, func() error { c.judgeAgain(ctx); return nil })
	}
	c.log.InfoContext(ctx, "collector started", "version", c.options.Version, "address", c.Address().String(), "data", c.options.Config.Data)
	<-ctx.Done()
	doors.Wait()
	closeRooms()
	inside.Wait()
	c.log.InfoContext(context.WithoutCancel(ctx), "collector stopped")
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// rounds assesses every device on a grid of time, so that silence and decay act without
// reports, and forgets what is old, until ctx ends. Neither waits for the other: the
// first time that a large store forgets can take hours.
func (c *Collector) rounds(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() {
		c.onGrid(ctx, func(at time.Time) {
			if err := c.sweep(ctx, at); err != nil && ctx.Err() == nil {
				c.log.ErrorContext(ctx, "not every device could be assessed again", "error", err)
			}
		})
	})
	both.Go(func() {
		c.onGrid(ctx, func(at time.Time) {
			if err := c.forget(ctx, at); err != nil && ctx.Err() == nil {
				c.log.ErrorContext(ctx, "what is older than it should be kept is still there; the next time of a sweep tries again", "error", err)
			}
		})
	})
	both.Wait()
}

// onGrid does something at every point of the grid of sweeps until ctx ends, leaving
// out those that pass while it is being done.
func (c *Collector) onGrid(ctx context.Context, do func(at time.Time)) {
	for {
		next := c.now().Truncate(fleet.SweepInterval).Add(fleet.SweepInterval)
		timer := time.NewTimer(next.Sub(c.now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		do(next)
	}
}

// Ready is closed once reports are taken.
func (c *Collector) Ready() <-chan struct{} { return c.pipeline.Ready() }

// Sweep assesses every device at the collector's time, and forgets what is old then.
// With the wall clock the collector does so by itself.
func (c *Collector) Sweep(ctx context.Context) error {
	now := c.now()
	return errors.Join(c.sweep(ctx, now), c.forget(ctx, now))
}

// Close releases what Open opened, in reverse order. Run does it by itself.
func (c *Collector) Close() error {
	var errs []error
	for _, l := range c.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("stop listening: %w", err))
		}
	}
	c.listeners = nil
	if c.egress != nil {
		errs = append(errs, c.egress.close())
		c.egress = nil
	}
	if c.places != nil {
		errs = append(errs, c.places.Close())
		c.places = nil
	}
	if c.store != nil {
		errs = append(errs, c.store.Close())
		c.store = nil
	}
	return errors.Join(errs...)
}

func (c *Collector) wakeOutputs() {
	for _, o := range c.outputs {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
}
