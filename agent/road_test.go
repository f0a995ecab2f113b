package agent

import (
	"crypto/tls"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/road"
	"github.com/farmhound-security/farmhound/agent/sensor/network/egress"
	"github.com/farmhound-security/farmhound/agent/settings"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Reports take the proxy of the settings, and the status says which way they took.
func TestReportsThroughProxy(t *testing.T) {
	t.Parallel()
	const login = "anna:geheim"
	c, proxy := fakecollector.Start(t), fakecollector.StartProxy(t, login)
	s := settingsFor(t, c)
	s.Proxies, s.ProxyLogin = []string{"http://" + proxy.Address}, settings.NewSecret(login)
	f := newSenses()
	a := start(t, f, s)
	c.Await(patience(t), atLeast(1))
	a.stop()
	if len(proxy.Asked()) == 0 {
		t.Error("the proxy was passed by")
	}
	status, err := ReadStatus(s.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	if want := "through the proxy http://" + proxy.Address; status.Way != want {
		t.Errorf("way %q, want %q", status.Way, want)
	}
	if strings.Contains(a.log.String(), "geheim") {
		t.Error("the password is logged")
	}
}

// Whoever inspects TLS is named in the log and in the status, and told nothing. Another
// way, where there is one, is taken.
func TestInspectorIsNamed(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	s := settingsFor(t, c)
	s.Proxies = []string{"http://" + fakecollector.StartInspector(t, "Zscaler Inc.", tls.VersionTLS13).Address}
	f := newSenses()
	a := start(t, f, s)
	for end := patience(t); !strings.Contains(a.log.String(), "Zscaler"); await(t, f, 1) {
		if end.Err() != nil {
			t.Fatalf("nobody is named: %s", a.log)
		}
	}
	a.stop()
	status, err := ReadStatus(s.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(status.Trouble, "a proxy inspects TLS here (Zscaler") || status.Enrolled || status.Way != "" {
		t.Errorf("status: %+v", status)
	}
	if enrolls, _, _ := c.Counts(); enrolls != 0 {
		t.Error("the secret was sent")
	}

	s.Proxies = append(s.Proxies, "direct")
	start(t, newSenses(), s)
	c.Await(patience(t), atLeast(1))
}

// handClock is a clock that is moved by hand, from another goroutine.
type handClock struct {
	mu    sync.Mutex
	slept time.Duration
}

func (h *handClock) read() moment {
	h.mu.Lock()
	defer h.mu.Unlock()
	return moment{
		wall: time.Now().Add(h.slept), elapsed: time.Since(started) + h.slept, asleep: h.slept, sleepKnown: true,
	}
}

func (h *handClock) sleep(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slept += d
}

// After sleep a connection that died unnoticed is not waited for: noticing alone takes
// half a minute.
func TestWakingConnectsAnew(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	network := fakecollector.StartRelay(t, c.Address)
	s := settingsFor(t, c)
	s.Collector, s.Proxies = network.Address, []string{"direct"}
	f, clock := newSenses(), new(handClock)
	start(t, f, s, func(a *Agent) { a.clock = clock.read })
	c.Await(patience(t), atLeast(1))

	network.Freeze()
	f.change(func(r *farmhoundv1.Report) { r.Software.Tools[0].Version = "2" })
	await(t, f, 3) // a delivery on the dead connection is under way
	before := time.Now()
	clock.sleep(7 * 24 * time.Hour)
	reports := c.Await(patience(t), func(reports []*farmhoundv1.Report) bool { return asleep(reports) >= 7*24*3600-60 })
	if took := time.Since(before); took > 15*time.Second {
		t.Errorf("the collector heard of it after %v", took)
	}
	for i, r := range reports {
		if r.GetSequence() != uint64(i+1) {
			t.Errorf("report %d has sequence %d: one is lost or doubled", i+1, r.GetSequence())
		}
	}
}

// asleep is how many seconds of sleep were reported.
func asleep(reports []*farmhoundv1.Report) (seconds uint32) {
	for _, r := range reports {
		for _, w := range r.GetWindows() {
			seconds += w.GetAsleepSeconds()
		}
	}
	return seconds
}

// A change of the network alone costs no connection that still has its address.
func TestRouse(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	a := &Agent{awake: make(chan struct{}, 1), road: road.New(road.Options{Steps: []string{road.Direct}}), prober: egress.New(c.Address, nil)}
	conn, err := a.road.Dial(t.Context(), c.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	changed := &farmhoundv1.Report{Network: &farmhoundv1.Network{}}
	for _, tt := range []struct {
		name   string
		slept  bool
		report *farmhoundv1.Report
		want   int
	}{
		{"nothing", false, nil, 0},
		{"another network, the same address", false, changed, 0},
		{"sleep", true, nil, 1},
	} {
		a.rouse(tt.slept, tt.report)
		if len(a.awake) != tt.want {
			t.Errorf("%s: told %d times", tt.name, len(a.awake))
		}
	}
}

func TestRoused(t *testing.T) {
	t.Parallel()
	wall := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(wallAfter, elapsed, asleep time.Duration) moment {
		return moment{wall: wall.Add(wallAfter), elapsed: elapsed, asleep: asleep}
	}
	const week = 7 * 24 * time.Hour
	for _, tt := range []struct {
		name string
		now  moment
		want bool
	}{
		{"awake", at(time.Hour, time.Hour, 0), false},
		{"a nap", at(time.Minute, time.Minute, 30*time.Second), false},
		{"sleep", at(week, week, week), true},
		{"sleep that the system does not count", at(week, 15*time.Second, 0), true},
		{"a clock that was set back", at(-week, 15*time.Second, 0), true},
		{"a clock that is nudged", at(16*time.Second, 15*time.Second, 0), false},
	} {
		if got := rousedBetween(at(0, 0, 0), tt.now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
