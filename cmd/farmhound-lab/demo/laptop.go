package demo

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/pires/go-proxyproto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// laptop is a simulated laptop's side of the real API: it enrols with its own key
// and reports over mutual TLS. A balancer on the loopback interface tells the
// collector from which address it comes.
type laptop struct {
	*persona.Laptop

	balancer string // address to connect to
	roots    *x509.CertPool

	certificate *tls.Certificate
	conn        *grpc.ClientConn
	peer        netip.AddrPort // of conn
	nonce       []byte
}

// enroll gets a certificate for the laptop's key.
func (l *laptop) enroll(ctx context.Context, peer netip.AddrPort, secret string) (err error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: l.DeviceID}}, l.Key)
	if err != nil {
		return fmt.Errorf("make the certificate request of %s: %w", l.Serial, err)
	}
	conn, err := l.dial(peer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	answer, err := farmhoundv1.NewEnrollmentServiceClient(conn).Enroll(ctx, &farmhoundv1.EnrollRequest{Secret: secret, Csr: csr, System: l.System})
	if err != nil {
		return fmt.Errorf("enrol %s: %w", l.Serial, err)
	}
	l.certificate = &tls.Certificate{Certificate: answer.GetCertificateChain(), PrivateKey: l.Key}
	return nil
}

// report delivers and returns once the collector has committed everything.
func (l *laptop) report(ctx context.Context, d persona.Delivery, secret string) error {
	if l.certificate == nil {
		if err := l.enroll(ctx, d.Peer, secret); err != nil {
			return err
		}
	}
	if err := l.connect(d.Peer); err != nil {
		return err
	}
	batch := &farmhoundv1.ReportBatch{Reports: d.Reports, Nonce: l.nonce}
	ack, err := farmhoundv1.NewIngestServiceClient(l.conn).Report(ctx, batch, grpc.UseCompressor(gzip.Name))
	if err != nil {
		return fmt.Errorf("report of %s: %w", l.Serial, err)
	}
	if last := d.Reports[len(d.Reports)-1].GetSequence(); ack.GetSequence() != last {
		return fmt.Errorf("report of %s: %d was sent and %d acknowledged", l.Serial, last, ack.GetSequence())
	}
	l.nonce = ack.GetNextNonce()
	return nil
}

// connect makes a new connection when the laptop comes from another address. One
// that slept would too; those handshakes would be half of the demo's work and show
// the collector nothing new.
func (l *laptop) connect(peer netip.AddrPort) error {
	if l.conn != nil && l.peer.Addr() == peer.Addr() {
		return nil
	}
	if err := l.close(); err != nil {
		return err
	}
	conn, err := l.dial(peer)
	if err != nil {
		return err
	}
	l.conn, l.peer = conn, peer
	return nil
}

func (l *laptop) close() error {
	if l.conn == nil {
		return nil
	}
	conn := l.conn
	l.conn = nil
	if err := conn.Close(); err != nil {
		return fmt.Errorf("close the connection of %s: %w", l.Serial, err)
	}
	return nil
}

func (l *laptop) dial(peer netip.AddrPort) (*grpc.ClientConn, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: l.roots, ServerName: loopback}
	if l.certificate != nil {
		config.Certificates = []tls.Certificate{*l.certificate}
	}
	conn, err := grpc.NewClient("passthrough:///"+l.balancer,
		grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return dialThroughBalancer(ctx, address, peer)
		}),
		grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0),
	)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", l.Serial, err)
	}
	return conn, nil
}

// dialThroughBalancer does what a balancer does: it connects, and says for whom.
func dialThroughBalancer(ctx context.Context, address string, peer netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	local := netip.MustParseAddr(loopback)
	if peer.Addr().Is6() {
		local = netip.IPv6Loopback()
	}
	header := proxyproto.HeaderProxyFromAddrs(2, net.TCPAddrFromAddrPort(peer), net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 443)))
	if _, err := header.WriteTo(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
