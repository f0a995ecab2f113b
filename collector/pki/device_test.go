package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/pki"
)

func deviceKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(tb, err)
	return key
}

func request(tb testing.TB, key any) []byte {
	tb.Helper()
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	must(tb, err)
	return csr
}

// The id of the key in testdata, worked out by OpenSSL and sha256sum.
const testdataDevice = "78cfc9a5966380d5c8818fdb1c46798d"

func TestDeviceIDIsTheHashOfTheKey(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "device-public.pem"))
	must(t, err)
	block, _ := pem.Decode(data)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	must(t, err)
	if id, err := pki.DeviceID(key); err != nil || id != testdataDevice {
		t.Errorf("device %s, %v", id, err)
	}
	if _, err := pki.DeviceID("no key"); err == nil {
		t.Error("a string has an id")
	}
}

// The request in testdata, made by OpenSSL, asks for another name, for the names of
// a server and for a CA.
func TestNothingButTheKeyIsTakenFromARequest(t *testing.T) {
	t.Parallel()
	a, _ := create(t)
	csr, err := os.ReadFile(filepath.Join("testdata", "request-that-asks-for-more.der"))
	must(t, err)
	if id, err := a.Identify(csr); err != nil || id != testdataDevice {
		t.Errorf("device %s, %v", id, err)
	}
	chain, err := a.Issue(csr)
	must(t, err)
	if len(chain) != 2 {
		t.Fatalf("%d certificates", len(chain))
	}
	leaf := parse(t, chain[0])
	if leaf.Subject.String() != "CN="+testdataDevice || leaf.IsCA || !leaf.BasicConstraintsValid || leaf.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("subject %s, CA %v, usage %b", leaf.Subject, leaf.IsCA, leaf.KeyUsage)
	}
	if diff := cmp.Diff([]x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, leaf.ExtKeyUsage); diff != "" {
		t.Error(diff)
	}
	if len(leaf.DNSNames) != 0 || len(leaf.URIs) != 1 || leaf.URIs[0].String() != "urn:farmhound:device:"+testdataDevice {
		t.Errorf("names %v %v", leaf.DNSNames, leaf.URIs)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, chain[1]))
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if id, err := a.Device(leaf); err != nil || id != testdataDevice {
		t.Errorf("device %s, %v", id, err)
	}
	if _, err := a.Device(parse(t, chain[1])); err == nil {
		t.Error("the CA is a device")
	}
}

func TestCertificatesHaveTheirLifeAndSerial(t *testing.T) {
	t.Parallel()
	a, _ := create(t)
	now := time.Now().Truncate(time.Second)
	a.Now = func() time.Time { return now }
	csr := request(t, deviceKey(t))
	issue := func() *x509.Certificate {
		t.Helper()
		chain, err := a.Issue(csr)
		must(t, err)
		return parse(t, chain[0])
	}
	first, second := issue(), issue()
	if !first.NotAfter.Equal(now.Add(30*day)) || !first.NotBefore.Before(now) {
		t.Errorf("valid from %v to %v", first.NotBefore, first.NotAfter)
	}
	if first.SerialNumber.Cmp(second.SerialNumber) == 0 || first.SerialNumber.BitLen() < 96 || first.SerialNumber.BitLen() > 128 {
		t.Errorf("serial numbers %v, %v", first.SerialNumber, second.SerialNumber)
	}
	a.DeviceLife = time.Hour
	if got := issue(); !got.NotAfter.Equal(now.Add(time.Hour)) {
		t.Errorf("valid to %v", got.NotAfter)
	}
	a.DeviceLife = 0
	if _, err := a.Issue(csr); err == nil {
		t.Error("a certificate without life was issued")
	}

	// No certificate outlives its CA, and after its end there is none.
	block, _ := pem.Decode(a.Certificate())
	end := parse(t, block.Bytes).NotAfter
	a.DeviceLife, now = 30*day, end.Add(-day)
	if got := issue(); !got.NotAfter.Equal(end) {
		t.Errorf("valid to %v, the CA to %v", got.NotAfter, end)
	}
	now = end
	if _, err := a.Issue(csr); err == nil {
		t.Error("an expired CA issues")
	}
}

func FuzzCSR(f *testing.F) {
	a, _ := create(f)
	good := request(f, deviceKey(f))
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(nil))
	asking, err := os.ReadFile(filepath.Join("testdata", "request-that-asks-for-more.der"))
	must(f, err)
	f.Add(asking)
	f.Fuzz(func(t *testing.T, csr []byte) {
		id, err := a.Identify(csr)
		chain, issueErr := a.Issue(csr)
		if (err == nil) != (issueErr == nil) {
			t.Fatalf("identified: %v, issued: %v", err, issueErr)
		}
		if err != nil {
			return
		}
		leaf := parse(t, chain[0])
		if got, err := a.Device(leaf); err != nil || got != id || len(leaf.DNSNames) != 0 || leaf.IsCA {
			t.Errorf("device %s, %v, of request for %s", got, err, id)
		}
	})
}
