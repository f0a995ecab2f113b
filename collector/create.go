package collector

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/farmhound-security/farmhound/collector/pki"
	"github.com/farmhound-security/farmhound/collector/store"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// Lives of what Create hands out.
const (
	firstSecretLife = 30 * 24 * time.Hour
	firstTokenLife  = 365 * 24 * time.Hour
)

// Created is what a new collector's owner must know; Secret and Token are kept
// nowhere in clear.
type Created struct {
	// CA is the CA's certificate, PEM, and Pin its SHA-256 in hexadecimal.
	CA  []byte
	Pin string
	// Secret enrols any number of laptops for 30 days.
	Secret string
	// Token is an admin's, valid for a year.
	Token string
}

// Create makes a CA with a server certificate for the names, a store, a first
// enrolment secret and an admin token in the data folder.
func Create(ctx context.Context, data string, names []string) (c *Created, err error) {
	ca, err := pki.Create(PKIDir(data), names, time.Now())
	if err != nil {
		return nil, err
	}
	kept, err := OpenStore(ctx, data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	c = &Created{CA: ca.Certificate(), Pin: ca.Pin()}
	if _, c.Secret, err = NewSecret(ctx, kept, "the first one", 0, firstSecretLife); err != nil {
		return nil, err
	}
	if _, c.Token, err = NewToken(ctx, kept, "admin", "admin", firstTokenLife); err != nil {
		return nil, err
	}
	return c, nil
}

// NewSecret stores an enrolment secret's hash and returns its id and value. Zero
// uses are any number, and a life of zero ends with its revocation.
func NewSecret(ctx context.Context, kept store.Access, note string, uses uint32, life time.Duration) (id, value string, err error) {
	if err := checkWords("note", note); err != nil {
		return "", "", err
	}
	if life < 0 {
		return "", "", errPast
	}
	value, hash := pki.NewSecret()
	now := time.Now()
	s := store.Secret{ID: newID(), Hash: hash, Note: note, MaxUses: uses, CreatedAt: now, ExpiresAt: end(now, life)}
	if err := kept.CreateSecret(ctx, s); err != nil {
		return "", "", fmt.Errorf("make a secret: %w", err)
	}
	return s.ID, value, Audit(ctx, kept, "secret.create", s.ID, note)
}

// NewToken stores an API token's hash and returns its id and value. A life of zero
// ends with its revocation.
func NewToken(ctx context.Context, kept store.Access, name, role string, life time.Duration) (id, value string, err error) {
	if name == "" {
		return "", "", errors.New("a token needs the name of who uses it; the audit log shows it")
	}
	if err := checkWords("name", name); err != nil {
		return "", "", err
	}
	if life < 0 {
		return "", "", errPast
	}
	value, hash := pki.NewToken()
	now := time.Now()
	t := store.Token{ID: newID(), Hash: hash, Name: name, Role: role, CreatedAt: now, ExpiresAt: end(now, life)}
	if err := kept.CreateToken(ctx, t); err != nil {
		return "", "", fmt.Errorf("make a token: %w", err)
	}
	return t.ID, value, Audit(ctx, kept, "token.create", t.ID, name+" as "+role)
}

// errPast keeps a slip of the hand from making what never expires.
var errPast = errors.New("it would have expired already; give a life of 0 for one that never does")

// maxWords bounds what people write about a secret or token, in bytes.
const maxWords = 256

// checkWords refuses what would not fit a line of a list.
func checkWords(what, text string) error {
	if len(text) > maxWords {
		return fmt.Errorf("the %s has %d bytes; at most %d are kept", what, len(text), maxWords)
	}
	if !fieldrules.Holds(farmhoundv1.CharacterClass_CHARACTER_CLASS_PRINTABLE, text) {
		return fmt.Errorf("the %s holds characters that do not print", what)
	}
	return nil
}

// Audit records what was done on the collector's own command line.
func Audit(ctx context.Context, kept store.Access, action, object, detail string) error {
	err := kept.Audit(ctx, store.AuditEntry{At: time.Now(), Actor: commandLine, Action: action, Object: object, Detail: detail})
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

func end(now time.Time, life time.Duration) time.Time {
	if life <= 0 {
		return time.Time{}
	}
	return now.Add(life)
}

// newID names a secret or token in lists; it gives access to nothing.
func newID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
