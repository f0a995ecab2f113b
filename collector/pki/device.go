package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
)

// maxRequest bounds a certificate request, in bytes; the contract's own bound.
const maxRequest = 4096

// DeviceID returns the id of the device that holds a key: the first 16 bytes of
// the SHA-256 of its SubjectPublicKeyInfo, in lower-case hexadecimal. Agents
// derive the same one.
func DeviceID(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("derive device id: %w", err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:16]), nil
}

// Identify returns the id of the device whose certificate request this is, after
// checking that the device holds the key. Errors are fit for the device's eyes.
func (a *Authority) Identify(csr []byte) (string, error) {
	key, err := requestedKey(csr)
	if err != nil {
		return "", err
	}
	return DeviceID(key)
}

// Issue signs a device's certificate request and returns the chain in DER, leaf
// first. Nothing but the key is taken from the request.
func (a *Authority) Issue(csr []byte) ([][]byte, error) {
	key, err := requestedKey(csr)
	if err != nil {
		return nil, err
	}
	id, err := DeviceID(key)
	if err != nil {
		return nil, err
	}
	by := a.cas.Load().signs()
	leaf, err := a.sign(by, &x509.Certificate{
		Subject:     pkix.Name{CommonName: id},
		URIs:        []*url.URL{{Scheme: "urn", Opaque: "farmhound:device:" + id}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key, a.DeviceLife)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate for device %s: %w", id, err)
	}
	return [][]byte{leaf, by.certificate.Raw}, nil
}

// Device returns the id of the device that a certificate of a verified connection
// is for.
func (a *Authority) Device(certificate *x509.Certificate) (string, error) {
	id, err := DeviceID(certificate.PublicKey)
	if err != nil {
		return "", err
	}
	// The id is the key's, whatever a certificate says. One that says otherwise is
	// not of this CA's making, as may be with a company's own.
	if certificate.Subject.CommonName != id {
		return "", errors.New("the certificate is not a device's: its common name is not the id of its key")
	}
	return id, nil
}

// requestedKey checks a request's form, then its key, and last the signature,
// which is the costly part.
func requestedKey(csr []byte) (*ecdsa.PublicKey, error) {
	if len(csr) > maxRequest {
		return nil, fmt.Errorf("the certificate request is %d bytes long, longer than %d", len(csr), maxRequest)
	}
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, fmt.Errorf("the certificate request cannot be read: %w", err)
	}
	key, ok := request.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("the certificate request is for a key of another kind (%s) than ECDSA P-256", request.PublicKeyAlgorithm)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, errors.New("the certificate request is not signed with its own key")
	}
	return key, nil
}
