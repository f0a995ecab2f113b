package pki

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// lookEvery is the least time between two looks at the server certificate's file.
const lookEvery = time.Minute

// serverCertificate is the certificate in use, and what it was read from.
type serverCertificate struct {
	mu      sync.Mutex
	current *tls.Certificate
	looked  time.Time
	changed time.Time // the file's
}

// ServerTLS returns the configuration of the collector's port: TLS 1.3 only, and
// a client certificate is verified if one is given, since enrolment and analysts
// come without.
//
// An expired device certificate passes the handshake, so that a laptop that slept
// past its end can renew. Whoever answers a call must look at the end of the
// certificate's validity; that also covers one that ends while connected.
func (a *Authority) ServerTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.serve(hello.Context()), nil
		},
		// Verified below: crypto/tls itself would refuse an expired one.
		ClientAuth:       tls.RequestClientCert,
		VerifyConnection: a.verifyClient,
		// A resumed session would stand for a certificate that was not shown.
		SessionTicketsDisabled: true,
	}
}

func (a *Authority) verifyClient(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return nil
	}
	leaf, at := state.PeerCertificates[0], a.Now()
	if at.After(leaf.NotAfter) {
		at = leaf.NotAfter
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: a.cas.Load().roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return fmt.Errorf("the client's certificate is not one of this collector's: %w", err)
	}
	_, err = a.Device(leaf)
	return err
}

// serve returns the server's certificate, after taking up a file that was
// replaced and renewing one that nears its end.
func (a *Authority) serve(ctx context.Context) *tls.Certificate {
	s := &a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	now := a.Now()
	if now.Sub(s.looked).Abs() < lookEvery {
		return s.current
	}
	s.looked = now
	if seen := a.cas.Load().seen; seen != seenCAs(a.dir) {
		a.takeUpCAs(ctx)
	}
	if info, err := os.Stat(filepath.Join(a.dir, serverFile)); err == nil && !info.ModTime().Equal(s.changed) {
		if err := a.readServer(); err != nil {
			a.Log.ErrorContext(ctx, "the server certificate changed and cannot be used; the one before stays", "error", err)
		} else {
			a.Log.InfoContext(ctx, "the server certificate changed", "valid_until", s.current.Leaf.NotAfter)
		}
	}
	if a.due(s.current.Leaf, now) {
		a.renewServer(ctx)
	}
	return s.current
}

// takeUpCAs reads CAs that another process changed: a rotation began or ended.
func (a *Authority) takeUpCAs(ctx context.Context) {
	before := a.cas.Load()
	if err := a.reloadCAs(); err != nil {
		a.Log.ErrorContext(ctx, "the CA changed and cannot be used; the one before stays", "error", err)
		// Said once; the next change is read again.
		same := *before
		same.seen = seenCAs(a.dir)
		a.cas.Store(&same)
		return
	}
	for _, known := range a.CAs() {
		a.Log.InfoContext(ctx, "the CAs changed; this one is accepted", "pin", known.Pin, "signs", known.Signs, "serves_from", known.ServesFrom)
	}
}

// due reports whether the server's certificate is to be renewed: at two thirds of
// its life, or when it is to be of another CA. One that the company's own CA issued
// is the company's to renew.
func (a *Authority) due(leaf *x509.Certificate, now time.Time) bool {
	known := a.cas.Load()
	of, to := known.of(leaf), known.servesAt(now)
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	return of != nil && (of != to || now.After(leaf.NotBefore.Add(life*2/3)) && leaf.NotAfter.Before(of.certificate.NotAfter))
}

func (a *Authority) renewServer(ctx context.Context) {
	s := &a.server
	data, err := a.issueServer(s.current.Leaf.DNSNames, s.current.Leaf.IPAddresses)
	if err != nil {
		a.Log.ErrorContext(ctx, "the server certificate cannot be renewed", "error", err, "valid_until", s.current.Leaf.NotAfter)
		return
	}
	path := filepath.Join(a.dir, serverFile)
	if err := replaceFile(path, data); err != nil {
		a.Log.ErrorContext(ctx, "the renewed server certificate cannot be stored; the next start renews again", "error", err)
	}
	renewed, err := parseServer(data)
	if err != nil {
		a.Log.ErrorContext(ctx, "the renewed server certificate cannot be used", "error", err)
		return
	}
	s.current = renewed // also if it could not be stored
	if info, err := os.Stat(path); err == nil {
		s.changed = info.ModTime()
	}
	a.Log.InfoContext(ctx, "the server certificate was renewed", "valid_until", s.current.Leaf.NotAfter)
}

// issueServer returns a new key and the chain for it, PEM. The chain holds the
// CA, for agents that know only its pin; see also cas.chain.
func (a *Authority) issueServer(dns []string, ips []net.IP) ([]byte, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	known := a.cas.Load()
	by := known.servesAt(a.Now())
	leaf, err := a.sign(by, &x509.Certificate{
		Subject:  pkix.Name{CommonName: "Farmhound collector"},
		DNSNames: dns, IPAddresses: ips,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key.Public(), serverLife)
	if err != nil {
		return nil, fmt.Errorf("issue the server certificate: %w", err)
	}
	data := bytes.NewBuffer(keyPEM)
	for _, der := range append([][]byte{leaf}, known.chain(by)...) {
		if err := pem.Encode(data, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return nil, err
		}
	}
	return data.Bytes(), nil
}

func (a *Authority) loadServer() error {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return a.readServer()
}

func (a *Authority) readServer() error {
	path := filepath.Join(a.dir, serverFile)
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read the server certificate: %w", err)
	}
	// Also when it turns out to be unusable: that is said once.
	a.server.changed = info.ModTime()
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the server certificate: %w", err)
	}
	if err := checkPrivate(path); err != nil {
		return fmt.Errorf("server certificate and key %s: %w", path, err)
	}
	certificate, err := parseServer(data)
	if err != nil {
		return fmt.Errorf("server certificate %s: %w", path, err)
	}
	a.server.current = certificate
	return nil
}

func parseServer(data []byte) (*tls.Certificate, error) {
	certificate, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil, fmt.Errorf("it must hold a PEM private key and its certificate chain, leaf first: %w", err)
	}
	if len(certificate.Leaf.DNSNames)+len(certificate.Leaf.IPAddresses) == 0 {
		return nil, errors.New("it names no DNS name and no IP address, so no agent would accept it")
	}
	return &certificate, nil
}
