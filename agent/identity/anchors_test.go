package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/identity"
)

// authority is a CA and a collector that shows a certificate of it.
type authority struct {
	ca, server *x509.Certificate
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	sign := func(template, by *x509.Certificate, key, public *ecdsa.PrivateKey) *x509.Certificate {
		template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		template.BasicConstraintsValid = true
		der, err := x509.CreateCertificate(rand.Reader, template, by, &public.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return certificate
	}
	var keys []*ecdsa.PrivateKey
	for range 2 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	ca := sign(template, template, keys[0], keys[0])
	return authority{ca, sign(&x509.Certificate{
		DNSNames: []string{"collector.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, keys[0], keys[1])}
}

func (a authority) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "given.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.ca.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (a authority) pin() string {
	sum := sha256.Sum256(a.ca.Raw)
	return hex.EncodeToString(sum[:])
}

// meet is a handshake with a collector.
func meet(t *testing.T, i *identity.Identity, a authority) error {
	t.Helper()
	config, err := i.ServerTLS()
	if err != nil {
		return err
	}
	return config.VerifyConnection(tls.ConnectionState{ServerName: "collector.test", PeerCertificates: []*x509.Certificate{a.server, a.ca}})
}

func ders(authorities ...authority) (out [][]byte) {
	for _, a := range authorities {
		out = append(out, a.ca.Raw)
	}
	return out
}

func TestTheCollectorNamesItsNextCA(t *testing.T) {
	t.Parallel()
	old, newer, stranger := newAuthority(t), newAuthority(t), newAuthority(t)
	for name, trust := range map[string]identity.Trust{
		"a CA file": {CAFile: old.file(t)}, "a pin": {CAPin: old.pin()}, "a CA file and a pin": {CAFile: old.file(t), CAPin: old.pin()}, "what was stored": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if trust == (identity.Trust{}) {
				data, err := os.ReadFile(old.file(t))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, "ca.pem"), data, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			i := open(t, dir, trust)
			holds := func(i *identity.Identity, when string, by ...authority) {
				t.Helper()
				for name, a := range map[string]authority{"old": old, "new": newer, "a stranger": stranger} {
					err := meet(t, i, a)
					if want := slices.Contains(by, a); (err == nil) != want || err != nil && !errors.Is(err, identity.ErrWrongCollector) {
						t.Errorf("%s: the collector of the %s CA: %v", when, name, err)
					}
				}
			}
			if _, err := i.TakeAnchors(ders(old, newer)); err == nil {
				t.Error("anchors were taken before any collector was verified")
			}
			holds(i, "at first", old)
			if err := meet(t, i, old); err != nil {
				t.Fatal(err)
			}
			if _, err := i.TakeAnchors(ders(newer)); err == nil {
				t.Error("anchors were taken by which the collector could not be reached any more")
			}
			for n, want := range []bool{true, false} {
				if changed, err := i.TakeAnchors(ders(old, newer)); err != nil || changed != want {
					t.Errorf("taken %d times: changed %v, %v", n+1, changed, err)
				}
			}
			holds(i, "during the rotation", old, newer)
			again := open(t, dir, trust)
			holds(again, "after a restart", old, newer)
			if got := again.TrustedCAs(); len(got) != 2 {
				t.Errorf("%d CAs are told", len(got))
			}

			if err := meet(t, again, newer); err != nil {
				t.Fatal(err)
			}
			if changed, err := again.TakeAnchors(ders(newer)); err != nil || !changed {
				t.Errorf("after the rotation: changed %v, %v", changed, err)
			}
			sum := sha256.Sum256(newer.ca.Raw)
			if diff := cmp.Diff([][]byte{sum[:]}, again.TrustedCAs()); diff != "" {
				t.Error(diff)
			}
			// What the settings name stays right as long as they do.
			after := []authority{newer}
			if trust != (identity.Trust{}) {
				after = append(after, old)
			}
			holds(again, "after the rotation", after...)
			holds(open(t, dir, trust), "after another restart", after...)
			holds(open(t, dir, identity.Trust{}), "without the settings", newer)
			// Who moves the laptop to another collector means it.
			holds(open(t, dir, identity.Trust{CAPin: stranger.pin()}), "with other settings", stranger)
		})
	}
}

func TestAnchorsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	dir := t.TempDir()
	i := open(t, dir, identity.Trust{CAFile: a.file(t)})
	if err := meet(t, i, a); err != nil {
		t.Fatal(err)
	}
	for name, named := range map[string][][]byte{
		"none": {}, "no certificate": {a.ca.Raw, []byte("x")}, "no CA": {a.ca.Raw, a.server.Raw}, "many": slices.Repeat(ders(a), 9),
	} {
		if changed, err := i.TakeAnchors(named); err == nil || changed {
			t.Errorf("%s: changed %v, %v", name, changed, err)
		}
	}
	// A damaged file is as good as none.
	if err := os.WriteFile(filepath.Join(dir, "anchors.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := meet(t, open(t, dir, identity.Trust{CAFile: a.file(t)}), a); err != nil {
		t.Error(err)
	}
}
