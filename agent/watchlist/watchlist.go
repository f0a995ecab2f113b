// Package watchlist is which catalogue the agent goes by: the one that is part of the
// program, or a newer one that the company signed.
//
// A catalogue asks questions of a laptop, so it is code. One is taken only if it has
// the digest that was asked for, a signature of the key that is pinned,
// nothing that a catalogue may not ask for, and a date that is no earlier than that of
// one used before and not more than a day ahead.
// Whatever is refused, the one in use stays in use. What is taken survives a restart,
// every change is noted, and the notes can be read by whoever may read the state.
// The package may import proto/ and agent/atomicfile only.
package watchlist

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/farmhound-security/farmhound/proto/catalog"
)

// maxAhead is how far a catalogue may be dated ahead of the agent's clock. One that was
// dated years ahead by a wrong clock would keep every later one out.
const maxAhead = 24 * time.Hour

// Refusal is why a catalogue was not taken, in fixed words without a value from it.
type Refusal struct {
	Reason string
	cause  error
}

// Error tells the reason and, where there is one, what was found.
func (r *Refusal) Error() string {
	if r.cause == nil {
		return "catalogue refused: " + r.Reason
	}
	return "catalogue refused: " + r.Reason + ": " + r.cause.Error()
}

// Unwrap returns what was found.
func (r *Refusal) Unwrap() error { return r.cause }

// List is the catalogue in use and its past. It is safe for concurrent use.
type List struct {
	dir string
	key func() (ed25519.PublicKey, error)
	log *slog.Logger

	mu      sync.Mutex
	current *catalog.Catalog
	record  record
	refused string
}

// Open returns the list kept in dir, which need not exist. A kept catalogue that
// cannot be used any more is refused and the built-in one used. key returns the key
// that was pinned, nil where there is none. Open writes nothing.
func Open(dir string, key func() (ed25519.PublicKey, error), log *slog.Logger) *List {
	l := &List{dir: dir, key: key, log: log, current: catalog.BuiltIn()}
	var err error
	if l.record, err = readRecord(dir); err != nil {
		l.refused = "what was noted of catalogues cannot be read"
		log.Error("notes of catalogues cannot be read; the built-in one is used", "error", err)
		return l
	}
	if l.record.InUse == "" {
		return l
	}
	encoded, signature, err := readSigned(dir)
	if err == nil {
		var kept *catalog.Catalog
		if kept, err = l.check(l.record.InUse, encoded, signature); err == nil {
			l.current = kept
			return l
		}
	}
	l.refused = reasonOf(err, "the kept catalogue cannot be read")
	log.Error("kept catalogue cannot be used; the built-in one is", "error", err)
	return l
}

func reasonOf(err error, otherwise string) string {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal.Reason
	}
	return otherwise
}

// Current returns the catalogue in use.
func (l *List) Current() *catalog.Catalog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// Refused returns why the catalogue that was offered last is not in use, in fixed
// words; empty when it is.
func (l *List) Refused() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// Changes returns what changed of late, oldest first.
func (l *List) Changes() []Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Change(nil), l.record.Changes...)
}

// Using reports whether the catalogue with a digest is in use. What was refused before
// is of no interest then.
func (l *List) Using(digest string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current.Digest() != digest {
		return false
	}
	l.refused = ""
	return true
}

// UseBuiltIn goes back to the catalogue that is part of the program and reports
// whether another one was in use.
func (l *List) UseBuiltIn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = ""
	if l.current == catalog.BuiltIn() && l.record.InUse == "" {
		return false
	}
	l.change(catalog.BuiltIn(), "")
	l.keep(nil, nil)
	return true
}

// Take goes over to the catalogue with a digest. Every error is a *Refusal.
func (l *List) Take(digest string, encoded, signature []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken, err := l.check(digest, encoded, signature)
	// A kept one passed this when it was taken: a clock that went back since is no
	// reason to be without it.
	if err == nil && taken.IssuedAt().After(time.Now().Add(maxAhead)) {
		err = &Refusal{"it is dated more than a day ahead", fmt.Errorf("of %s", taken.IssuedAt().Format(time.RFC3339))}
	}
	if err != nil {
		l.refused = reasonOf(err, "")
		l.log.Error("catalogue stays as it was", "named", digest, "in_use", l.current.Digest(), "cause", err)
		return err
	}
	l.refused = ""
	l.change(taken, digest)
	l.keep(encoded, signature)
	return nil
}

// check returns a catalogue that may be used.
func (l *List) check(digest string, encoded, signature []byte) (*catalog.Catalog, error) {
	key, err := l.key()
	switch {
	case err != nil:
		return nil, &Refusal{"the key that signs catalogues cannot be read", err}
	case key == nil:
		return nil, &Refusal{"no key that signs catalogues is pinned", nil}
	case len(encoded) > catalog.MaxSize:
		return nil, &Refusal{"it is too large", fmt.Errorf("%d bytes, more than %d", len(encoded), catalog.MaxSize)}
	case catalog.Digest(encoded) != digest:
		return nil, &Refusal{"it has another digest than was named", nil}
	}
	if err := catalog.Verify(key, encoded, signature); err != nil {
		return nil, &Refusal{"its signature is not of the pinned key", nil}
	}
	loaded, err := catalog.Load(encoded)
	if err != nil {
		return nil, &Refusal{"it asks for what a catalogue may not ask for, or in another form", err}
	}
	switch issued := loaded.IssuedAt(); {
	case issued.IsZero():
		return nil, &Refusal{"it has no date", nil}
	case issued.Before(l.record.Newest):
		return nil, &Refusal{"it is older than one that was used before",
			fmt.Errorf("of %s, not before %s", issued.Format(time.RFC3339), l.record.Newest.Format(time.RFC3339))}
	}
	return loaded, nil
}

// change goes over to a catalogue, notes and says so. digest is empty for the
// built-in one.
func (l *List) change(to *catalog.Catalog, digest string) {
	c := difference(l.current, to)
	c.At = time.Now().UTC().Truncate(time.Second)
	l.current, l.record.InUse = to, digest
	if to.IssuedAt().After(l.record.Newest) {
		l.record.Newest = to.IssuedAt()
	}
	l.record.add(c)
	l.log.Info("catalogue changed", "from", c.From, "to", c.To, "issued_at", to.IssuedAt(),
		"added", c.Added, "removed", c.Removed, "changed", c.Changed)
}

// keep stores the catalogue in use and the notes. Failing to costs no more than
// fetching it again after a restart.
func (l *List) keep(encoded, signature []byte) {
	if err := l.record.write(l.dir, encoded, signature); err != nil {
		l.log.Error("catalogue holds until the next start only", "error", err)
	}
}
