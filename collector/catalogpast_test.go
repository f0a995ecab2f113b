package collector

import (
	"bytes"
	"crypto/ed25519"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/proto/catalog"
)

// A collector that starts again knows what agents were shown before: an older catalogue
// of the same key is refused, one of another key is said, and both are in the audit log.
func TestACatalogueIsHeldAgainstThoseBeforeARestart(t *testing.T) {
	t.Parallel()
	kept, err := OpenStore(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	s := newShelf(t)
	other := &shelf{t, s.path, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))}
	var said bytes.Buffer
	start := func() (*Collector, error) {
		t.Helper()
		said.Reset()
		w, err := openCatalog(s.path, soon)
		if err != nil {
			t.Fatal(err)
		}
		c := &Collector{log: slog.New(slog.NewTextHandler(&said, nil)), store: kept, catalog: w, books: newBooks(kept, "", w.tools(), slog.New(slog.DiscardHandler)), policy: newPolicy(DefaultConfig().Agents)}
		return c, c.rememberCatalog(t.Context())
	}
	for _, step := range []struct {
		name    string
		by      *shelf
		days    int
		refused bool
		said    string
	}{
		{"the first", s, 0, false, ""},
		{"the same again", s, 0, false, ""},
		{"a newer one", s, 30, false, ""},
		{"an older one", s, 0, true, ""},
		{"the newer one again", s, 30, false, ""},
		{"an older one of another key", other, 10, false, "signed with another key"},
		{"an older one of the first key", s, 29, true, ""},
		{"one of the first key that is newer still", s, 31, false, "signed with another key"},
	} {
		step.by.putAll(step.by.build(monday.AddDate(0, 0, step.days), nil))
		_, err := start()
		if (err != nil) != step.refused || err != nil && !strings.Contains(err.Error(), "that agents were shown") {
			t.Errorf("%s: refused with %v, want refused %t", step.name, err, step.refused)
		}
		if (said.Len() > 0) != (step.said != "") || !strings.Contains(said.String(), step.said) {
			t.Errorf("%s: said %q", step.name, said.String())
		}
	}
	// What is taken up while it runs counts after the next start.
	s.putAll(s.build(monday.AddDate(0, 0, 32), nil))
	c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	rooms := rooms(t)
	if c.judge, err = rooms.judge(); err != nil {
		t.Fatal(err)
	}
	newest := s.build(monday.AddDate(0, 0, 33), with("our-tool"))
	s.putAll(newest)
	if c.lookAtCatalog(t.Context()); c.catalog.digest() != catalog.Digest(newest) {
		t.Fatalf("a newer one is not taken up:\n%s", said.String())
	}
	s.putAll(s.build(monday.AddDate(0, 0, 32), nil))
	if _, err := start(); err == nil {
		t.Error("what was taken up while it ran is forgotten")
	}
	log, err := kept.AuditLog(t.Context(), time.Time{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, e := range log {
		counts[e.Action]++
	}
	if counts["catalog.refuse"] != 3 || counts["catalog.key"] != 2 || counts["catalog.use"] != 1 {
		t.Errorf("the audit log has %v", counts)
	}
}

// A date of a wrong clock is refused at the start, and afterwards.
func TestADateOfAWrongClockIsRefused(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.putAll(s.build(soon().Add(maxAhead+time.Second), nil))
	if _, err := openCatalog(s.path, soon); err == nil || !strings.Contains(err.Error(), "more than a day ahead") {
		t.Errorf("at the start: %v", err)
	}
	s.putAll(s.build(soon().Add(maxAhead), nil))
	if _, err := openCatalog(s.path, soon); err != nil {
		t.Errorf("a day ahead: %v", err)
	}
}

// soon is a clock by which no date of these tests is ahead.
func soon() time.Time { return monday.AddDate(0, 0, 60) }
