package order

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/laptop"
	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/geo"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

var (
	days  = flag.Int("days", 9, "how long worlds live, in days")
	seeds = flag.Int("seeds", 1, "how many worlds are drawn")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const loopback = "127.0.0.1"

// arrival is one delivery at a moment.
type arrival struct {
	at time.Time
	persona.Delivery
}

// people are who lives in the worlds: some of every kind, and two households.
var people = []string{
	"home-worker", "couple", "supported", "traveller", "developer", "docked", "night-shift",
	"rmm-farm", "disguised-kvm", "mixed-farm", "single-host", "displaced", "tool-rotator",
}

// life is a world, and everything that arrives from it, in its order.
type life struct {
	world    *persona.World
	arrivals []arrival
	end      time.Time
}

func newLife(t *testing.T, seed uint64) *life {
	t.Helper()
	end := time.Date(2026, 3, 27, 18, 0, 0, 0, time.UTC)
	world, err := persona.NewWorld(persona.Options{
		Seed: seed, Days: *days, End: end, Personas: people, Size: 24, Noise: persona.Noise{Late: 0.1, Restarts: 0.5},
	})
	must(t, err)
	l := &life{world: world, end: end}
	for step := range world.Steps() {
		for _, d := range step.Deliveries {
			l.arrivals = append(l.arrivals, arrival{step.At, d})
		}
	}
	return l
}

// without returns the life with one laptop's deliveries of some days held up until the
// end of them: it was offline.
func (l *life) without(device string, from, until time.Time) *life {
	other := *l
	other.arrivals = nil
	var held []arrival
	for _, a := range l.arrivals {
		switch {
		case a.Laptop.DeviceID == device && !a.at.Before(from) && a.at.Before(until):
			held = append(held, a)
			continue
		case a.Laptop.DeviceID == device && held != nil:
			for _, h := range held {
				h.at, h.Peer = a.at, a.Peer
				other.arrivals = append(other.arrivals, h)
			}
			held = nil
		}
		other.arrivals = append(other.arrivals, a)
	}
	return &other
}

// disorder shuffles the arrivals of each day. Of one laptop they keep their order, which
// the protocol gives them: one delivery is under way at a time. Deliveries of several
// reports are cut in two, and some come again.
func (l *life) disorder(random *rand.Rand) *life {
	other := *l
	other.arrivals = nil
	for day := range slices.Chunk(byDay(l.arrivals), 1) {
		queues := map[string][]arrival{}
		var turns []string
		for _, a := range day[0] {
			for _, part := range cut(a, random) {
				queues[a.Laptop.DeviceID] = append(queues[a.Laptop.DeviceID], part)
				turns = append(turns, a.Laptop.DeviceID)
			}
		}
		random.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
		for _, id := range turns {
			next := queues[id][0]
			queues[id] = queues[id][1:]
			other.arrivals = append(other.arrivals, next)
			if random.IntN(8) == 0 {
				other.arrivals = append(other.arrivals, next)
			}
		}
	}
	return &other
}

// atOnce lets everything arrive after the end, one delivery a second: the collector was
// away all the time.
func (l *life) atOnce() *life {
	other := *l
	other.arrivals = slices.Clone(l.arrivals)
	for i := range other.arrivals {
		other.arrivals[i].at = l.end.Add(time.Duration(i+1) * time.Second)
	}
	other.end = l.end.Add(5 * time.Hour)
	return &other
}

func cut(a arrival, random *rand.Rand) []arrival {
	n := len(a.Reports)
	if n < 2 {
		return []arrival{a}
	}
	at := 1 + random.IntN(n-1)
	first, second := a, a
	first.Reports, second.Reports = a.Reports[:at], a.Reports[at:]
	return []arrival{first, second}
}

// byDay are the arrivals of each day.
func byDay(all []arrival) (days [][]arrival) {
	for _, a := range all {
		if n := len(days); n == 0 || dayOf(days[n-1][0].at) != dayOf(a.at) {
			days = append(days, nil)
		}
		days[len(days)-1] = append(days[len(days)-1], a)
	}
	return days
}

func dayOf(at time.Time) time.Time { return at.Truncate(24 * time.Hour) }

// final are assessments as JSON by device.
type final map[string]string

// replayed judges a life as farmhound-collector replay does, with its lines in the
// order of arrival.
func (l *life) replayed(t *testing.T) final {
	t.Helper()
	var lines bytes.Buffer
	e := json.NewEncoder(&lines)
	for _, a := range l.arrivals {
		for _, report := range a.Reports {
			text, err := protojson.Marshal(report)
			must(t, err)
			must(t, e.Encode(map[string]any{
				"observed_at": a.at, "device": a.Laptop.DeviceID, "serial": a.Laptop.Serial, "peer": a.Peer.String(), "report": json.RawMessage(text),
			}))
		}
	}
	config := l.files(t)
	rules, err := collector.LoadRules("")
	must(t, err)
	places, err := geo.Open(t.Context(), config.Geo, slog.New(slog.DiscardHandler))
	must(t, err)
	defer places.Close()
	roster, problems, err := collector.ReadRoster(config.Roster, collector.Knows(nil))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	replay := collector.Replay{Rooms: collector.Rooms{Rules: rules, Places: places, Roster: roster, Company: config.Company}, Until: l.end}
	all, bad, err := replay.Run(t.Context(), "life", &lines)
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	got := final{}
	for _, a := range all {
		got.add(t, a)
	}
	return got
}

// add adds an assessment. Sites are named by hashes with a secret of the collector's own,
// and are called by who is there instead.
func (f final) add(t *testing.T, a *fleetv1.Assessment) {
	t.Helper()
	if site := a.GetSite(); site != nil {
		a = proto.CloneOf(a)
		a.Site.Id = strings.Join(site.GetMembers(), " ")
	}
	text, err := collector.AssessmentJSON(a)
	must(t, err)
	f[a.GetDevice()] = string(text)
}

// files writes what a collector of the world reads.
func (l *life) files(t *testing.T) collector.Config {
	t.Helper()
	dir := t.TempDir()
	config := collector.DefaultConfig()
	config.Data, config.Roster, config.Geo = filepath.Join(dir, "data"), filepath.Join(dir, "roster.csv"), []string{filepath.Join(dir, "geo.mmdb")}
	config.Egress.Off = true
	config.Retention = collector.Retention{} // a lived month is no older than it is
	for _, p := range l.world.Offices() {
		config.Company.Offices = append(config.Company.Offices, collector.Network{Prefix: p})
	}
	for _, p := range l.world.Networks() {
		config.Company.Networks = append(config.Company.Networks, collector.Network{Prefix: p})
	}
	places, err := l.world.GeoMMDB()
	must(t, err)
	must(t, os.WriteFile(config.Roster, l.world.RosterCSV(), 0o600))
	must(t, os.WriteFile(config.Geo[0], places, 0o600))
	return config
}

// clock is the collector's.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// site is a real collector, and an analyst who asks it.
type site struct {
	clock     clock
	collector *collector.Collector
	config    collector.Config
	roots     *x509.CertPool
	fleet     fleetv1.FleetServiceClient
	token     string
	line      laptop.Line
	secret    string
	laptops   map[string]*laptop.Laptop
	stop      func()
}

// open starts a collector for a life and ends it with the test.
func (l *life) open(t *testing.T) *site {
	t.Helper()
	s := &site{config: l.files(t), roots: x509.NewCertPool(), laptops: map[string]*laptop.Laptop{}}
	created, err := collector.Create(t.Context(), s.config.Data, []string{loopback})
	must(t, err)
	s.token, s.secret = created.Token, created.Secret
	s.roots.AppendCertsFromPEM(created.CA)
	s.clock.set(l.arrivals[0].at)
	s.start(t)
	t.Cleanup(func() { s.stop() })
	return s
}

// start opens the collector on what is stored.
func (s *site) start(t *testing.T) {
	t.Helper()
	var lc net.ListenConfig
	direct, err := lc.Listen(t.Context(), "tcp", net.JoinHostPort(loopback, "0"))
	must(t, err)
	balanced, err := lc.Listen(t.Context(), "tcp", net.JoinHostPort(loopback, "0"))
	must(t, err)
	s.line = laptop.Line{Address: balanced.Addr().String(), Name: loopback, Roots: s.roots, Balanced: true}
	for _, one := range s.laptops {
		one.Line = s.line
	}
	s.collector, err = collector.Open(t.Context(), collector.Options{
		Config: s.config, Now: s.clock.now, Version: "order", Log: slog.New(slog.DiscardHandler),
		Listeners: []net.Listener{direct, api.BehindBalancers(balanced, []netip.Prefix{netip.MustParsePrefix(loopback + "/32")})},
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.collector.Run(ctx) }()
	conn, err := grpc.NewClient("passthrough:///"+direct.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: s.roots, ServerName: loopback,
	})), grpc.WithDisableServiceConfig())
	must(t, err)
	s.fleet = fleetv1.NewFleetServiceClient(conn)
	s.stop = func() {
		for _, one := range s.laptops {
			must(t, one.Close())
		}
		must(t, conn.Close())
		cancel()
		must(t, <-ended)
	}
	<-s.collector.Ready()
}

// restart ends the collector and starts it again.
func (s *site) restart(t *testing.T) {
	t.Helper()
	s.stop()
	s.start(t)
}

func (s *site) asking(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+s.token)
}

// live lets everything arrive. The collector's clock is where it was when a delivery
// arrived, so that what differs between two orders is the order alone; everybody is
// assessed at the given hours of the day once all deliveries before them have arrived.
// Every few days it starts anew.
func (s *site) live(t *testing.T, l *life, hours ...int) {
	t.Helper()
	for n, day := range byDay(l.arrivals) {
		if n%4 == 3 {
			s.restart(t)
		}
		for _, hour := range hours {
			next := dayOf(day[0].at).Add(time.Duration(hour) * time.Hour)
			if hour == 0 {
				s.sweep(t, next)
				continue
			}
			for len(day) > 0 && day[0].at.Before(next) {
				s.arrive(t, day[0])
				day = day[1:]
			}
			s.sweep(t, next)
		}
		for _, a := range day {
			s.arrive(t, a)
		}
	}
	s.sweep(t, l.end)
}

func (s *site) sweep(t *testing.T, at time.Time) {
	t.Helper()
	s.clock.set(at)
	must(t, s.collector.Sweep(t.Context()))
}

func (s *site) arrive(t *testing.T, a arrival) {
	t.Helper()
	s.clock.set(a.at)
	one := s.laptops[a.Laptop.DeviceID]
	if one == nil {
		one = &laptop.Laptop{Laptop: a.Laptop, Line: s.line}
		must(t, one.Enroll(t.Context(), a.Peer, s.secret))
		s.laptops[a.Laptop.DeviceID] = one
	}
	must(t, one.Report(t.Context(), a.Delivery))
}

// final asks the API for every assessment.
func (s *site) final(t *testing.T) final {
	t.Helper()
	got := final{}
	for id := range s.laptops {
		d, err := s.fleet.GetDevice(s.asking(t.Context()), &fleetv1.GetDeviceRequest{Device: id})
		must(t, err)
		got.add(t, d.GetAssessment())
	}
	return got
}
