package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/sensor"
	"github.com/farmhound-security/farmhound/agent/settings"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// A certificate is renewed well before it ends, and the calls that follow show the
// new one, without a report lost or doubled.
func TestRenewsInTime(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	c.Life = 4 * time.Second // with a minute before now, for clocks that differ
	f := newSenses()
	start(t, f, settingsFor(t, c), func(a *Agent) { a.lookAgain = 20 * time.Millisecond })
	versions := 0
	for patient := patience(t); len(c.ClientSerials()) < 2; {
		versions++
		f.change(func(r *farmhoundv1.Report) { r.Software.Tools[0].Version = fmt.Sprint(versions) })
		c.Await(patient, atLeast(versions))
	}
	seen := map[uint64]bool{}
	for i, r := range c.Reports() {
		if seen[r.GetSequence()] || r.GetSequence() != uint64(i+1) {
			t.Errorf("report %d has sequence %d", i+1, r.GetSequence())
		}
		seen[r.GetSequence()] = true
	}
	if enrolls, renewals, _ := c.Counts(); enrolls != 1 || renewals == 0 {
		t.Errorf("%d enrolments, %d renewals", enrolls, renewals)
	}
}

// A certificate that the collector does not renew is said once, and reports go on for
// as long as it holds.
func TestRefusedRenewalIsSaid(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	c.Life = time.Second // renewal is due at once
	c.RefuseRenew(status.Error(codes.PermissionDenied, "device certificate revoked on 2026-03-04"))
	f := newSenses()
	a := start(t, f, settingsFor(t, c), func(a *Agent) { a.lookAgain = 10 * time.Millisecond })
	for _, renewals, _ := c.Counts(); renewals == 0; _, renewals, _ = c.Counts() {
		await(t, f, 1)
	}
	await(t, f, 20)
	a.stop()
	if _, renewals, _ := c.Counts(); renewals != 1 {
		t.Errorf("%d renewals were tried", renewals)
	}
	if strings.Count(a.log.String(), "device certificate is not renewed") != 1 {
		t.Errorf("log: %s", a.log)
	}
}

// What one sense does wrong is a health fact in what is sent, and the others' parts
// are sent beside it.
func TestTroubleOfOneSenseIsAHealthFact(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	released := make(chan struct{})
	f := newSenses()
	start(t, f, settingsFor(t, c), func(a *Agent) {
		a.body.senses = sensor.NewRunner([]sensor.Sensor{
			sense{"panics", func(*farmhoundv1.Report) error { panic("at the " + "disco") }},
			sense{"hangs", func(*farmhoundv1.Report) error { <-released; return nil }},
			sense{"fails", func(*farmhoundv1.Report) error { return errors.New("no such file") }},
			sense{"works", func(r *farmhoundv1.Report) error { r.Place = &farmhoundv1.Place{TimeZone: "Europe/Oslo"}; return nil }},
		}, 50*time.Millisecond, nil)
	})
	t.Cleanup(func() { close(released) })
	report := c.Await(patience(t), atLeast(1))[0]
	if report.GetPlace().GetTimeZone() != "Europe/Oslo" {
		t.Errorf("the sense that works told nothing: %v", report)
	}
	var states []string
	for _, s := range report.GetHealth().GetSenses() {
		states = append(states, s.GetName()+" "+SenseWord(s.GetState()))
	}
	if got := strings.Join(states, ", "); got != "panics panicked, hangs timed out, fails failed, works ok" {
		t.Errorf("senses: %s", got)
	}
	if h := report.GetHealth(); h.GetCpuSeconds() <= 0 || h.GetMemoryBytes() < 1<<20 || h.GetStartedAt() == nil || readClock().sleepKnown != (h.SystemUpSeconds != nil) {
		t.Errorf("own cost: %v", h)
	}
}

// sense is a sensor made of a function.
type sense struct {
	name    string
	observe func(*farmhoundv1.Report) error
}

func (s sense) Name() string { return s.name }
func (s sense) Observe(_ context.Context, into *farmhoundv1.Report) error {
	return s.observe(into)
}

// What the system tells of is looked at before the next look is due, though whatever
// goes on does not make looks more than twice as many as they may be.
func TestLooksWhenTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ toldAt, want time.Duration }{
		"never": {time.Hour, 20 * time.Second}, "at once": {0, 10 * time.Second}, "late": {15 * time.Second, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &Agent{observer: &observer{body: &body{stretch: func() int { return 2 }}}, noticed: make(chan struct{}, 1)}
				a.config.Settings.ScanInterval = 10 * time.Second
				a.state = &state{agent: a}
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					again := time.NewTicker(time.Second)
					defer again.Stop()
					for began := time.Now(); ctx.Err() == nil; {
						if time.Since(began) >= tt.toldAt {
							signal(a.noticed)
						}
						select {
						case <-again.C:
						case <-ctx.Done():
						}
					}
				}()
				began := time.Now()
				if err := a.pause(ctx); err != nil || time.Since(began) != tt.want {
					t.Errorf("paused for %v (%v), want %v", time.Since(began), err, tt.want)
				}
				cancel()
			})
		})
	}
}

// That the system tells nothing is no trouble, and what it tells reaches the loop.
func TestFollows(t *testing.T) {
	t.Parallel()
	f := newSenses()
	s := settings.Defaults()
	s.StateDir, s.ScanInterval = t.TempDir(), time.Hour
	told := make(chan struct{})
	a := start(t, f, s, func(a *Agent) {
		a.config.Follow = func(_ context.Context, tell func()) error {
			tell()
			close(told)
			return errors.New("no netlink here")
		}
	})
	<-f.scanned
	<-told
	a.stop()
	if said := a.log.String(); !strings.Contains(said, "no netlink here") || strings.Contains(said, "level=ERROR") {
		t.Errorf("it says %s", said)
	}
}
