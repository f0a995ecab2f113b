package pki_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/pki"
)

// shown returns the certificate that the server shows to the next client.
func shown(t *testing.T, a *pki.Authority) *x509.Certificate {
	t.Helper()
	certificate, err := a.ServerTLS().GetCertificate(&tls.ClientHelloInfo{})
	must(t, err)
	if len(certificate.Certificate) != 2 {
		t.Errorf("%d certificates are sent; agents that know only the pin need the CA", len(certificate.Certificate))
	}
	return parse(t, certificate.Certificate[0])
}

// clock is a wall clock that a test moves.
func clock(a *pki.Authority) (move func(time.Duration)) {
	now := time.Now()
	a.Now = func() time.Time { return now }
	return func(d time.Duration) { now = now.Add(d) }
}

func TestServerCertificateRenewsItself(t *testing.T) {
	t.Parallel()
	a, dir := create(t)
	move := clock(a)
	first := shown(t, a)
	move(240 * day)
	if !shown(t, a).Equal(first) {
		t.Error("renewed before two thirds of its life")
	}
	move(5 * day)
	second := shown(t, a)
	if second.Equal(first) || !second.NotAfter.Equal(a.Now().Add(365*day).Truncate(time.Second).UTC()) {
		t.Errorf("valid to %v, was %v", second.NotAfter, first.NotAfter)
	}
	if diff := cmp.Diff([]string{"collector.example"}, second.DNSNames); diff != "" {
		t.Error(diff)
	}
	if len(second.IPAddresses) != 2 || !second.IPAddresses[0].Equal(net.ParseIP("192.0.2.1")) || !second.IPAddresses[1].Equal(net.ParseIP("2001:db8::1")) {
		t.Errorf("addresses %v", second.IPAddresses)
	}
	if bytes.Equal(first.RawSubjectPublicKeyInfo, second.RawSubjectPublicKeyInfo) {
		t.Error("the key stayed")
	}
	again, err := pki.Load(dir)
	must(t, err)
	if !shown(t, again).Equal(second) {
		t.Error("the renewed certificate was not stored")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestServerCertificateIsRenewedInMemoryWhereItCannotBeStored(t *testing.T) {
	t.Parallel()
	a, dir := create(t)
	var said bytes.Buffer
	a.Log = slog.New(slog.NewTextHandler(&said, nil))
	move := clock(a)
	first := shown(t, a)
	must(t, os.RemoveAll(dir))
	move(300 * day)
	second := shown(t, a)
	move(time.Hour)
	if second.Equal(first) || !shown(t, a).Equal(second) {
		t.Error("not renewed once")
	}
	if strings.Count(said.String(), "cannot be stored") != 1 {
		t.Errorf("logged %s", said.String())
	}
}

func TestReplacedServerCertificateIsTakenUp(t *testing.T) {
	t.Parallel()
	a, dir := create(t)
	var said bytes.Buffer
	a.Log = slog.New(slog.NewTextHandler(&said, nil))
	move := clock(a)
	first := shown(t, a)
	_, otherDir := create(t)
	other, err := os.ReadFile(filepath.Join(otherDir, "server.pem"))
	must(t, err)
	path := filepath.Join(dir, "server.pem")
	replace := func(data []byte, at time.Time) {
		t.Helper()
		must(t, os.WriteFile(path, data, 0o600))
		must(t, os.Chtimes(path, at, at))
	}
	replace([]byte("half a fi"), time.Now().Add(time.Minute))
	move(2 * time.Minute)
	if !shown(t, a).Equal(first) || strings.Count(said.String(), "cannot be used; the one before stays") != 1 {
		t.Errorf("a damaged file changed something, or nothing was said: %s", said.String())
	}
	replace(other, time.Now().Add(2*time.Minute))
	if !shown(t, a).Equal(first) {
		t.Error("the file is looked at with every handshake")
	}
	move(2 * time.Minute)
	if shown(t, a).Equal(first) {
		t.Error("the new certificate is not shown")
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, tc := range []struct {
		prefix string
		make   func() (string, []byte)
	}{{"fh-enroll-", pki.NewSecret}, {"fh-token-", pki.NewToken}} {
		for range 100 {
			value, hash := tc.make()
			random, ok := strings.CutPrefix(value, tc.prefix)
			// 256 bits are 52 digits of base 32.
			if !ok || len(random) != 52 || strings.Trim(random, "abcdefghijklmnopqrstuvwxyz234567") != "" {
				t.Fatalf("%q", value)
			}
			if seen[value] || !bytes.Equal(hash, pki.Hash(value)) || len(hash) != 32 || bytes.Contains(hash, []byte(random)) {
				t.Fatalf("%q: repeats, or its hash %x is not", value, hash)
			}
			seen[value] = true
		}
	}
}
