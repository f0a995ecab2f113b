package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/pki"
)

func TestAReplacedCAReachesLaptopsAndIsAcknowledged(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	digest := func(der []byte) []byte {
		sum := sha256.Sum256(der)
		return sum[:]
	}
	sequence := uint64(0)
	tell := func(known ...[]byte) [][]byte {
		t.Helper()
		sequence++
		batch := batchOf(sequence)
		batch.TrustedCas = known
		ack, err := l.send(batch)
		must(t, err)
		if !ack.GetPolicy().GetScanNow() {
			t.Error("the rest of the policy is gone")
		}
		return ack.GetPolicy().GetTrustAnchors()
	}
	noted := func(ca string, trusts ...[]byte) {
		t.Helper()
		var want []string
		for _, d := range trusts {
			want = append(want, hex.EncodeToString(d))
		}
		slices.Sort(want)
		identity, err := c.store.Identity(t.Context(), l.id)
		must(t, err)
		if identity.CA != ca || !cmp.Equal(want, identity.Trusts) {
			t.Errorf("noted CA %s and trust in %v, want %s and %v", identity.CA, identity.Trusts, ca, want)
		}
	}
	old := c.authority.Anchors()[0]
	if got := tell(digest(old)); got != nil {
		t.Errorf("who knows all that is to be known was told %d CAs", len(got))
	}
	noted(c.authority.CAs()[0].Pin, digest(old))

	must(t, c.authority.Rotate(time.Hour))
	both := c.authority.Anchors()
	newer := both[1]
	if diff := cmp.Diff(both, tell(digest(old))); diff != "" {
		t.Errorf("told during the rotation: %s", diff)
	}
	if got := tell(digest(newer), digest(old)); got != nil {
		t.Errorf("who acknowledged was told again")
	}
	noted(c.authority.CAs()[0].Pin, digest(old), digest(newer))
	// An agent that says nothing of what it knows could not take up anything.
	if got := tell(); got != nil {
		t.Error("an old agent was told")
	}
	must(t, l.renew(l.csr()))
	if got := tell(digest(old), digest(newer)); got != nil {
		t.Errorf("told %d CAs", len(got))
	}
	noted(c.authority.CAs()[1].Pin, digest(old), digest(newer))

	must(t, c.authority.Retire())
	l.connect()
	if diff := cmp.Diff([][]byte{newer}, tell(digest(old), digest(newer))); diff != "" {
		t.Errorf("told after the rotation: %s", diff)
	}
	if _, err := pki.Load(c.dir); err != nil {
		t.Error(err)
	}
}
