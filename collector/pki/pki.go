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
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"path/filepath"
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
	ca     *x509.Certificate
	key    crypto.Signer
	roots  *x509.CertPool
	server serverCertificate
}

// Load reads what Create made, or a CA of the company's own under the same file
// names: ca.pem (one CA certificate), ca-key.pem (its PKCS #8 key) and
// server.pem (the server's PKCS #8 key and its certificate chain).
func Load(dir string) (*Authority, error) {
	a := &Authority{DeviceLife: deviceLife, Now: time.Now, Log: slog.New(slog.DiscardHandler), dir: dir}
	var err error
	if a.ca, err = loadCA(filepath.Join(dir, caFile)); err != nil {
		return nil, err
	}
	if a.key, err = loadCAKey(filepath.Join(dir, caKeyFile), a.ca); err != nil {
		return nil, err
	}
	a.roots = x509.NewCertPool()
	a.roots.AddCert(a.ca)
	if err := a.loadServer(); err != nil {
		return nil, err
	}
	return a, nil
}

func loadCA(path string) (*x509.Certificate, error) {
	blocks, err := readPEM(path)
	if err != nil {
		return nil, fmt.Errorf("read the CA certificate: %w", err)
	}
	if len(blocks) != 1 || blocks[0].Type != "CERTIFICATE" {
		return nil, fmt.Errorf("CA certificate %s: it must hold exactly one PEM certificate and nothing else", path)
	}
	ca, err := x509.ParseCertificate(blocks[0].Bytes)
	if err != nil {
		return nil, fmt.Errorf("CA certificate %s: %w", path, err)
	}
	if !ca.IsCA || ca.KeyUsage != 0 && ca.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, fmt.Errorf("CA certificate %s: it is not the certificate of a CA", path)
	}
	return ca, nil
}

func loadCAKey(path string, ca *x509.Certificate) (crypto.Signer, error) {
	blocks, err := readPEM(path)
	if err != nil {
		return nil, fmt.Errorf("read the CA's key: %w", err)
	}
	if len(blocks) != 1 {
		return nil, fmt.Errorf("CA key %s: it must hold exactly one PEM private key and nothing else", path)
	}
	if err := checkPrivate(path); err != nil {
		return nil, fmt.Errorf("CA key %s: %w", path, err)
	}
	key, err := parseKey(blocks[0])
	if err != nil {
		return nil, fmt.Errorf("CA key %s: %w", path, err)
	}
	if !samePublicKey(key.Public(), ca.PublicKey) {
		return nil, fmt.Errorf("CA key %s: it is not the key of the certificate in %s", path, caFile)
	}
	return key, nil
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

// Certificate returns the CA's certificate, PEM, as agents take it in ca_file.
func (a *Authority) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.ca.Raw})
}

// Pin returns what agents take as ca_pin: the SHA-256 of the CA's certificate
// (DER), lower-case hexadecimal.
func (a *Authority) Pin() string {
	sum := sha256.Sum256(a.ca.Raw)
	return hex.EncodeToString(sum[:])
}

// sign completes the template and signs it. No certificate outlives its CA.
func (a *Authority) sign(template *x509.Certificate, public crypto.PublicKey, life time.Duration) ([]byte, error) {
	now := a.Now()
	if !now.Before(a.ca.NotAfter) {
		return nil, fmt.Errorf("the CA in %s expired on %s; every laptop needs a new CA", a.dir, a.ca.NotAfter.UTC().Format(time.DateOnly))
	}
	if err := complete(template, now, life); err != nil {
		return nil, err
	}
	if template.NotAfter.After(a.ca.NotAfter) {
		template.NotAfter = a.ca.NotAfter
	}
	return x509.CreateCertificate(rand.Reader, template, a.ca, public, a.key)
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
