// Package identity is who this laptop is to the collector: a key made on the
// device that never leaves it, the certificate the collector gave for it, and
// the CA that the collector itself must show.
//
// A device's id is derived from its public key, so that it lasts as long as the
// key: enrolling again or renewing does not change it.
// The package may import proto/ and agent/atomicfile only.
package identity

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/farmhound-security/farmhound/agent/atomicfile"
)

// File names inside the identity's directory.
const (
	keyFile         = "key.pem"
	certificateFile = "certificate.pem"
	caFile          = "ca.pem"
)

// maxFile bounds what is read of any of them.
const maxFile = 256 << 10

// Trust says which collector is the right one. With neither, the CA that was
// stored at enrolment is used.
type Trust struct {
	// CAFile is a PEM file with CA certificates.
	CAFile string
	// CAPin is the SHA-256 of the CA certificate (DER), lower-case hexadecimal. It
	// needs a collector that sends its CA along with its certificate.
	CAPin string
}

// Identity is safe for concurrent use.
type Identity struct {
	dir         string
	key         *ecdsa.PrivateKey
	deviceID    string
	trust       trust
	certificate atomic.Pointer[tls.Certificate]
	anchors     atomic.Pointer[anchors]
	// shown is what the collector showed when it was verified last.
	shown atomic.Pointer[tls.ConnectionState]
	// damage is why the certificate that Open found is not used.
	damage error
	// looking is whether nothing is to be written.
	looking bool
}

// Open reads the identity in dir, or makes a key if there is none yet.
func Open(dir string, trust Trust) (*Identity, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make identity directory: %w", err)
	}
	key, err := openKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	id, err := DeviceID(key.Public())
	if err != nil {
		return nil, err
	}
	i := &Identity{dir: dir, key: key, deviceID: id}
	if i.trust, err = openTrust(trust, filepath.Join(dir, caFile)); err != nil {
		return nil, err
	}
	i.loadAnchors()
	i.damage = i.loadCertificate()
	return i, nil
}

// Look reads the identity in dir and makes and keeps nothing. Where there is no key it
// is one that can check the collector and nothing else, and why is why: its chain has
// os.ErrNotExist where there is none yet. The error is about trust.
func Look(dir string, trust Trust) (i *Identity, why, err error) {
	i = &Identity{dir: dir, looking: true}
	if i.trust, err = openTrust(trust, filepath.Join(dir, caFile)); err != nil {
		return nil, nil, err
	}
	i.loadAnchors()
	path := filepath.Join(dir, keyFile)
	if _, err := os.Stat(path); err != nil {
		return i, fmt.Errorf("read device key: %w", err), nil
	}
	if i.key, why = openKey(path); why != nil {
		return i, why, nil
	}
	if i.deviceID, why = DeviceID(i.key.Public()); why != nil {
		return i, why, nil
	}
	i.damage = i.loadCertificate()
	return i, nil, nil
}

// Damage returns why the certificate that was stored when the identity was opened is
// not used, nil where there was none or it is. The laptop counts as not enrolled
// then, and observing need not stop for it.
func (i *Identity) Damage() error { return i.damage }

// DeviceID returns the id of the device that holds a key: the first 16 bytes of
// the SHA-256 of its SubjectPublicKeyInfo, in lower-case hexadecimal.
func DeviceID(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("derive device id: %w", err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:16]), nil
}

// DeviceID returns this device's id.
func (i *Identity) DeviceID() string { return i.deviceID }

// Enrolled reports whether the collector has given a certificate, expired or not.
func (i *Identity) Enrolled() bool { return i.certificate.Load() != nil }

// Validity returns from when to when the certificate is valid; zero times when
// there is none.
func (i *Identity) Validity() (from, to time.Time) {
	certificate := i.certificate.Load()
	if certificate == nil {
		return time.Time{}, time.Time{}
	}
	return certificate.Leaf.NotBefore, certificate.Leaf.NotAfter
}

// RenewAt returns when the certificate is to be renewed: at two thirds of its
// life, moved by up to a twelfth of it to either side so that laptops enrolled
// together do not renew together. spread is from 0 to 1.
func (i *Identity) RenewAt(spread float64) time.Time {
	from, to := i.Validity()
	life := to.Sub(from)
	return from.Add(life*2/3 + time.Duration((spread-0.5)*float64(life)/6))
}

// openKey reads the key, or makes one. A key that cannot be read is an error and
// never replaced: a new key would be a new device.
func openKey(path string) (*ecdsa.PrivateKey, error) {
	data, err := readBounded(path)
	if errors.Is(err, os.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read device key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, damagedKey(path, errors.New("no private key in it"))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, damagedKey(path, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, damagedKey(path, errors.New("not an ECDSA P-256 key"))
	}
	return key, nil
}

func damagedKey(path string, err error) error {
	return fmt.Errorf("device key %s cannot be used (%w): this laptop's identity is lost; remove %s and enrol again with a new secret, as a new device",
		path, err, filepath.Dir(path))
}

func makeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make device key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make device key: %w", err)
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := atomicfile.Write(path, data, 0o600); err != nil {
		return nil, fmt.Errorf("store device key: %w", err)
	}
	return key, nil
}

// request returns a certificate request for the device's key, in DER.
func (i *Identity) request() ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: i.deviceID},
	}, i.key)
	if err != nil {
		return nil, fmt.Errorf("make certificate request: %w", err)
	}
	return der, nil
}

// loadCertificate reads the stored chain, if there is one. A chain that cannot be
// used is an error and left out: the collector can issue another for the same key.
func (i *Identity) loadCertificate() error {
	path := filepath.Join(i.dir, certificateFile)
	data, err := readBounded(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read device certificate: %w", err)
	}
	var chain [][]byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			chain = append(chain, block.Bytes)
		}
	}
	certificate, err := i.check(chain)
	if err != nil {
		return fmt.Errorf("device certificate %s cannot be used: %w; enrol again with a new secret, the device stays the same", path, err)
	}
	i.certificate.Store(certificate)
	return nil
}

// Reload takes up a certificate that another process stored and reports whether
// there was a new one.
func (i *Identity) Reload() (bool, error) {
	before := i.certificate.Load()
	if err := i.loadCertificate(); err != nil {
		return false, err
	}
	after := i.certificate.Load()
	return after != nil && (before == nil || !bytes.Equal(before.Certificate[0], after.Certificate[0])), nil
}

// adopt checks a chain from the collector, stores it and uses it from the next
// handshake on.
func (i *Identity) adopt(chain [][]byte) error {
	certificate, err := i.check(chain)
	if err != nil {
		return fmt.Errorf("the collector sent a certificate that cannot be used: %w", err)
	}
	var data bytes.Buffer
	for _, der := range chain {
		if err := pem.Encode(&data, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return fmt.Errorf("store device certificate: %w", err)
		}
	}
	if err := atomicfile.Write(filepath.Join(i.dir, certificateFile), data.Bytes(), 0o600); err != nil {
		return fmt.Errorf("store device certificate: %w", err)
	}
	i.certificate.Store(certificate)
	return nil
}

func (i *Identity) check(chain [][]byte) (*tls.Certificate, error) {
	if len(chain) == 0 {
		return nil, errors.New("there is none")
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, err
	}
	if !i.key.PublicKey.Equal(leaf.PublicKey) {
		return nil, errors.New("it is for another key")
	}
	return &tls.Certificate{Certificate: chain, PrivateKey: i.key, Leaf: leaf}, nil
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is no regular file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}
