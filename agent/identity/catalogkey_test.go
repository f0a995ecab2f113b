package identity_test

import (
	"bytes"
	"crypto/ed25519"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/identity"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// A renewal is one even where the key of catalogues that came with it cannot be kept.
func TestRenewalWithoutItsKeyIsOne(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	dir := filepath.Join(t.TempDir(), "identity")
	i := open(t, dir, identity.Trust{CAFile: c.CAFile})
	if err := enroll(t, i, c, fakecollector.Secret); err != nil {
		t.Fatal(err)
	}
	config, err := i.ClientTLS()
	renewals := farmhoundv1.NewEnrollmentServiceClient(client(t, c.Address, config, err))
	c.SetCatalog([]byte("half a key"), nil)
	var log bytes.Buffer
	if err := i.Renew(t.Context(), renewals, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Errorf("the renewal is said to have failed: %v", err)
	}
	if !strings.Contains(log.String(), "key that signs catalogues cannot be pinned") {
		t.Errorf("the log does not say that no key was pinned: %s", log.String())
	}
	if got, err := identity.CatalogKey(dir); got != nil || err != nil {
		t.Errorf("pinned is %x, %v", got, err)
	}
}

// A renewal brings the key of catalogues to a laptop that has none, and replaces none.
func TestRenewalPinsTheFirstKeyOnly(t *testing.T) {
	t.Parallel()
	key := func(seed byte) ed25519.PublicKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	}
	c := fakecollector.Start(t)
	dir := filepath.Join(t.TempDir(), "identity")
	i := open(t, dir, identity.Trust{CAFile: c.CAFile})
	if err := enroll(t, i, c, fakecollector.Secret); err != nil {
		t.Fatal(err)
	}
	config, err := i.ClientTLS()
	renewals := farmhoundv1.NewEnrollmentServiceClient(client(t, c.Address, config, err))
	for _, step := range []struct {
		shown, want ed25519.PublicKey
	}{{nil, nil}, {key(1), key(1)}, {key(2), key(1)}, {nil, key(1)}} {
		c.SetCatalog(step.shown, nil)
		if err := i.Renew(t.Context(), renewals, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if got, err := identity.CatalogKey(dir); err != nil || !bytes.Equal(got, step.want) {
			t.Errorf("after %x was shown %x is pinned, %v; want %x", step.shown, got, err, step.want)
		}
	}
	if pinned, err := i.PinFirstCatalogKey(key(3)[:8]); pinned || err != nil {
		t.Errorf("half a key where one is pinned: %t, %v", pinned, err)
	}
	fresh := open(t, filepath.Join(t.TempDir(), "identity"), identity.Trust{CAFile: c.CAFile})
	if pinned, err := fresh.PinFirstCatalogKey(key(3)[:8]); pinned || err == nil {
		t.Errorf("half a key was pinned: %t, %v", pinned, err)
	}
}
