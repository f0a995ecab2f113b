package pefile

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
)

// maxCertificates bounds the chain in a signature.
const maxCertificates = 32

// oidSignedData is the content type of a PKCS #7 message that is signed.
var oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}

// signedData is the part of a PKCS #7 message that is read here.
type signedData struct {
	Version      int
	Digests      asn1.RawValue
	Content      asn1.RawValue
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	Lists        asn1.RawValue `asn1:"optional,tag:1"`
	Signers      asn1.RawValue
}

// signerID names the certificate of the first signer.
type signerID struct {
	Version int
	Name    struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
}

// signerOf returns the name in the certificate that a message was signed with, or
// nothing where it cannot be read.
func signerOf(message []byte) string {
	var outer struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
	}
	if _, err := asn1.Unmarshal(message, &outer); err != nil || !outer.Type.Equal(oidSignedData) {
		return ""
	}
	var signed signedData
	if _, err := asn1.Unmarshal(outer.Content.Bytes, &signed); err != nil {
		return ""
	}
	id, ok := firstSigner(signed.Signers.Bytes)
	if !ok {
		return ""
	}
	rest := signed.Certificates.Bytes
	for range maxCertificates {
		var raw asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &raw); err != nil {
			return ""
		}
		certificate, err := x509.ParseCertificate(raw.FullBytes)
		if err != nil {
			continue
		}
		if certificate.SerialNumber.Cmp(id.Name.Serial) == 0 && bytes.Equal(certificate.RawIssuer, id.Name.Issuer.FullBytes) {
			return nameOf(certificate)
		}
	}
	return ""
}

// firstSigner reads whose certificate signed. What follows the name in the message
// is not looked at.
func firstSigner(signers []byte) (id signerID, ok bool) {
	var one asn1.RawValue
	if _, err := asn1.Unmarshal(signers, &one); err != nil {
		return id, false
	}
	rest, err := asn1.Unmarshal(one.Bytes, &id.Version)
	if err != nil {
		return id, false
	}
	_, err = asn1.Unmarshal(rest, &id.Name)
	return id, err == nil && id.Name.Serial != nil
}

func nameOf(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return clean(c.Subject.CommonName)
	}
	for _, organisation := range c.Subject.Organization {
		return clean(organisation)
	}
	return ""
}
