package pki

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// newCAFile holds a CA that is to take the other's place: its PKCS #8 key, its
// certificate and, where the other can vouch for it, its certificate by the other.
// The file is there from the beginning of a rotation to its end.
const newCAFile = "ca-new.pem"

// serveFrom is the PEM header of the new CA's certificate that says from when on
// the server shows a certificate of it.
const serveFrom = "Serve-From"

// ca is one CA.
type ca struct {
	certificate *x509.Certificate
	key         crypto.Signer
	// cross is the same CA as certified by the one before it, for laptops that know
	// only that one; nil where there is none.
	cross *x509.Certificate
	// serves is from when on the server's certificate is of this CA.
	serves time.Time
}

// cas are the CAs whose certificates are accepted: one, or two during a rotation,
// the new one last.
type cas struct {
	all   []*ca
	roots *x509.CertPool
	// seen is what the files were when they were read.
	seen string
}

func newCAs(all ...*ca) *cas {
	c := &cas{all: all, roots: x509.NewCertPool()}
	for _, one := range all {
		c.roots.AddCert(one.certificate)
	}
	return c
}

// signs returns the CA that signs devices' certificates.
func (c *cas) signs() *ca { return c.all[len(c.all)-1] }

// servesAt returns the CA that the server's certificate is to be of.
func (c *cas) servesAt(now time.Time) *ca {
	if newest := c.signs(); !now.Before(newest.serves) {
		return newest
	}
	return c.all[0]
}

// of returns the CA that issued a certificate; nil for another's.
func (c *cas) of(certificate *x509.Certificate) *ca {
	for _, one := range c.all {
		known, issuer := one.certificate.SubjectKeyId, certificate.AuthorityKeyId
		if bytes.Equal(one.certificate.RawSubject, certificate.RawIssuer) && (len(known) == 0 || len(issuer) == 0 || bytes.Equal(known, issuer)) {
			return one
		}
	}
	return nil
}

// chain is what follows a certificate of the CA, so that laptops can verify it that
// know a pin, or only the CA before.
func (c *cas) chain(of *ca) [][]byte {
	chain := [][]byte{of.certificate.Raw}
	if of.cross != nil && len(c.all) > 1 {
		chain = append(chain, of.cross.Raw, c.all[0].certificate.Raw)
	}
	return chain
}

// readCAs reads the CAs of a directory.
func readCAs(dir string) (*cas, error) {
	seen := seenCAs(dir) // before they are read: a later change is seen as one
	newer, err := readNewCA(filepath.Join(dir, newCAFile))
	if err != nil {
		return nil, err
	}
	key, err := readCAKey(filepath.Join(dir, caKeyFile))
	if err != nil {
		return nil, err
	}
	all := []*ca{newer}
	// Otherwise the old CA was being retired when something came between: the key is
	// the first that is replaced.
	if newer == nil || !samePublicKey(key.Public(), newer.certificate.PublicKey) {
		certificate, err := loadCA(filepath.Join(dir, caFile))
		if err != nil {
			return nil, err
		}
		if !samePublicKey(key.Public(), certificate.PublicKey) {
			return nil, fmt.Errorf("CA key %s: it is not the key of the certificate in %s", filepath.Join(dir, caKeyFile), caFile)
		}
		if all = []*ca{{certificate: certificate, key: key}}; newer != nil {
			all = append(all, newer)
		}
	}
	c := newCAs(all...)
	c.seen = seen
	return c, nil
}

// seenCAs tells whether files changed.
func seenCAs(dir string) string {
	var seen bytes.Buffer
	for _, name := range []string{caFile, caKeyFile, newCAFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			fmt.Fprintln(&seen, name, info.ModTime().UnixNano(), info.Size())
		}
	}
	return seen.String()
}

func readCAKey(path string) (crypto.Signer, error) {
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
	return key, nil
}

// readNewCA reads the CA of a rotation; nil where there is none.
func readNewCA(path string) (*ca, error) {
	blocks, err := readPEM(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = checkPrivate(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the new CA: %w", err)
	}
	newer, err := parseNewCA(blocks)
	if err != nil {
		return nil, fmt.Errorf("new CA %s: %w", path, err)
	}
	return newer, nil
}

func parseNewCA(blocks []*pem.Block) (newer *ca, err error) {
	if len(blocks) < 2 || len(blocks) > 3 {
		return nil, errors.New("it must hold a PEM private key, its CA certificate and at most the same CA certified by the one before")
	}
	newer = &ca{}
	if newer.key, err = parseKey(blocks[0]); err != nil {
		return nil, err
	}
	if newer.certificate, err = parseCA(blocks[1]); err != nil {
		return nil, err
	}
	if !samePublicKey(newer.key.Public(), newer.certificate.PublicKey) {
		return nil, errors.New("the key is not that of the certificate")
	}
	if newer.serves, err = time.Parse(time.RFC3339, blocks[1].Headers[serveFrom]); err != nil {
		return nil, fmt.Errorf("the PEM header %s of the certificate: %w", serveFrom, err)
	}
	if len(blocks) == 3 {
		if newer.cross, err = parseCA(blocks[2]); err != nil {
			return nil, err
		}
		if !samePublicKey(newer.key.Public(), newer.cross.PublicKey) {
			return nil, errors.New("its two certificates are of different keys")
		}
	}
	return newer, nil
}

func loadCA(path string) (*x509.Certificate, error) {
	blocks, err := readPEM(path)
	if err != nil {
		return nil, fmt.Errorf("read the CA certificate: %w", err)
	}
	if len(blocks) != 1 {
		return nil, fmt.Errorf("CA certificate %s: it must hold exactly one PEM certificate and nothing else", path)
	}
	certificate, err := parseCA(blocks[0])
	if err != nil {
		return nil, fmt.Errorf("CA certificate %s: %w", path, err)
	}
	return certificate, nil
}

func parseCA(block *pem.Block) (*x509.Certificate, error) {
	if block.Type != "CERTIFICATE" {
		return nil, errors.New("it must hold exactly one PEM certificate and nothing else")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	if !certificate.IsCA || certificate.KeyUsage != 0 && certificate.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, errors.New("it is not the certificate of a CA")
	}
	return certificate, nil
}

// pinOf returns the SHA-256 of a certificate (DER), lower-case hexadecimal.
func pinOf(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}
