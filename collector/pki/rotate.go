package pki

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

var (
	// ErrRotating is returned when a rotation is under way already.
	ErrRotating = errors.New("the CA is being replaced already")
	// ErrNotRotating is returned when there is no CA beside the one to retire.
	ErrNotRotating = errors.New("there is no other CA to go on with")
)

// CA describes a CA whose certificates are accepted.
type CA struct {
	// Pin is the SHA-256 of its certificate (DER), lower-case hexadecimal.
	Pin                 string
	NotBefore, NotAfter time.Time
	// Signs says that devices' certificates are signed by it, Serves that the server's is.
	Signs, Serves bool
	// ServesFrom is when the server's will be; zero where nothing is planned.
	ServesFrom time.Time
}

// CAs lists the CAs whose certificates are accepted, the newest last.
func (a *Authority) CAs() []CA {
	known, now := a.cas.Load(), a.Now()
	var all []CA
	for _, one := range known.all {
		all = append(all, CA{
			Pin: pinOf(one.certificate), NotBefore: one.certificate.NotBefore, NotAfter: one.certificate.NotAfter,
			Signs: one == known.signs(), Serves: one == known.servesAt(now), ServesFrom: one.serves,
		})
	}
	return all
}

// Anchors returns the certificates of the CAs by which the collector may be known
// from now on, DER, the newest last.
func (a *Authority) Anchors() [][]byte {
	var all [][]byte
	for _, one := range a.cas.Load().all {
		all = append(all, one.certificate.Raw)
	}
	return all
}

// Issuer returns the pin of the CA that issued a certificate of a verified connection.
func (a *Authority) Issuer(certificate *x509.Certificate) string {
	if one := a.cas.Load().of(certificate); one != nil {
		return pinOf(one.certificate)
	}
	return ""
}

// Rotate makes a new CA beside the present one. From then on it signs devices'
// certificates, and both are accepted; the server's certificate is of it after the
// overlap, in which laptops learn of it. One that sleeps through the overlap still
// finds the collector, as the present CA vouches for the new one, until it is retired.
func (a *Authority) Rotate(overlap time.Duration) error {
	known := a.cas.Load()
	if len(known.all) > 1 {
		return ErrRotating
	}
	if overlap < 0 {
		return errors.New("the overlap cannot be negative")
	}
	data, err := a.newCA(known.signs(), overlap)
	if err != nil {
		return fmt.Errorf("make a new CA: %w", err)
	}
	if err := replaceFile(filepath.Join(a.dir, newCAFile), data); err != nil {
		return fmt.Errorf("store the new CA: %w", err)
	}
	return a.reloadCAs()
}

// newCA returns the content of newCAFile.
func (a *Authority) newCA(before *ca, overlap time.Duration) ([]byte, error) {
	now := a.Now()
	key, data, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := caTemplate(now)
	if err != nil {
		return nil, err
	}
	own, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	data = append(data, pem.EncodeToMemory(&pem.Block{
		Type: "CERTIFICATE", Bytes: own, Headers: map[string]string{serveFrom: now.Add(overlap).UTC().Format(time.RFC3339)},
	})...)
	if before.certificate.MaxPathLenZero {
		return data, nil // it may vouch for nobody
	}
	parsed, err := x509.ParseCertificate(own)
	if err != nil {
		return nil, err
	}
	template.SubjectKeyId, template.MaxPathLen, template.MaxPathLenZero = parsed.SubjectKeyId, 0, true
	if template.NotAfter.After(before.certificate.NotAfter) {
		template.NotAfter = before.certificate.NotAfter
	}
	cross, err := x509.CreateCertificate(rand.Reader, template, before.certificate, key.Public(), before.key)
	if err != nil {
		return nil, err
	}
	return append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cross})...), nil
}

// caTemplate is a CA that may vouch for its successor, and for nobody else's.
func caTemplate(now time.Time) (*x509.Certificate, error) {
	template := &x509.Certificate{
		IsCA: true, MaxPathLen: 1,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if err := complete(template, now, caLife); err != nil {
		return nil, err
	}
	// Two CAs of one day have different names.
	serial := hex.EncodeToString(template.SerialNumber.Bytes())
	template.Subject = pkix.Name{CommonName: "Farmhound CA " + now.UTC().Format(time.DateOnly) + " " + serial[:min(6, len(serial))]}
	return template, nil
}

// Retire ends a rotation: the old CA's certificates are no longer accepted, and the
// server shows one of the new CA at once. Interrupted, it may be called again.
func (a *Authority) Retire() error {
	newer, err := readNewCA(filepath.Join(a.dir, newCAFile))
	if err != nil {
		return err
	}
	if newer == nil {
		return ErrNotRotating
	}
	key, err := x509.MarshalPKCS8PrivateKey(newer.key)
	if err != nil {
		return fmt.Errorf("encode the new CA's key: %w", err)
	}
	// The order is what readCAs understands.
	for _, file := range []struct {
		name  string
		block *pem.Block
	}{
		{caKeyFile, &pem.Block{Type: "PRIVATE KEY", Bytes: key}},
		{caFile, &pem.Block{Type: "CERTIFICATE", Bytes: newer.certificate.Raw}},
	} {
		if err := replaceFile(filepath.Join(a.dir, file.name), pem.EncodeToMemory(file.block)); err != nil {
			return fmt.Errorf("retire the old CA: %w", err)
		}
	}
	if err := os.Remove(filepath.Join(a.dir, newCAFile)); err != nil {
		return fmt.Errorf("retire the old CA: %w", err)
	}
	ours := a.cas.Load()
	if err := a.reloadCAs(); err != nil {
		return err
	}
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if leaf := a.server.current.Leaf; ours.of(leaf) != nil {
		data, err := a.issueServer(leaf.DNSNames, leaf.IPAddresses)
		if err != nil {
			return err
		}
		if err := replaceFile(filepath.Join(a.dir, serverFile), data); err != nil {
			return fmt.Errorf("store the server certificate: %w", err)
		}
		return a.readServer()
	}
	return nil
}

func (a *Authority) reloadCAs() error {
	known, err := readCAs(a.dir)
	if err != nil {
		return err
	}
	a.cas.Store(known)
	return nil
}
