package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/pki"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// received is the injected clock's time: far from the wall clock, which must not
// take its place and whose place it must not take.
var received = time.Date(2020, time.February, 3, 4, 5, 6, 0, time.UTC)

// committer keeps what it is given.
type committer struct {
	mu      sync.Mutex
	batches [][]fleet.Observation
	err     error
	panics  bool
	// entered and leave, when set, hold a call until a test lets it go.
	entered, leave chan struct{}
}

func (c *committer) Report(_ context.Context, nonce []byte, batch []fleet.Observation) (uint64, []byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entered != nil {
		close(c.entered)
		<-c.leave
	}
	if c.panics {
		panic("a committer that fails")
	}
	if c.err != nil {
		return 0, nil, c.err
	}
	c.batches = append(c.batches, batch)
	return batch[len(batch)-1].Report.GetSequence(), append([]byte("after "), nonce...), nil
}

func (c *committer) committed() [][]fleet.Observation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.batches
}

func (c *committer) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// collector is the real server on a loopback port, with the real CA and store.
type collector struct {
	address   string
	store     *sqlite.Store
	authority *pki.Authority
	dir       string
	commit    *committer
	// catalog is what agents are given; the zero value at first.
	catalog atomic.Pointer[api.SignedCatalog]
	// stop begins the server's end; done closes when it has ended.
	stop func()
	done chan struct{}
}

func start(t *testing.T, balancers ...netip.Prefix) *collector {
	t.Helper()
	return startOn(t, func(s store.Store) store.Store { return s }, balancers...)
}

// startOn starts a server that sees the store through something.
func startOn(t *testing.T, through func(store.Store) store.Store, balancers ...netip.Prefix) *collector {
	t.Helper()
	c := &collector{commit: &committer{}, dir: filepath.Join(t.TempDir(), "pki")}
	c.catalog.Store(&api.SignedCatalog{})
	var err error
	// An old CA, so that certificates that have expired can be of it.
	c.authority, err = pki.Create(c.dir, []string{"127.0.0.1"}, time.Now().Add(-90*24*time.Hour))
	must(t, err)
	c.store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	must(t, err)
	t.Cleanup(func() { must(t, c.store.Close()) })
	seen := through(c.store)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	server, err := api.NewServer(api.Config{
		TLS: c.authority.ServerTLS(), Authority: c.authority, Hash: pki.Hash, Access: seen, Commit: c.commit,
		Catalog:    func() api.SignedCatalog { return *c.catalog.Load() },
		Policy:     func() *farmhoundv1.Policy { return &farmhoundv1.Policy{ScanNow: true} },
		Fleet:      &api.Fleet{Store: seen, Now: func() time.Time { return received }, Version: "v0", Log: log},
		Neighbours: func(device string) []byte { return []byte(device)[:3] },
		Now:        func() time.Time { return received }, Log: log,
	})
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	c.stop, c.done = cancel, make(chan struct{})
	go func() {
		defer close(c.done)
		if err := api.Serve(ctx, server, api.BehindBalancers(listener, balancers)); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-c.done
	})
	return c
}

func (c *collector) secret(t *testing.T, change func(*store.Secret)) string {
	t.Helper()
	value, hash := pki.NewSecret()
	s := store.Secret{ID: "s-" + value[len(value)-6:], Hash: hash, CreatedAt: time.Now()}
	if change != nil {
		change(&s)
	}
	must(t, c.store.CreateSecret(t.Context(), s))
	return value
}

// laptop is a small agent.
type laptop struct {
	t         *testing.T
	collector *collector
	key       *ecdsa.PrivateKey
	id        string
	chain     [][]byte
	// dial replaces how the TCP connection is made.
	dial func(context.Context, string) (net.Conn, error)
	conn *grpc.ClientConn
}

func (c *collector) laptop(t *testing.T) *laptop {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	id, err := pki.DeviceID(key.Public())
	must(t, err)
	return &laptop{t: t, collector: c, key: key, id: id}
}

func (c *collector) enrolled(t *testing.T) *laptop {
	t.Helper()
	l := c.laptop(t)
	must(t, l.enroll(c.secret(t, nil)))
	return l
}

func (l *laptop) csr() []byte {
	l.t.Helper()
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "any"}}, l.key)
	must(l.t, err)
	return csr
}

// connect makes a new connection, under the certificate that the laptop has now.
func (l *laptop) connect() *grpc.ClientConn {
	l.t.Helper()
	roots := x509.NewCertPool()
	for _, der := range l.collector.authority.Anchors() {
		anchor, err := x509.ParseCertificate(der)
		must(l.t, err)
		roots.AddCert(anchor)
	}
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if l.chain != nil {
		chain := l.chain
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: chain, PrivateKey: l.key}, nil
		}
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(credentials.NewTLS(config)), grpc.WithDisableRetry()}
	if l.dial != nil {
		options = append(options, grpc.WithContextDialer(l.dial))
	}
	conn, err := grpc.NewClient("passthrough:///"+l.collector.address, options...)
	must(l.t, err)
	l.t.Cleanup(func() { _ = conn.Close() })
	l.conn = conn
	return conn
}

func (l *laptop) current() *grpc.ClientConn {
	if l.conn == nil {
		return l.connect()
	}
	return l.conn
}

func (l *laptop) enroll(secret string) error {
	l.t.Helper()
	response, err := farmhoundv1.NewEnrollmentServiceClient(l.connect()).Enroll(l.t.Context(), &farmhoundv1.EnrollRequest{
		Secret: secret, Csr: l.csr(), System: &farmhoundv1.System{Serial: "PF-1"},
	})
	if err != nil {
		return err
	}
	if !response.GetPolicy().GetScanNow() {
		l.t.Error("no policy came with the enrolment")
	}
	l.chain = response.GetCertificateChain()
	l.connect()
	return nil
}

func (l *laptop) renew(csr []byte) error {
	l.t.Helper()
	response, err := farmhoundv1.NewEnrollmentServiceClient(l.current()).Renew(l.t.Context(), &farmhoundv1.RenewRequest{Csr: csr})
	if err != nil {
		return err
	}
	l.chain = response.GetCertificateChain()
	l.connect()
	return nil
}

func (l *laptop) send(batch *farmhoundv1.ReportBatch) (*farmhoundv1.ReportAck, error) {
	l.t.Helper()
	return farmhoundv1.NewIngestServiceClient(l.current()).Report(l.t.Context(), batch, grpc.UseCompressor("gzip"))
}

func (l *laptop) report() error {
	l.t.Helper()
	_, err := l.send(batchOf(1))
	return err
}

const bootID = "0123456789abcdef0123456789abcdef"

func batchOf(sequences ...uint64) *farmhoundv1.ReportBatch {
	batch := &farmhoundv1.ReportBatch{}
	for _, s := range sequences {
		batch.Reports = append(batch.Reports, &farmhoundv1.Report{BootId: bootID, Sequence: s, ObservedAt: timestamppb.New(received)})
	}
	return batch
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that an error is a status with the code and the words.
func refused(t *testing.T, err error, code codes.Code, words string) {
	t.Helper()
	s, ok := status.FromError(err)
	if err == nil || !ok || s.Code() != code || !strings.Contains(s.Message(), words) {
		t.Errorf("got %v, want %v with %q", err, code, words)
	}
}
