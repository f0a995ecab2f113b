// Package fakecollector is a small collector for tests of the agent: a CA, mutual
// TLS on a loopback port, enrolment and ingest, with switches for what goes wrong.
// It keeps no state beyond the test.
package fakecollector

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // reports arrive compressed
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Secret is what enrols, until it is refused.
const Secret = "fh-enroll-secret"

// Collector is one running fake.
type Collector struct {
	farmhoundv1.UnimplementedIngestServiceServer
	farmhoundv1.UnimplementedEnrollmentServiceServer

	// Address is where it listens; CAFile and CAPin are what an agent trusts.
	Address, CAFile, CAPin string
	// Life is how long certificates are valid.
	Life time.Duration

	tb     testing.TB
	ca     *x509.Certificate
	key    *ecdsa.PrivateKey
	server *grpc.Server

	mu sync.Mutex
	// RefuseEnroll and RefuseReport are returned when set.
	refuseEnroll, refuseReport, refuseRenew, refuseCatalog error
	policy                                                 *farmhoundv1.Policy
	catalogKey                                             []byte
	catalog                                                *farmhoundv1.CatalogResponse
	enrolls, renewals, tries                               int
	serials                                                []string
	reports                                                []*farmhoundv1.Report
	highest                                                map[string]uint64
	changed                                                chan struct{}
}

// Start runs a collector until the test ends.
func Start(tb testing.TB) *Collector {
	tb.Helper()
	c := &Collector{tb: tb, Life: 24 * time.Hour, highest: map[string]uint64{}, changed: make(chan struct{}, 1)}
	c.ca, c.key = c.makeCA()
	c.CAFile = filepath.Join(tb.TempDir(), "ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ca.Raw})
	c.must(os.WriteFile(c.CAFile, data, 0o600))
	sum := sha256.Sum256(c.ca.Raw)
	c.CAPin = hex.EncodeToString(sum[:])
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	c.must(err)
	c.Address = listener.Addr().String()
	c.serve(listener)
	return c
}

// Restart stops the collector and starts it again on the same address.
func (c *Collector) Restart() {
	c.server.Stop()
	listener, err := new(net.ListenConfig).Listen(c.tb.Context(), "tcp", c.Address)
	c.must(err)
	c.serve(listener)
}

// Stop ends the collector; nothing answers at its address.
func (c *Collector) Stop() { c.server.Stop() }

func (c *Collector) serve(listener net.Listener) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	c.must(err)
	der := c.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "collector"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, &key.PublicKey, time.Hour)
	pool := x509.NewCertPool()
	pool.AddCert(c.ca)
	config := &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der, c.ca.Raw}, PrivateKey: key}},
		ClientAuth:   tls.VerifyClientCertIfGiven, ClientCAs: pool,
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
	farmhoundv1.RegisterIngestServiceServer(server, c)
	farmhoundv1.RegisterEnrollmentServiceServer(server, c)
	c.server = server
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	c.tb.Cleanup(func() { server.Stop(); <-done })
}

// RefuseEnroll makes enrolment answer with a status; nil allows it again.
func (c *Collector) RefuseEnroll(err error) { c.set(func() { c.refuseEnroll = err }) }

// RefuseReport makes ingest answer with a status; nil allows it again.
func (c *Collector) RefuseReport(err error) { c.set(func() { c.refuseReport = err }) }

// RefuseRenew makes renewal answer with a status; nil allows it again.
func (c *Collector) RefuseRenew(err error) { c.set(func() { c.refuseRenew = err }) }

// RefuseCatalog makes questions for a catalogue answer with a status; nil allows them again.
func (c *Collector) RefuseCatalog(err error) { c.set(func() { c.refuseCatalog = err }) }

// SetPolicy sets what comes with every acknowledgement from now on.
func (c *Collector) SetPolicy(p *farmhoundv1.Policy) { c.set(func() { c.policy = p }) }

// SetCatalog sets what Catalog answers, whatever is asked for, and the key that comes
// with enrolment and renewal.
func (c *Collector) SetCatalog(key []byte, answer *farmhoundv1.CatalogResponse) {
	c.set(func() { c.catalogKey, c.catalog = key, answer })
}

// Catalog returns what SetCatalog set.
func (c *Collector) Catalog(context.Context, *farmhoundv1.CatalogRequest) (*farmhoundv1.CatalogResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuseCatalog != nil {
		return nil, c.refuseCatalog
	}
	if c.catalog == nil {
		return nil, status.Error(codes.NotFound, "there is no such catalogue")
	}
	return c.catalog, nil
}

func (c *Collector) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// Counts returns how many enrolments and renewals were tried and how many batches arrived.
func (c *Collector) Counts() (enrolls, renewals, batches int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enrolls, c.renewals, c.tries
}

// ClientSerials returns the serial numbers of the certificates under which
// batches arrived, in order, without repeats in a row.
func (c *Collector) ClientSerials() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.serials...)
}

// Reports returns what was committed, in order.
func (c *Collector) Reports() []*farmhoundv1.Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*farmhoundv1.Report(nil), c.reports...)
}

// Await waits until enough reports were committed that pass the test.
func (c *Collector) Await(ctx context.Context, enough func([]*farmhoundv1.Report) bool) []*farmhoundv1.Report {
	c.tb.Helper()
	for {
		reports := c.Reports()
		if enough(reports) {
			return reports
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			c.tb.Fatalf("waited in vain, %d reports arrived", len(reports))
			return nil
		}
	}
}

// Enroll signs any request that carries the secret.
func (c *Collector) Enroll(_ context.Context, request *farmhoundv1.EnrollRequest) (*farmhoundv1.EnrollResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enrolls++
	if c.refuseEnroll != nil {
		return nil, c.refuseEnroll
	}
	if request.GetSecret() != Secret {
		return nil, status.Error(codes.Unauthenticated, "no such enrolment secret")
	}
	chain, err := c.issue(request.GetCsr())
	return &farmhoundv1.EnrollResponse{CertificateChain: chain, Policy: c.policy, CatalogPublicKey: c.catalogKey}, err
}

// Renew signs a request for the key of the caller.
func (c *Collector) Renew(ctx context.Context, request *farmhoundv1.RenewRequest) (*farmhoundv1.RenewResponse, error) {
	if _, err := caller(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renewals++
	if c.refuseRenew != nil {
		return nil, c.refuseRenew
	}
	chain, err := c.issue(request.GetCsr())
	return &farmhoundv1.RenewResponse{CertificateChain: chain, CatalogPublicKey: c.catalogKey}, err
}

// Report commits what is new.
func (c *Collector) Report(ctx context.Context, batch *farmhoundv1.ReportBatch) (*farmhoundv1.ReportAck, error) {
	certificate, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries++
	if serial := certificate.SerialNumber.String(); len(c.serials) == 0 || c.serials[len(c.serials)-1] != serial {
		c.serials = append(c.serials, serial)
	}
	if c.refuseReport != nil {
		return nil, c.refuseReport
	}
	ack := &farmhoundv1.ReportAck{Policy: c.policy, CollectorTime: timestamppb.Now(), NextNonce: []byte{byte(c.tries)}}
	for _, report := range batch.GetReports() {
		ack.BootId, ack.Sequence = report.GetBootId(), report.GetSequence()
		if report.GetSequence() > c.highest[report.GetBootId()] {
			c.highest[report.GetBootId()] = report.GetSequence()
			c.reports = append(c.reports, report)
		}
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return ack, nil
}

func caller(ctx context.Context) (*x509.Certificate, error) {
	from, _ := peer.FromContext(ctx)
	info, ok := from.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.PeerCertificates) == 0 {
		return nil, status.Error(codes.Unauthenticated, "no device certificate")
	}
	return info.State.PeerCertificates[0], nil
}

func (c *Collector) issue(csr []byte) ([][]byte, error) {
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := request.CheckSignature(); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	leaf := c.sign(&x509.Certificate{
		Subject: request.Subject, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, request.PublicKey, c.Life)
	return [][]byte{leaf, c.ca.Raw}, nil
}

func (c *Collector) sign(template *x509.Certificate, public any, life time.Duration) []byte {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	c.must(err)
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(life)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca, public, c.key)
	c.must(err)
	return der
}

func (c *Collector) makeCA() (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	c.must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	c.must(err)
	certificate, err := x509.ParseCertificate(der)
	c.must(err)
	return certificate, key
}

func (c *Collector) must(err error) {
	c.tb.Helper()
	if err != nil {
		c.tb.Fatal(err)
	}
}
