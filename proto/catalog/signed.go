package catalog

import (
	"crypto/ed25519"
	"errors"
	"time"
)

// ErrSignature is returned for a catalogue that the pinned key did not sign.
var ErrSignature = errors.New("the signature is not of the key that was pinned at enrolment")

// Sign signs an encoded catalogue. Whoever holds the key decides what agents look for:
// it belongs nowhere near a collector.
func Sign(key ed25519.PrivateKey, encoded []byte) []byte { return ed25519.Sign(key, encoded) }

// Verify checks the signature of an encoded catalogue.
func Verify(public ed25519.PublicKey, encoded, signature []byte) error {
	if len(public) != ed25519.PublicKeySize || len(signature) != ed25519.SignatureSize || !ed25519.Verify(public, encoded, signature) {
		return ErrSignature
	}
	return nil
}

// IssuedAt returns when the catalogue was built for signing; zero for the one that is
// part of the program.
func (c *Catalog) IssuedAt() time.Time { return c.issued }
