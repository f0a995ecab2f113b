// Package pki is the collector's own certificate authority: it makes the CA and
// the server's certificate, signs what enrolment lets through, and makes the
// secrets and tokens that people hand out. Who may have a certificate is decided
// elsewhere; whether a key and a request are sound is decided here.
//
// It always goes by the wall clock, also where the rest of the collector is
// given another one. It imports nothing of the collector.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync/atomic"
	"time"
)

// File names inside the CA's directory. The server's key and chain share a file,
// so that one rename replaces both.
const (
	caFile     = "ca.pem"
	caKeyFile  = "ca-key.pem"
	serverFile = "server.pem"
)

const (
	caLife     = 10 * 365 * 24 * time.Hour
	serverLife = 365 * 24 * time.Hour
	deviceLife = 30 * 24 * time.Hour
	// backdate makes a certificate valid for laptops whose clock is behind.
	backdate = 24 * time.Hour
)

// Authority issues certificates. Its exported fields are set before it is used
// and not changed afterwards; then it is safe for concurrent use.
type Authority struct {
	// DeviceLife is how long a device certificate is valid; Load sets 30 days.
	DeviceLife time.Duration
	// Now is the wall clock; Load sets time.Now.
	Now func() time.Time
	// Log is where renewals of the server's certificate are logged; Load sets a
	// logger that discards.
	Log *slog.Logger

	dir    string
	cas    atomic.Pointer[cas]
	server serverCertificate
}

// Load reads what Create made, or a CA of the company's own under the same file
// names: ca.pem (one CA certificate), ca-key.pem (its PKCS #8 key) and
// server.pem (the server's PKCS #8 key and its certificate chain). While a CA is
// replaced there is also ca-new.pem; see Rotate.
func Load(dir string) (*Authority, error) {
	a := &Authority{DeviceLife: deviceLife, Now: time.Now, Log: slog.New(slog.DiscardHandler), dir: dir}
	if err := a.reloadCAs(); err != nil {
		return nil, err
	}
	if err := a.loadServer(); err != nil {
		return nil, err
	}
	return a, nil
}

func parseKey(block *pem.Block) (crypto.Signer, error) {
	if block.Type != "PRIVATE KEY" {
		// The block's type only: its content may be a key in another form.
		return nil, fmt.Errorf("a PKCS #8 key (PRIVATE KEY) is needed, it holds %q", block.Type)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T cannot sign", parsed)
	}
	return key, nil
}

func samePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// Certificate returns the newest CA's certificate, PEM, as agents take it in ca_file.
func (a *Authority) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cas.Load().signs().certificate.Raw})
}

// Pin returns what agents take as ca_pin: the SHA-256 of that certificate
// (DER), lower-case hexadecimal.
func (a *Authority) Pin() string { return pinOf(a.cas.Load().signs().certificate) }

// sign completes the template and signs it. No certificate outlives its CA.
func (a *Authority) sign(by *ca, template *x509.Certificate, public crypto.PublicKey, life time.Duration) ([]byte, error) {
	now := a.Now()
	end := by.certificate.NotAfter
	if !now.Before(end) {
		return nil, fmt.Errorf("the CA in %s expired on %s; every laptop needs a new CA", a.dir, end.UTC().Format(time.DateOnly))
	}
	if err := complete(template, now, life); err != nil {
		return nil, err
	}
	if template.NotAfter.After(end) {
		template.NotAfter = end
	}
	return x509.CreateCertificate(rand.Reader, template, by.certificate, public, by.key)
}

func complete(template *x509.Certificate, now time.Time, life time.Duration) error {
	if life <= 0 {
		return errors.New("a certificate must be valid for some time")
	}
	serial := make([]byte, 16)
	rand.Read(serial)
	template.SerialNumber = new(big.Int).SetBytes(serial)
	template.NotBefore, template.NotAfter = now.Add(-backdate), now.Add(life)
	template.BasicConstraintsValid = true
	return nil
}

func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
