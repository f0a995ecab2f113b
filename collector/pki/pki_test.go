package pki_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/pki"
)

const day = 24 * time.Hour

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func create(tb testing.TB) (*pki.Authority, string) {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "pki")
	a, err := pki.Create(dir, []string{"Collector.example", "192.0.2.1", "2001:db8::1"}, time.Now())
	must(tb, err)
	return a, dir
}

func parse(tb testing.TB, der []byte) *x509.Certificate {
	tb.Helper()
	certificate, err := x509.ParseCertificate(der)
	must(tb, err)
	return certificate
}

func TestCreateMakesAWholeCA(t *testing.T) {
	t.Parallel()
	a, dir := create(t)
	info, err := os.Stat(dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("directory %v", info.Mode())
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", e.Name(), info.Mode())
		}
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"ca-key.pem", "ca.pem", "server.pem"}, names); diff != "" {
		t.Error(diff)
	}
	block, _ := pem.Decode(a.Certificate())
	ca := parse(t, block.Bytes)
	sum := sha256.Sum256(block.Bytes)
	if a.Pin() != hex.EncodeToString(sum[:]) {
		t.Errorf("pin %s", a.Pin())
	}
	if years := time.Until(ca.NotAfter) / (365 * day); !ca.IsCA || ca.MaxPathLen != 1 || years < 9 || years > 10 {
		t.Errorf("CA %v, path %d, for %d years", ca.IsCA, ca.MaxPathLen, years)
	}
	again, err := pki.Load(dir)
	if err != nil || again.Pin() != a.Pin() {
		t.Errorf("loaded again: %v", err)
	}
}

func TestCreateOverwritesNothing(t *testing.T) {
	t.Parallel()
	a, dir := create(t)
	if _, err := pki.Create(dir, []string{"x"}, time.Now()); !errors.Is(err, pki.ErrExists) {
		t.Errorf("a second CA: %v", err)
	}
	if again, err := pki.Load(dir); err != nil || again.Pin() != a.Pin() {
		t.Errorf("the first CA is gone: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	empty := t.TempDir()
	if _, err := pki.Create(empty, []string{"x"}, time.Now()); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	full := t.TempDir()
	must(t, os.WriteFile(filepath.Join(full, "notes"), nil, 0o600))
	if _, err := pki.Create(full, []string{"x"}, time.Now()); !errors.Is(err, pki.ErrExists) || !strings.Contains(err.Error(), "notes") {
		t.Errorf("somebody's directory: %v", err)
	}
	file := filepath.Join(full, "notes")
	if _, err := pki.Create(file, []string{"x"}, time.Now()); err == nil {
		t.Error("a file became a directory")
	}
}

func TestNamesThatNoAgentCouldCall(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{nil, {""}, {"a", "b c"}, {"host:8443"}, {"https://host"}, {"-a.example"}, {"a..b"}, {"*"}, {"höst"}, {strings.Repeat("a", 64)}} {
		dir := filepath.Join(t.TempDir(), "pki")
		if _, err := pki.Create(dir, names, time.Now()); err == nil {
			t.Errorf("%q: accepted", names)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: something was made", names)
		}
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, other := create(t)
	device := func(t *testing.T) []byte {
		a, _ := create(t)
		chain, err := a.Issue(request(t, deviceKey(t)))
		must(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[0]})
	}
	for name, tc := range map[string]struct {
		file    string
		content func(t *testing.T) []byte // nil: the file is removed
		want    string
	}{
		"no CA":              {"ca.pem", nil, "read the CA certificate"},
		"no key":             {"ca-key.pem", nil, "read the CA's key"},
		"no server":          {"server.pem", nil, "read the server certificate"},
		"no PEM":             {"ca.pem", text("hello"), "holds no PEM block"},
		"two CAs":            {"ca.pem", twice(other, "ca.pem"), "exactly one PEM certificate"},
		"a device's":         {"ca.pem", device, "not the certificate of a CA"},
		"damaged":            {"ca.pem", text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "CA certificate"},
		"another CA's key":   {"ca-key.pem", once(other, "ca-key.pem"), "not the key of the certificate in ca.pem"},
		"key of other form":  {"ca-key.pem", text("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"), `a PKCS #8 key (PRIVATE KEY) is needed, it holds "EC PRIVATE KEY"`},
		"certificate as key": {"ca-key.pem", once(other, "ca.pem"), "a PKCS #8 key"},
		"damaged key":        {"ca-key.pem", text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "CA key"},
		"server without key": {"server.pem", once(other, "ca.pem"), "a PEM private key and its certificate chain"},
		"server is the CA":   {"server.pem", func(t *testing.T) []byte { return append(once(other, "ca-key.pem")(t), once(other, "ca.pem")(t)...) }, "names no DNS name"},
		"too large":          {"ca.pem", text(strings.Repeat("x", 300<<10)), "no regular file of at most"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, dir := create(t)
			path := filepath.Join(dir, tc.file)
			if tc.content == nil {
				must(t, os.Remove(path))
			} else {
				must(t, os.WriteFile(path, tc.content(t), 0o600))
			}
			_, err := pki.Load(dir)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.file) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func text(s string) func(*testing.T) []byte { return func(*testing.T) []byte { return []byte(s) } }

func once(dir, name string) func(*testing.T) []byte {
	return func(t *testing.T) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		return data
	}
}

func twice(dir, name string) func(*testing.T) []byte {
	return func(t *testing.T) []byte { return append(once(dir, name)(t), once(dir, name)(t)...) }
}
