package identity

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/farmhound-security/farmhound/agent/atomicfile"
)

// ErrNoTrust is returned when nothing says which collector is the right one.
var ErrNoTrust = errors.New("no CA is known for the collector: set ca_file to its CA certificate, or ca_pin to the SHA-256 of it")

// ErrWrongCollector is in the chain of every error about a collector that does
// not show the pinned CA.
var ErrWrongCollector = errors.New("the server is not the collector this laptop was set up for: its certificate is not from the pinned CA (another host answers, the CA was replaced, or a proxy inspects TLS)")

// trust is a set of CA certificates, a pin, or neither.
type trust struct {
	certificates []*x509.Certificate // nil where there is a pin only
	pin          []byte
	given        []byte // content of the CA file that was named
	stored       string // where the CA is kept

	seen *sync.Mutex
}

func openTrust(t Trust, stored string) (trust, error) {
	result := trust{stored: stored, seen: new(sync.Mutex)}
	if t.CAPin != "" {
		pin, err := hex.DecodeString(t.CAPin)
		if err != nil || len(pin) != sha256.Size {
			return trust{}, errors.New("ca_pin is not a SHA-256 in hexadecimal")
		}
		result.pin = pin
	}
	path := t.CAFile
	if path == "" && t.CAPin == "" {
		path = stored
	}
	if path == "" {
		return result, nil
	}
	data, err := readBounded(path)
	if errors.Is(err, os.ErrNotExist) && path == stored {
		return result, nil
	}
	if err != nil {
		return trust{}, fmt.Errorf("read CA of the collector: %w", err)
	}
	if result.certificates, err = parseRoots(data, result.pin); err != nil {
		return trust{}, fmt.Errorf("CA of the collector in %s: %w", path, err)
	}
	if path != stored {
		result.given = data
	}
	return result, nil
}

// parseRoots returns the CA certificates in PEM data; with a pin, only the one
// that it names.
func parseRoots(data, pin []byte) (found []*x509.Certificate, err error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if pin != nil && !matches(certificate, pin) {
			continue
		}
		found = append(found, certificate)
	}
	switch {
	case len(found) == 0 && pin != nil:
		return nil, errors.New("no certificate in it has the pinned SHA-256")
	case len(found) == 0:
		return nil, errors.New("no PEM certificate in it")
	default:
		return found, nil
	}
}

// ServerTLS returns the configuration for calls without a device certificate:
// TLS 1.3 to a collector with the pinned CA.
func (i *Identity) ServerTLS() (*tls.Config, error) {
	if i.trust.certificates == nil && i.trust.pin == nil && i.anchors.Load() == nil {
		return nil, ErrNoTrust
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// Verified below, in words that say what a failure means and, for a pin,
		// against a CA that the collector itself sends.
		InsecureSkipVerify: true,
		VerifyConnection:   i.verify,
	}, nil
}

// ClientTLS is ServerTLS with the device's certificate: whichever is in force
// when a handshake asks for it.
func (i *Identity) ClientTLS() (*tls.Config, error) {
	config, err := i.ServerTLS()
	if err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if certificate := i.certificate.Load(); certificate != nil {
			return certificate, nil
		}
		return nil, errors.New("this laptop is not enrolled")
	}
	return config, nil
}

func (i *Identity) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return ErrWrongCollector
	}
	roots, pinned := i.roots(state.PeerCertificates)
	if roots == nil {
		return fmt.Errorf("%w: no certificate it sent has the pinned SHA-256 (the collector must send its CA along)", ErrWrongCollector)
	}
	err := verifyBy(state, roots)
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: %w", ErrWrongCollector, err)
	case err != nil:
		return fmt.Errorf("the collector's certificate does not hold: %w", err)
	}
	i.shown.Store(&state)
	return i.keepCA(pinned)
}

// keepTrust stores the CA of a file that was given, so that the identity is
// whole without the file.
func (i *Identity) keepTrust() error {
	if i.trust.given == nil || i.anchors.Load() != nil {
		return nil
	}
	i.trust.seen.Lock()
	defer i.trust.seen.Unlock()
	if err := atomicfile.Write(i.trust.stored, i.trust.given, 0o600); err != nil {
		return fmt.Errorf("store CA of the collector: %w", err)
	}
	return nil
}

// keepCA stores a CA that was found by its pin, so that the identity is whole
// without the setting.
func (i *Identity) keepCA(ca *x509.Certificate) error {
	if ca == nil || i.looking || i.anchors.Load() != nil {
		return nil
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	i.trust.seen.Lock()
	defer i.trust.seen.Unlock()
	if old, err := readBounded(i.trust.stored); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := atomicfile.Write(i.trust.stored, data, 0o600); err != nil {
		return fmt.Errorf("store CA of the collector: %w", err)
	}
	return nil
}

func matches(certificate *x509.Certificate, pin []byte) bool {
	sum := sha256.Sum256(certificate.Raw)
	return subtle.ConstantTimeCompare(sum[:], pin) == 1
}
