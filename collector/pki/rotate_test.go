package pki_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/pki"
)

// accepts says whether a device certificate is accepted in a handshake.
func accepts(t *testing.T, a *pki.Authority, chain [][]byte) bool {
	t.Helper()
	return a.ServerTLS().VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{parse(t, chain[0])}}) == nil
}

// finds says whether a laptop that knows one CA takes the server for the collector.
func finds(t *testing.T, a *pki.Authority, known []byte, at time.Time) bool {
	t.Helper()
	certificate, err := a.ServerTLS().GetCertificate(&tls.ClientHelloInfo{})
	must(t, err)
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(parse(t, known))
	for _, der := range certificate.Certificate[1:] {
		between.AddCert(parse(t, der))
	}
	_, err = parse(t, certificate.Certificate[0]).Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at, DNSName: "collector.example",
	})
	return err == nil
}

// sent says whether the server sends a certificate along, as laptops need that know a pin.
func sent(t *testing.T, a *pki.Authority, known []byte) bool {
	t.Helper()
	certificate, err := a.ServerTLS().GetCertificate(&tls.ClientHelloInfo{})
	must(t, err)
	for _, der := range certificate.Certificate[1:] {
		if bytes.Equal(der, known) {
			return true
		}
	}
	return false
}

func TestRotation(t *testing.T) {
	t.Parallel()
	a, dir := create(t)
	move := clock(a)
	device := request(t, deviceKey(t))
	before, err := a.Issue(device)
	must(t, err)
	old := a.Anchors()
	must(t, a.Rotate(30*day))

	after, err := a.Issue(device)
	must(t, err)
	anchors := a.Anchors()
	if len(anchors) != 2 || !bytes.Equal(anchors[0], old[0]) || a.Issuer(parse(t, before[0])) != a.CAs()[0].Pin || a.Issuer(parse(t, after[0])) != a.CAs()[1].Pin {
		t.Errorf("CAs %+v", a.CAs())
	}
	if !bytes.Equal(after[1], anchors[1]) {
		t.Error("the new certificate does not come with the new CA")
	}
	for _, tt := range []struct {
		name          string
		move          time.Duration
		byOld, byNew  bool // whether laptops that know only it find the collector
		oldStillGoes  bool
		servedByNewer bool
	}{
		{"at once", 2 * time.Minute, true, false, true, false},
		{"before the end of the overlap", 29 * day, true, false, true, false},
		{"after the overlap", 2 * day, true, true, true, true},
	} {
		move(tt.move)
		if got := finds(t, a, anchors[0], a.Now()); got != tt.byOld {
			t.Errorf("%s: who knows the old CA finds the collector: %v", tt.name, got)
		}
		if got := finds(t, a, anchors[1], a.Now()); got != tt.byNew {
			t.Errorf("%s: who knows the new CA finds the collector: %v", tt.name, got)
		}
		if !sent(t, a, anchors[0]) || sent(t, a, anchors[1]) != tt.byNew {
			t.Errorf("%s: a pin is not enough", tt.name)
		}
		if accepts(t, a, before) != tt.oldStillGoes || !accepts(t, a, after) {
			t.Errorf("%s: certificates of both CAs are not accepted", tt.name)
		}
		if all := a.CAs(); all[1].Serves != tt.servedByNewer || all[0].Serves == tt.servedByNewer || !all[1].Signs || all[0].Signs {
			t.Errorf("%s: %+v", tt.name, all)
		}
	}

	must(t, a.Retire())
	again, err := pki.Load(dir)
	must(t, err)
	again.Now = a.Now
	for _, a := range []*pki.Authority{a, again} {
		if diff := cmp.Diff(anchors[1:], a.Anchors()); diff != "" {
			t.Error(diff)
		}
		if finds(t, a, anchors[0], a.Now()) || !finds(t, a, anchors[1], a.Now()) || accepts(t, a, before) || !accepts(t, a, after) {
			t.Error("the old CA still counts, or the new one does not")
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	must(t, again.Rotate(day)) // and so on
}

func TestRetiringBeforeTheOverlapEndsSwitchesAtOnce(t *testing.T) {
	t.Parallel()
	a, _ := create(t)
	must(t, a.Rotate(30*day))
	must(t, a.Retire())
	if !finds(t, a, a.Anchors()[0], time.Now()) {
		t.Error("the server shows another certificate than of its only CA")
	}
}

// The collector that runs takes up what the command line did to its files.
func TestARunningCollectorTakesUpARotation(t *testing.T) {
	t.Parallel()
	running, dir := create(t)
	move := clock(running)
	shown(t, running)
	beside, err := pki.Load(dir)
	must(t, err)
	must(t, beside.Rotate(time.Hour))
	look := func() {
		move(2 * time.Minute)
		_, err := running.ServerTLS().GetCertificate(&tls.ClientHelloInfo{})
		must(t, err)
	}
	look()
	if diff := cmp.Diff(beside.Anchors(), running.Anchors()); diff != "" {
		t.Fatal(diff)
	}
	must(t, os.WriteFile(filepath.Join(dir, "ca-new.pem"), []byte("half a fi"), 0o600))
	look()
	if len(running.Anchors()) != 2 {
		t.Error("a damaged file ended the rotation")
	}
}

func TestARetirementThatWasInterruptedGoesOn(t *testing.T) {
	t.Parallel()
	for _, replaced := range [][]string{{"ca-key.pem"}, {"ca-key.pem", "ca.pem"}} {
		a, dir := create(t)
		must(t, a.Rotate(30*day))
		newer, err := os.ReadFile(filepath.Join(dir, "ca-new.pem"))
		must(t, err)
		other := filepath.Join(t.TempDir(), "pki")
		must(t, os.CopyFS(other, os.DirFS(dir)))
		must(t, os.Chmod(filepath.Join(other, "ca-key.pem"), 0o600))
		must(t, os.Chmod(filepath.Join(other, "ca-new.pem"), 0o600))
		must(t, os.Chmod(filepath.Join(other, "server.pem"), 0o600))
		must(t, a.Retire())
		for _, name := range replaced {
			data, err := os.ReadFile(filepath.Join(dir, name))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(other, name), data, 0o600))
		}
		halfway, err := pki.Load(other)
		must(t, err)
		if diff := cmp.Diff(a.Anchors(), halfway.Anchors()); diff != "" {
			t.Errorf("after %v: %s", replaced, diff)
		}
		if _, err := os.Stat(filepath.Join(other, "ca-new.pem")); err != nil || len(newer) == 0 {
			t.Fatal("the interruption is not one")
		}
		must(t, halfway.Retire())
		if diff := cmp.Diff(a.Anchors(), halfway.Anchors()); diff != "" {
			t.Errorf("after %v and again: %s", replaced, diff)
		}
	}
}

func TestRotationRefuses(t *testing.T) {
	t.Parallel()
	a, dir := create(t)
	if err := a.Retire(); !errors.Is(err, pki.ErrNotRotating) {
		t.Errorf("retiring the only CA: %v", err)
	}
	must(t, a.Rotate(0))
	if err := a.Rotate(0); !errors.Is(err, pki.ErrRotating) {
		t.Errorf("rotating twice: %v", err)
	}
	path := filepath.Join(dir, "ca-new.pem")
	whole, err := os.ReadFile(path)
	must(t, err)
	foreign, _ := create(t)
	for name, tt := range map[string]struct{ content, want string }{
		"nothing":     {"", "no PEM block"},
		"only a key":  {string(whole[:strings.Index(string(whole), "-----BEGIN CERT")]), "it must hold a PEM private key"},
		"no time":     {strings.Replace(string(whole), "Serve-From", "Serve-When", 1), "the PEM header Serve-From"},
		"another key": {string(whole[:strings.Index(string(whole), "-----BEGIN CERT")]) + string(foreign.Certificate()), "the key is not that"},
	} {
		must(t, os.WriteFile(path, []byte(tt.content), 0o600))
		if _, err := pki.Load(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
