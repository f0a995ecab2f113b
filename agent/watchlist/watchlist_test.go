package watchlist

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var monday = time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)

// signer is whoever holds a key that signs catalogues.
type signer struct{ ed25519.PrivateKey }

func newSigner(seed byte) signer {
	return signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))}
}

func (s signer) key() (ed25519.PublicKey, error) { return s.Public().(ed25519.PublicKey), nil }

// issue returns the built-in catalogue with changes, and its signature.
func (s signer) issue(t *testing.T, at time.Time, change func(*farmhoundv1.Catalog)) (digest string, encoded, signature []byte) {
	t.Helper()
	c := new(farmhoundv1.Catalog)
	if err := proto.Unmarshal(catalog.BuiltInBytes(), c); err != nil {
		t.Fatal(err)
	}
	if !at.IsZero() {
		c.IssuedAt = timestamppb.New(at)
	}
	if change != nil {
		change(c)
	}
	encoded, err := catalog.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	return catalog.Digest(encoded), encoded, catalog.Sign(s.PrivateKey, encoded)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func withoutFirst(c *farmhoundv1.Catalog) { c.Entries = c.GetEntries()[1:] }

func TestTakenCatalogueSurvivesAndIsNoted(t *testing.T) {
	t.Parallel()
	dir, company := filepath.Join(t.TempDir(), "catalog"), newSigner(1)
	l := Open(dir, company.key, quiet())
	digest, encoded, signature := company.issue(t, monday, func(c *farmhoundv1.Catalog) {
		withoutFirst(c)
		c.Entries[0].Name += " (ours)"
	})
	if err := l.Take(digest, encoded, signature); err != nil {
		t.Fatal(err)
	}
	again := Open(dir, company.key, quiet())
	for name, l := range map[string]*List{"at once": l, "after a restart": again} {
		changes := l.Changes()
		if l.Current().Digest() != digest || l.Refused() != "" || len(changes) != 1 {
			t.Fatalf("%s: in use %s, refused %q, %d changes", name, l.Current().Digest(), l.Refused(), len(changes))
		}
		c := changes[0]
		if c.From != catalog.BuiltIn().Digest() || c.To != digest || c.Removed != 1 || c.Changed != 1 || c.Added != 0 || len(c.Named) != 2 || !c.IssuedAt.Equal(monday) {
			t.Errorf("%s: noted as %+v", name, c)
		}
	}
	if !again.UseBuiltIn() || again.UseBuiltIn() {
		t.Error("going back to the built-in one is not a change once")
	}
	last := Open(dir, company.key, quiet())
	if last.Current() != catalog.BuiltIn() || len(last.Changes()) != 2 {
		t.Error("going back does not survive")
	}
	if _, err := os.Stat(filepath.Join(dir, signedFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the catalogue that is not used is still there: %v", err)
	}
	// Going back is no way to an older one.
	digest, encoded, signature = company.issue(t, monday.Add(-time.Hour), withoutFirst)
	if err := last.Take(digest, encoded, signature); err == nil {
		t.Error("an older catalogue was taken after going back")
	}
}

// Whatever is refused, the one before stays in use, now and after a restart, and why is
// told in words of the agent's own.
func TestRefused(t *testing.T) {
	t.Parallel()
	company := newSigner(1)
	path := func(value string) func(*farmhoundv1.Catalog) {
		return func(c *farmhoundv1.Catalog) {
			c.Entries[0].Facts = append(c.Entries[0].Facts, &farmhoundv1.Fact{
				Kind: farmhoundv1.FactKind_FACT_KIND_PATH, Os: farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX,
				Value: value, Strength: farmhoundv1.Strength_STRENGTH_IDENTIFYING,
			})
		}
	}
	cases := []struct {
		name   string
		by     signer
		at     time.Time
		change func(*farmhoundv1.Catalog)
		spoil  func(digest *string, encoded, signature *[]byte)
		want   string
	}{
		{name: "another key", by: newSigner(2), at: monday, want: "its signature is not of the pinned key"},
		{name: "no signature", by: company, at: monday, spoil: func(_ *string, _, s *[]byte) { *s = nil }, want: "its signature is not of the pinned key"},
		{name: "another digest", by: company, at: monday, spoil: func(d *string, _, _ *[]byte) { *d = strings.Repeat("0", 64) }, want: "it has another digest than was named"},
		{name: "a bit of it", by: company, at: monday, spoil: func(d *string, e, _ *[]byte) {
			(*e)[len(*e)/2] ^= 1
			*d = catalog.Digest(*e)
		}, want: "its signature is not of the pinned key"},
		{name: "older", by: company, at: monday.Add(-time.Second), want: "it is older than one that was used before"},
		{name: "of a wrong clock", by: company, at: time.Now().Add(maxAhead + time.Hour), want: "it is dated more than a day ahead"},
		{name: "no date", by: company, want: "it has no date"},
		{name: "a secret of the system", by: company, at: monday, change: path("/etc/shadow"), want: "it asks for what a catalogue may not ask for, or in another form"},
		{name: "out of a program folder", by: company, at: monday, change: path("/opt/../root/.ssh/id_rsa"), want: "it asks for what a catalogue may not ask for, or in another form"},
		{name: "a home at large", by: company, at: monday, change: path("~/Documents/*"), want: "it asks for what a catalogue may not ask for, or in another form"},
		{name: "too many entries", by: company, at: monday, change: func(c *farmhoundv1.Catalog) {
			for len(c.Entries) <= 2000 {
				c.Entries = append(c.Entries, c.Entries[0])
			}
		}, want: "it asks for what a catalogue may not ask for, or in another form"},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := Open(dir, company.key, quiet())
			used, encoded, signature := company.issue(t, monday, withoutFirst)
			if err := l.Take(used, encoded, signature); err != nil {
				t.Fatal(err)
			}
			digest, encoded, signature := tt.by.issue(t, tt.at, tt.change)
			if tt.spoil != nil {
				tt.spoil(&digest, &encoded, &signature)
			}
			var refusal *Refusal
			if err := l.Take(digest, encoded, signature); !errors.As(err, &refusal) || refusal.Reason != tt.want {
				t.Errorf("error %v; want reason %q", err, tt.want)
			}
			if l.Refused() != tt.want || l.Current().Digest() != used {
				t.Errorf("refused %q, in use %s", l.Refused(), l.Current().Digest())
			}
			if again := Open(dir, company.key, quiet()); again.Current().Digest() != used {
				t.Error("after a restart another one is in use")
			}
			if !l.Using(used) || l.Refused() != "" {
				t.Error("once the one in use is named again, the refusal stands")
			}
		})
	}
}

// What lies on the disk is checked like what comes from the collector.
func TestKeptCatalogueIsCheckedAgain(t *testing.T) {
	t.Parallel()
	company := newSigner(1)
	cases := map[string]struct {
		harm func(t *testing.T, dir string)
		key  func() (ed25519.PublicKey, error)
	}{
		"bytes changed": {harm: func(t *testing.T, dir string) {
			path := filepath.Join(dir, signedFile)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		"cut":         {harm: func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, signedFile), 10) }},
		"gone":        {harm: func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, signedFile), 0) }},
		"notes cut":   {harm: func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, recordFile), 10) }},
		"another key": {key: newSigner(2).key},
		"no key":      {key: func() (ed25519.PublicKey, error) { return nil, nil }},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := Open(dir, company.key, quiet())
			digest, encoded, signature := company.issue(t, monday, withoutFirst)
			if err := l.Take(digest, encoded, signature); err != nil {
				t.Fatal(err)
			}
			if tt.harm != nil {
				tt.harm(t, dir)
			}
			key := company.key
			if tt.key != nil {
				key = tt.key
			}
			if again := Open(dir, key, quiet()); again.Current() != catalog.BuiltIn() || again.Refused() == "" {
				t.Errorf("in use %s, refused %q", again.Current().Digest(), again.Refused())
			}
		})
	}
}

func truncate(t *testing.T, path string, to int64) {
	t.Helper()
	if err := os.Truncate(path, to); err != nil {
		t.Fatal(err)
	}
}

// A date ahead by less than a day is that of another clock, and one that was taken stays
// after the own clock went back.
func TestDatesOfOtherClocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, company := t.TempDir(), newSigner(1)
		digest, encoded, signature := company.issue(t, time.Now().Add(maxAhead), withoutFirst)
		if err := Open(dir, company.key, quiet()).Take(digest, encoded, signature); err != nil {
			t.Error(err)
		}
		// A kept one is of any date.
		ahead, encoded, signature := company.issue(t, time.Now().AddDate(30, 0, 0), withoutFirst)
		kept := record{InUse: ahead}
		if err := kept.write(dir, encoded, signature); err != nil {
			t.Fatal(err)
		}
		if l := Open(dir, company.key, quiet()); l.Current().Digest() != ahead {
			t.Errorf("in use is %s, refused %q", l.Current().Digest(), l.Refused())
		}
	})
}
