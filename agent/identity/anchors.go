package identity

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/farmhound-security/farmhound/agent/atomicfile"
)

// anchorsFile keeps the CA certificates that the collector named.
const anchorsFile = "anchors.json"

// maxAnchors is the contract's bound on what a collector names.
const maxAnchors = 8

// anchors are CA certificates that the collector named, over a connection that was
// verified by those known before. Where the settings say which CA is right, they
// count beside those; otherwise in place of the CA stored at enrolment.
type anchors []*x509.Certificate

// keptAnchors is anchorsFile. Anchors hold only beside the settings that they came
// under: a laptop that is moved to another collector forgets the first one's.
type keptAnchors struct {
	Settings string   `json:"settings"`
	Anchors  [][]byte `json:"anchors"`
}

// settings names what the settings say about trust.
func (t *trust) settings() string {
	sum := sha256.Sum256(append(bytes.Clone(t.given), t.pin...))
	return hex.EncodeToString(sum[:])
}

// loadAnchors reads what TakeAnchors stored. What cannot be used counts as absent:
// the collector names its CAs again.
func (i *Identity) loadAnchors() {
	data, err := readBounded(filepath.Join(i.dir, anchorsFile))
	if err != nil {
		return
	}
	var kept keptAnchors
	if err := json.Unmarshal(data, &kept); err != nil || kept.Settings != i.trust.settings() {
		return
	}
	if named, err := parseAnchors(kept.Anchors); err == nil {
		i.anchors.Store(&named)
	}
}

func parseAnchors(ders [][]byte) (anchors, error) {
	if len(ders) == 0 || len(ders) > maxAnchors {
		return nil, fmt.Errorf("%d certificates", len(ders))
	}
	var named anchors
	for _, der := range ders {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		if !certificate.IsCA {
			return nil, errors.New("a certificate that is not a CA's")
		}
		named = append(named, certificate)
	}
	return named, nil
}

// TakeAnchors takes up the CA certificates (DER) by which the collector is to be
// known from now on, and reports whether they are news. They are refused where the
// collector as it was verified last is not of one of them: it could not be reached
// any more. They must come from the collector itself.
func (i *Identity) TakeAnchors(ders [][]byte) (changed bool, err error) {
	named, err := parseAnchors(ders)
	if err != nil {
		return false, fmt.Errorf("the collector named CAs that cannot be used: %w", err)
	}
	if known := i.anchors.Load(); known != nil && equalAnchors(*known, named) {
		return false, nil
	}
	shown := i.shown.Load()
	if shown == nil {
		return false, errors.New("the collector named CAs, and none was verified yet")
	}
	if err := verifyBy(*shown, named.pool()); err != nil {
		return false, fmt.Errorf("the collector named CAs of which its own certificate is not: %w", err)
	}
	data, err := json.Marshal(keptAnchors{Settings: i.trust.settings(), Anchors: ders})
	if err != nil {
		return false, fmt.Errorf("store the CAs of the collector: %w", err)
	}
	// The second is for when the settings say nothing any more.
	for path, data := range map[string][]byte{filepath.Join(i.dir, anchorsFile): data, i.trust.stored: named.pem()} {
		if err := atomicfile.Write(path, data, 0o600); err != nil {
			return false, fmt.Errorf("store the CAs of the collector: %w", err)
		}
	}
	i.anchors.Store(&named)
	return true, nil
}

// TrustedCAs returns the SHA-256 of the CA certificates (DER) by which the collector
// is known, for telling it: those it named or, before it did, those of the settings.
func (i *Identity) TrustedCAs() [][]byte {
	known := anchors(i.trust.certificates)
	if named := i.anchors.Load(); named != nil {
		known = *named
	} else if i.trust.certificates == nil && i.trust.pin != nil {
		return [][]byte{i.trust.pin}
	}
	var digests [][]byte
	for _, certificate := range known[:min(len(known), maxAnchors)] {
		sum := sha256.Sum256(certificate.Raw)
		digests = append(digests, sum[:])
	}
	return digests
}

// roots returns the CAs that a collector may be of, and the one among those it sent
// that the pin names.
func (i *Identity) roots(sent []*x509.Certificate) (pool *x509.CertPool, pinned *x509.Certificate) {
	named := i.anchors.Load()
	if named != nil {
		pool = named.pool()
	}
	if named == nil || i.trust.given != nil || i.trust.pin != nil {
		for _, certificate := range i.trust.certificates {
			pool = withRoot(pool, certificate)
		}
	}
	if i.trust.certificates == nil && i.trust.pin != nil {
		for _, certificate := range sent {
			if matches(certificate, i.trust.pin) {
				pinned, pool = certificate, withRoot(pool, certificate)
			}
		}
	}
	return pool, pinned
}

func withRoot(pool *x509.CertPool, root *x509.Certificate) *x509.CertPool {
	if pool == nil {
		pool = x509.NewCertPool()
	}
	pool.AddCert(root)
	return pool
}

func (a anchors) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, certificate := range a {
		pool.AddCert(certificate)
	}
	return pool
}

func (a anchors) pem() []byte {
	var data []byte
	for _, certificate := range a {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})...)
	}
	return data
}

func equalAnchors(a, b anchors) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range a {
		if !a[n].Equal(b[n]) {
			return false
		}
	}
	return true
}

// verifyBy verifies what a collector showed by some CAs.
func verifyBy(state tls.ConnectionState, roots *x509.CertPool) error {
	intermediates := x509.NewCertPool()
	for _, certificate := range state.PeerCertificates[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		DNSName: state.ServerName, Roots: roots, Intermediates: intermediates,
	})
	return err
}
