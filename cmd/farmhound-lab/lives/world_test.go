package lives

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/identity"
	"github.com/farmhound-security/farmhound/agent/spool"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/store"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	certificate, err := x509.ParseCertificate(der)
	must(t, err)
	return certificate
}

// site is a collector with its data folder, reached without a network.
type site struct {
	t      *testing.T
	data   string
	secret string
	ca     []byte
	log    *slog.Logger

	mu     sync.Mutex
	line   *bufconn.Listener // nil while it does not serve
	cancel context.CancelFunc
	ended  chan error
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, data: filepath.Join(t.TempDir(), "data"), log: quiet()}
	made, err := collector.Create(t.Context(), s.data, []string{"192.0.2.1"})
	must(t, err)
	s.secret, s.ca = made.Secret, made.CA
	return s
}

func (s *site) start() {
	s.t.Helper()
	config := collector.DefaultConfig()
	config.Data, config.Egress.Off = s.data, true // it listens on no network
	line := bufconn.Listen(1 << 16)
	c, err := collector.Open(s.t.Context(), collector.Options{Config: config, Listeners: []net.Listener{line}, Log: s.log})
	must(s.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	s.mu.Lock()
	s.line, s.cancel, s.ended = line, cancel, ended
	s.mu.Unlock()
	<-c.Ready()
}

func (s *site) stop() {
	s.t.Helper()
	s.mu.Lock()
	cancel, ended := s.cancel, s.ended
	s.line = nil
	s.mu.Unlock()
	cancel()
	must(s.t, <-ended)
}

// dial is an agent's way to the collector.
func (s *site) dial(ctx context.Context, _ string) (net.Conn, error) {
	s.mu.Lock()
	line := s.line
	s.mu.Unlock()
	if line == nil {
		return nil, errors.New("nobody listens")
	}
	return line.DialContext(ctx)
}

// look reads the store beside the collector.
func (s *site) look(fn func(store.Store)) {
	s.t.Helper()
	kept, err := collector.OpenStore(s.t.Context(), s.data)
	must(s.t, err)
	fn(kept)
	must(s.t, kept.Close())
}

// backup copies the store of a collector that is off.
func (s *site) backup() (restore func()) {
	s.t.Helper()
	const name = "collector.db"
	saved, err := os.ReadFile(filepath.Join(s.data, name))
	must(s.t, err)
	return func() {
		s.t.Helper()
		for _, companion := range []string{"-wal", "-shm"} {
			must(s.t, os.RemoveAll(filepath.Join(s.data, name+companion)))
		}
		must(s.t, os.WriteFile(filepath.Join(s.data, name), saved, 0o600))
	}
}

// findings returns when a device was found to be two laptops, and whether it now
// counts as such.
func (s *site) findings(device string) (told []time.Time, now bool) {
	s.t.Helper()
	return s.found(device, "identity_copied", "cloned_identity")
}

// found returns when something happened on a device, and whether a signal is
// evidence against it now.
func (s *site) found(device, event, signal string) (told []time.Time, now bool) {
	s.t.Helper()
	s.look(func(kept store.Store) {
		events, err := kept.Timeline(s.t.Context(), device, time.Time{}, 10000)
		must(s.t, err)
		for _, e := range events {
			if e.GetKind() == event {
				told = append(told, e.GetAt().AsTime())
			}
		}
		d, err := kept.Device(s.t.Context(), device)
		must(s.t, err)
		for _, e := range d.Judgement.GetAssessment().GetEvidence() {
			now = now || e.GetSignal() == signal
		}
	})
	return told, now
}

// laptop is a state folder and what runs on it: the agent's identity, spool and
// delivery, with reports that are made up.
type laptop struct {
	t    *testing.T
	site *site
	home string
	// spoolBytes bounds the spool; 0 for the default.
	spoolBytes int64
	// pace is the mean pause between reports.
	pace time.Duration
	// hold is how long reports of little worth wait for each other; 0 for a minute.
	hold time.Duration
	// silent makes no reports, and only delivers.
	silent bool
	// losses is the share of acknowledgements that never arrive.
	losses float64
	random *mathrand.Rand

	identity *identity.Identity
	// made are all reports by run, dropped those the spool gave up.
	made    map[string]uint64
	dropped uint64
	lost    int
}

func newLaptop(s *site, seed uint64) *laptop {
	s.t.Helper()
	l := &laptop{t: s.t, site: s, home: s.t.TempDir(), pace: time.Minute, random: mathrand.New(mathrand.NewPCG(seed, 1)), made: map[string]uint64{}}
	must(s.t, os.WriteFile(filepath.Join(l.home, "ca.pem"), s.ca, 0o600))
	l.open()
	config, err := l.identity.ServerTLS()
	must(s.t, err)
	connection, err := delivery.Connect("192.0.2.1:443", config, s.dial)
	must(s.t, err)
	_, err = l.identity.Enroll(s.t.Context(), farmhoundv1.NewEnrollmentServiceClient(connection), s.secret, &farmhoundv1.System{Serial: "PF-77"})
	must(s.t, errors.Join(err, connection.Close()))
	return l
}

func (l *laptop) open() {
	l.t.Helper()
	var err error
	l.identity, err = identity.Open(filepath.Join(l.home, "identity"), identity.Trust{CAFile: filepath.Join(l.home, "ca.pem")})
	must(l.t, err)
}

// copied is a second laptop with a copy of this one's state folder.
func (l *laptop) copied(seed uint64) *laptop {
	l.t.Helper()
	c := &laptop{t: l.t, site: l.site, home: l.t.TempDir(), pace: l.pace, random: mathrand.New(mathrand.NewPCG(seed, 2)), made: map[string]uint64{}}
	must(l.t, os.CopyFS(c.home, os.DirFS(l.home)))
	c.open()
	return c
}

// run is one run of the agent, for a while.
func (l *laptop) run(length time.Duration) {
	l.t.Helper()
	queue, err := spool.Open(filepath.Join(l.home, "spool"), spool.Options{MaxBytes: l.spoolBytes, Log: l.site.log})
	must(l.t, err)
	config, err := l.identity.ClientTLS()
	must(l.t, err)
	connection, err := delivery.Connect("192.0.2.1:443", config, l.site.dial)
	must(l.t, err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.t.Context()), length)
	defer cancel()
	if time.Now().After(l.identity.RenewAt(0.5)) {
		must(l.t, l.identity.Renew(ctx, farmhoundv1.NewEnrollmentServiceClient(connection), l.site.log))
		must(l.t, connection.Renew())
	}
	pauses := mathrand.New(mathrand.NewPCG(l.random.Uint64(), 3)) // l.random is the delivery's from here on
	var delivering sync.WaitGroup
	delivering.Go(func() {
		d := &delivery.Deliverer{
			Queue: queue, Collector: lossy{l, farmhoundv1.NewIngestServiceClient(connection)}, Log: l.site.log, Random: l.random.Float64,
			Hold: func() time.Duration { return max(l.hold, time.Minute) }, TrustedCAs: l.identity.TrustedCAs, Acknowledged: l.takeAnchors,
		}
		_ = d.Run(ctx) // ends with ctx
	})
	if !l.silent {
		l.report(ctx, queue, pauses)
	}
	delivering.Wait()
	l.dropped = queue.Status().Dropped
	must(l.t, errors.Join(connection.Close(), queue.Close()))
}

func (l *laptop) report(ctx context.Context, queue *spool.Spool, pauses *mathrand.Rand) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	boot := hex.EncodeToString(id[:])
	for sequence := uint64(1); ; sequence++ {
		r := &farmhoundv1.Report{
			BootId: boot, Sequence: sequence, ObservedAt: timestamppb.Now(),
			Windows: []*farmhoundv1.Window{{StartedAt: timestamppb.New(time.Now().Add(-time.Minute)), Seconds: 60}},
		}
		if sequence == 1 {
			r.System, r.Health = &farmhoundv1.System{Serial: "PF-77"}, &farmhoundv1.Health{AgentVersion: "lives"}
		}
		payload, err := proto.Marshal(r)
		if err == nil {
			_, err = queue.Append(boot, sequence, payload, worth(sequence))
		}
		if err != nil {
			l.t.Error(err)
			return
		}
		l.made[boot] = sequence
		if delivery.Pause(ctx, time.Duration(pauses.Int64N(2*int64(l.pace)))) != nil {
			return
		}
	}
}

func (l *laptop) takeAnchors(ack *farmhoundv1.ReportAck) {
	if named := ack.GetPolicy().GetTrustAnchors(); len(named) > 0 {
		if _, err := l.identity.TakeAnchors(named); err != nil {
			l.t.Error(err)
		}
	}
}

// worth of a report: the first says who it is, the others count.
func worth(sequence uint64) spool.Value {
	if sequence == 1 {
		return spool.High
	}
	return spool.Low
}

// settle delivers what is left, without losses and new reports.
func (l *laptop) settle() {
	l.t.Helper()
	l.losses, l.silent = 0, true
	l.run(20 * time.Minute)
	l.silent = false
	queue, err := spool.Open(filepath.Join(l.home, "spool"), spool.Options{Log: l.site.log})
	must(l.t, err)
	if left := queue.Status().Depth; left > 0 {
		l.t.Errorf("%d reports are left in the spool", left)
	}
	must(l.t, queue.Close())
}

// lossy loses acknowledgements on their way back.
type lossy struct {
	laptop *laptop
	delivery.Collector
}

func (c lossy) Report(ctx context.Context, batch *farmhoundv1.ReportBatch, options ...grpc.CallOption) (*farmhoundv1.ReportAck, error) {
	ack, err := c.Collector.Report(ctx, batch, options...)
	if err == nil && c.laptop.random.Float64() < c.laptop.losses {
		c.laptop.lost++
		return nil, status.Error(codes.Unavailable, "the acknowledgement was lost")
	}
	return ack, err
}
