// Package agent is the laptop's side of Farmhound: it observes, keeps what
// changed, spools it durably and delivers it to the collector.
//
//	senses -> observe -> reduce -> spool -> delivery -> collector
//	             ^                              |
//	             +--------- policy <------------+
//
// The agent reports facts and judges nothing. What a collector can change of it
// is in the contract's Policy: how often to look, and with which keys to hash.
// The package and everything under it may import proto/ only.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/identity"
	"github.com/farmhound-security/farmhound/agent/road"
	"github.com/farmhound-security/farmhound/agent/sensor/network/egress"
	"github.com/farmhound-security/farmhound/agent/settings"
	"github.com/farmhound-security/farmhound/agent/spool"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Config is what an agent is made from.
type Config struct {
	// Settings are the agent's settings, as settings.Load or settings.Defaults
	// returns them.
	Settings settings.Settings
	// Version is told in health facts.
	Version string
	// Root is the folder that stands for "/". Empty means this machine.
	Root string
	// Dial opens connections to the collector. Nil means the way of the settings.
	Dial delivery.Dialer
	// Settled is called by the loop when the agent has settled down after starting,
	// and then once an hour: a program may give back what only starting needed. Nil is
	// allowed.
	Settled func()
	// Changed tells of something that is worth a look before the next is due: somebody
	// logged on or off, the laptop woke up. Nil never tells; it must not be closed.
	Changed <-chan struct{}
	// Follow tells of the same, until ctx is done; an error is why it does not. Nil never
	// tells. package notice has one for this machine.
	Follow func(ctx context.Context, tell func()) error
	// Log is where the agent logs. Nil means slog.Default().
	Log *slog.Logger
}

// Agent is one agent with its state directory open.
type Agent struct {
	*observer
	config   Config
	identity *identity.Identity
	spool    *spool.Spool
	state    *state
	// lookNow wakes the loop before the scan interval has passed; wake the delivery
	// during a long pause; named tells that the policy may name another catalogue.
	lookNow, wake, named chan struct{}
	// noticed wakes the loop too, though not before half of the pause is over: what goes on
	// without end must not make looks more costly than they may be.
	noticed chan struct{}
	// lookAgain is the pause between looks at local files and at the certificate's age.
	lookAgain time.Duration
	// unreadable is whether the stored certificate could not be read again; it
	// belongs to enrolment and then to renewal, which follow each other.
	unreadable bool
	// clock reads this laptop's clocks.
	clock func() moment
	// road is the way to the collector.
	road *road.Road
	// awake tells that the laptop slept or moved, so that connections are worth nothing.
	awake chan struct{}
	// prober asks the collector under which address this laptop is seen.
	prober *egress.Prober

	// The rest belongs to the loop.
	windows *windows
	// told is when everything was last told, damaged how many damaged spools were
	// known by then, and unspooled whether the last report could not be kept.
	told      time.Time
	settled   time.Time
	damaged   uint64
	unspooled bool
}

// New opens the state directory and makes a key if there is none. Run or Close
// must follow.
func New(config Config) (*Agent, error) {
	return assemble(config, newBody)
}

func assemble(config Config, makeBody bodyMaker) (*Agent, error) {
	o, err := newObserver(config, makeBody)
	if err != nil {
		return nil, err
	}
	a := &Agent{
		observer: o, config: config, lookAgain: defaultLookAgain, clock: readClock,
		lookNow: make(chan struct{}, 1), noticed: make(chan struct{}, 1), awake: make(chan struct{}, 1), wake: make(chan struct{}, 1), named: make(chan struct{}, 1),
	}
	a.prober = egress.New(config.Settings.Collector, a.log)
	a.prober.Changed = func() { signal(a.lookNow) }
	if a.body.useProber != nil {
		a.body.useProber(a.prober)
	}
	if err := a.openIdentity(); err != nil {
		return nil, err
	}
	if a.road, err = openRoad(config); err != nil {
		return nil, err
	}
	if a.state, err = openState(a); err != nil {
		return nil, err
	}
	if a.spool, err = spool.Open(filepath.Join(config.Settings.StateDir, "spool.db"), spool.Options{Log: a.log}); err != nil {
		return nil, err
	}
	return a, nil
}

// openIdentity makes the state directory and opens the identity in it.
func (a *Agent) openIdentity() error {
	s := a.config.Settings
	err := os.MkdirAll(s.StateDir, 0o700)
	if err != nil {
		return fmt.Errorf("make state directory: %w; run as root, or set state_dir to a directory that this user can write", err)
	}
	trust := identity.Trust{CAFile: s.CAFile, CAPin: s.CAPin}
	if a.identity, err = identity.Open(IdentityFolder(s), trust); err != nil {
		return err
	}
	if s.Collector == "" {
		return nil
	}
	// Said now, not with the first call: only a setting can cure it.
	_, err = a.identity.ServerTLS()
	return err
}

// Close releases the state directory of an agent that is not run.
func (a *Agent) Close() error { return a.spool.Close() }

// DeviceID returns the id by which the collector knows this device.
func (a *Agent) DeviceID() string { return a.identity.DeviceID() }

// Run observes and delivers until ctx is done. It returns when everything it
// started has ended and the state directory is released; nil when ctx was done.
func (a *Agent) Run(ctx context.Context) error {
	defer func() { _ = a.spool.Close() }()
	a.applyPolicy(a.state.policy())
	a.log.InfoContext(ctx, "agent started", "version", a.config.Version, "device", a.DeviceID(),
		"enrolled", a.identity.Enrolled(), "state_dir", a.config.Settings.StateDir)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.deliver(ctx); err != nil && ctx.Err() == nil {
			cancel(err)
		}
	})
	running.Go(func() { a.state.keepWritten(ctx) })
	running.Go(func() { a.follow(ctx) })
	a.observe(ctx)
	running.Wait()
	err := context.Cause(ctx)
	a.state.stopped()
	a.close(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	a.log.InfoContext(ctx, "agent stopped")
	return err
}

// follow looks when the system tells of something before the next look is due.
func (a *Agent) follow(ctx context.Context) {
	if a.config.Follow == nil {
		return
	}
	if err := a.config.Follow(ctx, func() { signal(a.noticed) }); err != nil {
		a.log.InfoContext(ctx, "the system does not tell of changes; they are seen with the next look", "error", err)
	}
}

// observe is the loop: look, keep what changed, spool it, wait.
func (a *Agent) observe(ctx context.Context) {
	a.windows = newWindows(a.clock, a.body.meter, a.body.senses.Count, a.state.windowInterval())
	a.settled = time.Now().Add(settleAfter - settleAgain)
	for {
		seen := a.body.senses.Scan(ctx)
		if ctx.Err() != nil {
			break
		}
		a.windows.interval = a.state.windowInterval()
		a.windows.observe(time.Now(), seen.GetRemoteSessions(), controlSeen(seen))
		ended := a.windows.tick()
		if a.report(ctx, seen, ended) {
			a.state.observed(seen)
		}
		a.settle()
		if a.pause(ctx) != nil {
			break
		}
	}
	// What the last, unfinished window counted is kept for the next start.
	a.windows.finish()
	a.report(context.WithoutCancel(ctx), &farmhoundv1.Report{}, false)
}

const (
	// settleAfter is when everything was told and delivered once, and looked at again.
	settleAfter = time.Minute
	settleAgain = time.Hour
)

// settle calls Settled when it is due.
func (a *Agent) settle() {
	if now := time.Now(); a.config.Settled != nil && now.Sub(a.settled).Abs() >= settleAgain {
		a.settled = now
		a.config.Settled()
	}
}

func (a *Agent) pause(ctx context.Context) error {
	pause, began := a.lookAfter(), time.Now()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return nil
		case <-a.lookNow:
			return nil
		case <-a.noticed:
			timer.Reset(max(pause/2-time.Since(began), 0))
		case <-a.config.Changed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lookAfter is the pause until the next look, longer than it is set on battery and where
// the agent has used more of the laptop than it may.
func (a *Agent) lookAfter() time.Duration {
	interval := a.state.scanInterval()
	if a.body.stretch != nil {
		interval = max(interval, min(interval*time.Duration(a.body.stretch()), longestLook))
	}
	return interval
}

// longestLook is up to where looks are stretched: control that lasts is not missed.
const longestLook = time.Minute

// tellEverything is how often everything is told although it did not change, so that
// whatever went wrong with a report heals.
const tellEverything = 24 * time.Hour

// report spools what changed and tells whether there was something. What cannot be
// spooled now is found again with the next look, and ended windows wait.
func (a *Agent) report(ctx context.Context, seen *farmhoundv1.Report, refresh bool) bool {
	status := a.spool.Status()
	now := time.Now()
	if resend := a.state.takeResend(); resend || status.Damaged > a.damaged || now.Sub(a.told).Abs() >= tellEverything {
		a.changes.forget()
		a.told, a.damaged = now, status.Damaged
	}
	seen.Windows = a.windows.pending
	a.complete(seen, status.Depth, status.Dropped+a.windows.lost)
	a.clean(ctx, seen)
	kept := a.changes.reduce(seen, refresh)
	a.rouse(a.windows.roused, kept)
	if kept == nil {
		return false
	}
	payload, err := proto.Marshal(kept)
	if err != nil {
		a.log.ErrorContext(ctx, "report cannot be written", "error", err)
		return true
	}
	dropped, err := a.spool.Append(a.bootID, kept.GetSequence(), payload, worth(kept))
	if err != nil {
		if !a.unspooled { // once, and not with every look at a disk that stays full
			a.log.ErrorContext(ctx, "reports cannot be spooled and will be made again", "error", err)
		}
		a.unspooled = true
		a.state.spooling(err, a.windows.lost)
		return true
	}
	if a.unspooled {
		a.log.InfoContext(ctx, "reports can be spooled again")
	}
	a.unspooled = false
	a.state.spooling(nil, a.windows.lost)
	a.kept(kept)
	a.windows.pending = nil
	if dropped > 0 {
		a.state.lostReports()
	}
	return true
}

// worth says what the loss of a report would cost. The first of a run and what says
// which laptop it is make others understandable; a session is told once. Windows in
// which nobody controlled the laptop, and the health told with them, are the least: the
// next ones come soon.
func worth(report *farmhoundv1.Report) spool.Value {
	controlled := slices.ContainsFunc(report.GetWindows(), func(w *farmhoundv1.Window) bool { return len(w.GetControl()) > 0 })
	switch {
	case report.GetSequence() == 1, report.System != nil, report.Logons != nil, len(report.GetRemoteSessions()) > 0:
		return spool.High
	case report.Software != nil, report.Hardware != nil, report.Network != nil, report.Place != nil, report.Presence != nil,
		controlled, len(report.GetWindows()) == 0:
		return spool.Normal
	default:
		return spool.Low
	}
}
