package pki

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Prefixes make what is found in a log or a repository recognisable for what it is.
const (
	secretPrefix = "fh-enroll-"
	tokenPrefix  = "fh-token-"
)

// NewSecret returns a new enrolment secret, and the hash to store of it.
func NewSecret() (value string, hash []byte) { return newCredential(secretPrefix) }

// NewToken returns a new API token, and the hash to store of it.
func NewToken() (value string, hash []byte) { return newCredential(tokenPrefix) }

// Hash returns what is stored of a secret or token and by which it is looked up.
//
// It is a plain SHA-256: the value is 256 random bits, so there is nothing to
// guess that salt or a slow hash would make dearer. And since nobody can steer
// the hash of a value towards a stored one, how long a look-up by hash takes
// tells nothing about what is stored.
func Hash(value string) []byte {
	sum := sha256.Sum256([]byte(value))
	return sum[:]
}

func newCredential(prefix string) (string, []byte) {
	random := make([]byte, 32)
	rand.Read(random)
	value := prefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random))
	return value, Hash(value)
}
