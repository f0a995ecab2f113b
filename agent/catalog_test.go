package agent

import (
	"bytes"
	"crypto/ed25519"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/identity"
	"github.com/farmhound-security/farmhound/agent/settings"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// issue returns a catalogue of one entry less than the built-in one, signed.
func issue(t *testing.T, key ed25519.PrivateKey, at time.Time) (string, *farmhoundv1.CatalogResponse) {
	t.Helper()
	c := new(farmhoundv1.Catalog)
	if err := proto.Unmarshal(catalog.BuiltInBytes(), c); err != nil {
		t.Fatal(err)
	}
	c.Entries, c.IssuedAt = c.GetEntries()[1:], timestamppb.New(at)
	encoded, err := catalog.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	return catalog.Digest(encoded), &farmhoundv1.CatalogResponse{Catalog: encoded, Signature: catalog.Sign(key, encoded)}
}

func using(digest string) func([]*farmhoundv1.Report) bool {
	return func(reports []*farmhoundv1.Report) bool {
		return len(reports) > 0 && reports[len(reports)-1].GetHealth().GetCatalogDigest() == digest
	}
}

// A catalogue that the policy names is fetched, checked, used, told in health, and
// still used after a restart; an impostor's is refused, said and told.
func TestFollowsTheCatalogueOfThePolicy(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	c := fakecollector.Start(t)
	digest, answer := issue(t, key, time.Now())
	c.SetCatalog(key.Public().(ed25519.PublicKey), answer)
	c.SetPolicy(&farmhoundv1.Policy{CatalogDigest: digest})
	f, s := newSenses(), settingsFor(t, c)
	a := start(t, f, s)
	c.Await(patience(t), using(digest))
	a.stop()
	if f.known.Digest() != digest {
		t.Error("the senses go by another catalogue")
	}

	impostor := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	forged, answer := issue(t, impostor, time.Now().Add(time.Hour))
	c.SetCatalog(impostor.Public().(ed25519.PublicKey), answer)
	c.SetPolicy(&farmhoundv1.Policy{CatalogDigest: forged})
	s.EnrollSecret = settings.Secret{}
	b := start(t, f, s)
	reports := c.Await(patience(t), func(reports []*farmhoundv1.Report) bool {
		last := reports[len(reports)-1]
		f.change(func(r *farmhoundv1.Report) { r.Software.Tools[0].Version += "1" })
		return last.GetBootId() == b.bootID && len(last.GetHealth().GetSenses()) == 2
	})
	b.stop()
	health := reports[len(reports)-1].GetHealth()
	want := "catalogue failed: refused: its signature is not of the pinned key"
	if got := health.GetSenses()[1]; got.GetName()+" "+SenseWord(got.GetState())+": "+got.GetDetail() != want || health.GetCatalogDigest() != digest {
		t.Errorf("health %v", health)
	}
	status, err := ReadStatus(s.StateDir)
	if err != nil || len(status.Senses) != 2 || status.Senses[1].Detail == "" {
		t.Errorf("status %+v, %v", status, err)
	}
	if !strings.Contains(b.log.String(), "catalogue stays as it was") {
		t.Errorf("log: %s", b.log)
	}
	if f.known.Digest() != digest {
		t.Error("the senses go by another catalogue after the refusal")
	}
}

// A laptop that enrolled before its company signed catalogues pins the first key it is
// shown, and that one stays.
func TestPinsTheFirstKeyOfCatalogues(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	c := fakecollector.Start(t)
	f, s := newSenses(), settingsFor(t, c)
	a := start(t, f, s)
	c.Await(patience(t), using(catalog.BuiltIn().Digest()))
	change := func() { f.change(func(r *farmhoundv1.Report) { r.Software.Tools[0].Version += "1" }) }
	follows := func(want string) func([]*farmhoundv1.Report) bool {
		return func(reports []*farmhoundv1.Report) bool { change(); return using(want)(reports) }
	}

	digest, answer := issue(t, key, time.Now())
	answer.PublicKey = key.Public().(ed25519.PublicKey)
	c.SetCatalog(nil, answer)
	c.SetPolicy(&farmhoundv1.Policy{CatalogDigest: digest})
	c.Await(patience(t), follows(digest))

	impostor := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	forged, answer := issue(t, impostor, time.Now().Add(time.Hour))
	answer.PublicKey = impostor.Public().(ed25519.PublicKey)
	c.SetCatalog(impostor.Public().(ed25519.PublicKey), answer)
	c.SetPolicy(&farmhoundv1.Policy{CatalogDigest: forged})
	c.Await(patience(t), func(reports []*farmhoundv1.Report) bool {
		change()
		health := reports[len(reports)-1].GetHealth()
		return len(health.GetSenses()) == 2 && strings.Contains(health.GetSenses()[1].GetDetail(), "not of the pinned key")
	})
	a.stop()
	pinned, err := identity.CatalogKey(filepath.Join(s.StateDir, identityFolder))
	if err != nil || !pinned.Equal(key.Public()) {
		t.Errorf("pinned %x, %v; want the first key", pinned, err)
	}
	if !strings.Contains(a.log.String(), "the first that the collector showed") {
		t.Errorf("the log does not say that a key was pinned: %s", a.log)
	}
}
