package collector

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// What stands beside a compiled catalogue, as farmhound-collector catalog sign writes it.
const (
	SignatureSuffix = ".sig" // the Ed25519 signature, base64
	PublicKeySuffix = ".pub" // the key that agents pin at enrolment, base64
)

// maxAhead is how far a catalogue may be dated ahead, as for agents.
const maxAhead = 24 * time.Hour

// signedCatalog is one version of the company's own catalogue.
type signedCatalog struct {
	api.SignedCatalog
	loaded *catalog.Catalog
}

// ReadCatalog reads a catalogue that the company signed, with what stands beside it.
// Without a path it is the built-in one.
func ReadCatalog(path string) (*catalog.Catalog, error) {
	if path == "" {
		return catalog.BuiltIn(), nil
	}
	s, err := readCatalog(path)
	if err != nil {
		return nil, err
	}
	return s.loaded, nil
}

// Knows returns the tools of a catalogue, nil for the built-in one.
func Knows(c *catalog.Catalog) Tools {
	own := isOwn(c)
	if c == nil {
		c = catalog.BuiltIn()
	}
	return Tools{Change: own, Has: func(id string) bool {
		_, ok := c.Entry(id)
		return ok
	}, Signs: func(signer string) (bool, string) { return signs(c, signer) }}
}

// signs says whether a catalogue has a tool that is signed by a name, else a name like it.
func signs(c *catalog.Catalog, signer string) (ok bool, like string) {
	for _, e := range c.Entries() {
		for _, f := range e.GetFacts() {
			switch {
			case f.GetKind() != farmhoundv1.FactKind_FACT_KIND_SIGNER:
			case f.GetValue() == signer:
				return true, ""
			case strings.EqualFold(f.GetValue(), strings.TrimSpace(signer)):
				like = f.GetValue()
			}
		}
	}
	return false, like
}

// readCatalog reads a catalogue with what stands beside it. One that agents would
// refuse is refused here first.
func readCatalog(path string) (_ *signedCatalog, err error) {
	s := &signedCatalog{}
	if s.Encoded, err = os.ReadFile(path); err != nil {
		return nil, fmt.Errorf("read the catalogue for agents: %w; farmhound-collector catalog build makes one", err)
	}
	if s.loaded, err = catalog.Load(s.Encoded); err != nil {
		return nil, fmt.Errorf("read the catalogue for agents %s: %w", path, err)
	}
	for _, beside := range []struct {
		suffix string
		into   *[]byte
	}{{SignatureSuffix, &s.Signature}, {PublicKeySuffix, &s.PublicKey}} {
		if *beside.into, err = readBase64(path + beside.suffix); err != nil {
			return nil, fmt.Errorf("read what belongs to the catalogue for agents: %w; farmhound-collector catalog sign makes it", err)
		}
	}
	if err := catalog.Verify(s.PublicKey, s.Encoded, s.Signature); err != nil {
		return nil, fmt.Errorf("%s is not signed with the key in %s: sign it again", path, path+PublicKeySuffix)
	}
	if s.loaded.IssuedAt().IsZero() {
		return nil, fmt.Errorf("%s: %w", path, errors.New("it has no date, without which agents refuse it: build it with farmhound-collector catalog build"))
	}
	return s, nil
}

func readBase64(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// follows says why a catalogue cannot take the place of one that agents have, nil if
// it can: they would refuse it.
func (s *signedCatalog) follows(before *signedCatalog) error {
	switch issued, newest := s.loaded.IssuedAt(), before.loaded.IssuedAt(); {
	case !bytes.Equal(s.PublicKey, before.PublicKey):
		return errors.New("it is signed with another key than the one that agents pinned: sign it with that one; " +
			"to change the key, restart the collector and enrol laptops again")
	case issued.Before(newest):
		return fmt.Errorf("it is of %s, older than the one in use, of %s: build it again", issued.Format(time.RFC3339), newest.Format(time.RFC3339))
	}
	return nil
}

// isDue refuses a catalogue that is dated more than a day ahead, as agents do: one date
// of a wrong clock would keep every later catalogue from them.
func (s *signedCatalog) isDue(now time.Time) error {
	if issued := s.loaded.IssuedAt(); issued.After(now.Add(maxAhead)) {
		return fmt.Errorf("the catalogue is dated %s, more than a day ahead: set the clock where it is built, and build it again", issued.Format(time.RFC3339))
	}
	return nil
}

// same says whether two versions are the same to agents.
func (s *signedCatalog) same(other *signedCatalog) bool {
	return bytes.Equal(s.Encoded, other.Encoded) && bytes.Equal(s.Signature, other.Signature)
}

// watchedCatalog is the catalogue that the collector goes by: the built-in one, or
// the company's own, whose files are read again when they change.
type watchedCatalog struct {
	path string // empty for the built-in one
	// now is nil for the built-in one.
	now atomic.Pointer[signedCatalog]

	// read reads the files and clock is the wall clock; others in tests.
	read  func(path string) (*signedCatalog, error)
	clock func() time.Time

	// seen are the files as they were last looked at, and doubt what was wrong with
	// them then. It is said once they stay like that: files that belong together are
	// not replaced in one moment. unread is that they could not be read, which can end
	// without a change that shows. All are for the goroutine that looks.
	seen   [3]os.FileInfo
	doubt  doubt
	unread bool

	mu sync.Mutex
	// known are the ids of every catalogue since the start.
	known map[string]bool
}

// doubt is what was wrong at the last look, and whether it was said.
type doubt struct {
	err  error
	said bool
}

// stays returns what is to be said of a doubt that another look found again.
func (d *doubt) stays() error {
	if d.said {
		return nil
	}
	d.said = true
	return d.err
}

// unreadable says whether an error is of reading a file, not of what is in it.
func unreadable(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path)
}

// openCatalog reads the catalogue at a path, empty for the built-in one. Its date is
// held against a clock.
func openCatalog(path string, clock func() time.Time) (*watchedCatalog, error) {
	w := &watchedCatalog{path: path, known: map[string]bool{}, read: readCatalog, clock: clock}
	if path != "" {
		w.seen = w.files()
		read, err := w.read(path)
		if err == nil {
			err = read.isDue(clock())
		}
		if err != nil {
			return nil, err
		}
		w.now.Store(read)
	}
	w.learn(w.loaded())
	return w, nil
}

// loaded returns the catalogue in use.
func (w *watchedCatalog) loaded() *catalog.Catalog {
	if own := w.now.Load(); own != nil {
		return own.loaded
	}
	return catalog.BuiltIn()
}

// signed returns what agents are given; the zero value is what they bring along.
func (w *watchedCatalog) signed() api.SignedCatalog {
	if own := w.now.Load(); own != nil {
		return own.SignedCatalog
	}
	return api.SignedCatalog{}
}

// digest names the catalogue in policies; empty for the built-in one.
func (w *watchedCatalog) digest() string {
	if own := w.now.Load(); own != nil {
		return own.loaded.Digest()
	}
	return ""
}

// knows says whether an id is in the catalogue in use or was in one before it: what a
// roster names does not turn into a mistake under its owner's hands.
func (w *watchedCatalog) knows(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known[id]
}

// tools returns the tools of the catalogue in use and of those before it.
func (w *watchedCatalog) tools() Tools {
	return Tools{Has: w.knows, Change: w.path != "", Signs: func(signer string) (bool, string) { return signs(w.loaded(), signer) }}
}

func (w *watchedCatalog) learn(c *catalog.Catalog) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range c.Entries() {
		w.known[e.GetId()] = true
	}
}

// look reads the files if they changed since they were last read, and reports
// whether another version is in use now. On an error the one before stays in use.
func (w *watchedCatalog) look() (changed bool, err error) {
	if w.path == "" {
		return false, nil
	}
	seen := w.files()
	same := sameFiles(seen, w.seen)
	if same && !w.unread {
		return false, w.doubt.stays()
	}
	w.seen = seen
	before := w.now.Load()
	read, err := w.read(w.path)
	w.unread = unreadable(err)
	if err == nil {
		err = read.isDue(w.clock())
	}
	if err == nil {
		err = read.follows(before)
	}
	if err == nil && !read.same(before) {
		// Only here: what laptops have already must not keep a newer collector, which
		// knows more ordinary names, from starting.
		if err = source.LintFacts(read.loaded); err != nil {
			err = fmt.Errorf("%s: %w; build it again", w.path, err)
		}
	}
	if same && w.unread && w.doubt.err != nil && err.Error() == w.doubt.err.Error() {
		return false, w.doubt.stays()
	}
	w.doubt = doubt{err: err} // said when it is still there at the next look
	if err != nil || read.same(before) {
		return false, nil //nolint:nilerr // kept in doubt
	}
	w.now.Store(read)
	w.learn(read.loaded)
	return true, nil
}

// files returns what stands at the paths, nil where there is nothing.
func (w *watchedCatalog) files() (all [3]os.FileInfo) {
	for i, suffix := range []string{"", SignatureSuffix, PublicKeySuffix} {
		if info, err := os.Stat(w.path + suffix); err == nil {
			all[i] = info
		}
	}
	return all
}

func sameFiles(a, b [3]os.FileInfo) bool {
	for i := range a {
		if !sameFile(a[i], b[i]) {
			return false
		}
	}
	return true
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
