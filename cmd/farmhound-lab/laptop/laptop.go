// Package laptop is a simulated laptop's side of the real API: it enrols with its own
// key and reports over mutual TLS, as an agent does.
//
// It may import proto/ and cmd/farmhound-lab/persona.
package laptop

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
	"sync/atomic"

	"github.com/pires/go-proxyproto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Line is the way to a server.
type Line struct {
	// Address is where to connect to, Name what the server's certificate says.
	Address, Name string
	Roots         *x509.CertPool
	// Balanced is whether the address takes connections of balancers: then each one
	// says from which address its laptop comes.
	Balanced bool
	// Carried counts bytes on the wire, both ways; nil where nobody asks.
	Carried *atomic.Int64
}

// Laptop is one simulated laptop. One goroutine at a time may use it.
type Laptop struct {
	*persona.Laptop
	Line Line

	certificate *tls.Certificate
	conn        *grpc.ClientConn
	peer        netip.AddrPort // of conn
	nonce       []byte
}

// Enroll gets a certificate for the laptop's key, which is seen to come from peer.
func (l *Laptop) Enroll(ctx context.Context, peer netip.AddrPort, secret string) (err error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: l.DeviceID}}, l.Key)
	if err != nil {
		return fmt.Errorf("make the certificate request of %s: %w", l.Serial, err)
	}
	conn, err := l.Dial(peer, l.Line)
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

// Enrolled is whether the laptop has a certificate.
func (l *Laptop) Enrolled() bool { return l.certificate != nil }

// Report delivers and returns once the collector has committed everything.
func (l *Laptop) Report(ctx context.Context, d persona.Delivery) error {
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
// that slept would too; those handshakes would be half of a simulation's work and show
// the collector nothing new.
func (l *Laptop) connect(peer netip.AddrPort) error {
	if l.conn != nil && (l.peer.Addr() == peer.Addr() || !l.Line.Balanced) {
		return nil
	}
	if err := l.Close(); err != nil {
		return err
	}
	conn, err := l.Dial(peer, l.Line)
	if err != nil {
		return err
	}
	l.conn, l.peer = conn, peer
	return nil
}

// Close closes the laptop's connection; it may report again.
func (l *Laptop) Close() error {
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

// Dial makes a connection of the laptop's to a server, with its certificate if it has one.
// It is opened by the first call.
func (l *Laptop) Dial(peer netip.AddrPort, to Line) (*grpc.ClientConn, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: to.Roots, ServerName: to.Name}
	if l.certificate != nil {
		config.Certificates = []tls.Certificate{*l.certificate}
	}
	conn, err := grpc.NewClient("passthrough:///"+to.Address,
		grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return to.dial(ctx, address, peer)
		}),
		grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0),
	)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", l.Serial, err)
	}
	return conn, nil
}

// dial connects and, as a balancer does, says for whom.
func (n *Line) dial(ctx context.Context, address string, peer netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if n.Balanced {
		local := netip.MustParseAddr("127.0.0.1")
		if peer.Addr().Is6() {
			local = netip.IPv6Loopback()
		}
		header := proxyproto.HeaderProxyFromAddrs(2, net.TCPAddrFromAddrPort(peer), net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 443)))
		if _, err := header.WriteTo(conn); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	if n.Carried != nil {
		return counted{conn, n.Carried}, nil
	}
	return conn, nil
}

// counted adds up what a connection carries.
type counted struct {
	net.Conn
	carried *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.carried.Add(int64(n))
	return n, err
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.carried.Add(int64(n))
	return n, err
}
