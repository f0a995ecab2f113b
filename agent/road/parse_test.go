package road

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/farmhound-security/farmhound/agent/internal/proxies"
)

func TestSpared(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rules, address string
		simple, want   bool
	}{
		{"", "collector.example:443", false, false},
		{"*", "collector.example:443", false, true},
		{"example", "collector.example:443", false, true},
		{".example", "collector.example:443", false, true},
		{"*.example", "collector.example:443", false, true},
		{"COLLECTOR.example", "collector.Example:443", false, true},
		{"ample", "collector.example:443", false, false},
		{"collector.example:8443", "collector.example:443", false, false},
		{"collector.example:443", "collector.example:443", false, true},
		{"10.0.0.0/8, other", "10.1.2.3:443", false, true},
		{"10.0.0.0/8", "11.1.2.3:443", false, false},
		{"10.*", "10.1.2.3:443", false, true},
		{"10.*", "10.example:443", false, false},
		{"2001:db8::/32", "[2001:db8::1]:443", false, true},
		{"2001:db8::1", "[2001:db8::1]:443", false, true},
		{"", "127.0.0.1:443", false, true},
		{"", "[::1]:443", false, true},
		{"", "intranet:443", true, true},
		{"", "collector.example:443", true, false},
	} {
		f := Found{Spared: strings.Split(tt.rules, ","), SpareSimple: tt.simple}
		if got := f.spared(tt.address); got != tt.want {
			t.Errorf("%s by %q: %v", tt.address, tt.rules, got)
		}
	}
}

var ignoreLogin = cmpopts.IgnoreUnexported(Way{})

func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, environ string
		want          []Way
		unused        string
	}{
		{"nothing", "", nil, ""},
		{"http only is not for TLS", "http_proxy=http://a:1", nil, ""},
		{"small before large", "HTTPS_PROXY=http://b:2 https_proxy=a:1", []Way{{Proxy: "a:1", From: "the environment (https_proxy)"}}, ""},
		{"all", "ALL_PROXY=https://b", []Way{{Proxy: "b:443", Secure: true, From: "the environment (ALL_PROXY)"}}, ""},
		{"IPv6", "https_proxy=http://[2001:db8::1]:3128/", []Way{{Proxy: "[2001:db8::1]:3128", From: "the environment (https_proxy)"}}, ""},
		{"socks", "all_proxy=socks5://a:1", nil, "socks5"},
		{"broken, with a password", "https_proxy=http://u:pass%zz@a:1", nil, "not written as"},
	} {
		got := fromEnvironment(strings.Fields(tt.environ))
		if diff := cmp.Diff(tt.want, got.Ways, ignoreLogin); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		unused := strings.Join(got.Unused, " ")
		if !strings.Contains(unused, tt.unused) || (tt.unused == "") != (unused == "") || strings.Contains(unused, "pass%") {
			t.Errorf("%s: unused %q", tt.name, unused)
		}
	}
	file := environmentFile("# a comment\nPATH=\"/bin\"\nexport HTTPS_PROXY='http://u:p@a:1'\nNO_PROXY=.corp\n", "/etc/environment")
	if len(file.Ways) != 1 || file.Ways[0].Proxy != "a:1" || file.Ways[0].login != "u:p" || !file.spared("x.corp:1") {
		t.Errorf("file: %+v", file)
	}
}

func TestScutil(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "scutil.txt"))
	if err != nil {
		t.Fatal(err)
	}
	got := scutilSettings(string(text))
	if diff := cmp.Diff([]Way{{Proxy: "proxy.corp.example:3128", From: macSettings}}, got.Ways, ignoreLogin); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"*.local", "169.254/16", "corp.example"}, got.Spared); diff != "" {
		t.Error(diff)
	}
	if len(got.Unused) != 1 || !strings.Contains(got.Unused[0], "PAC") || !got.SpareSimple {
		t.Errorf("%+v", got)
	}
}

func record(flags uint32, texts ...string) []byte {
	data := binary.LittleEndian.AppendUint32(nil, 0x18)
	data = binary.LittleEndian.AppendUint32(data, 0)
	data = binary.LittleEndian.AppendUint32(data, flags)
	for _, text := range texts {
		data = binary.LittleEndian.AppendUint32(data, uint32(len(text)))
		data = append(data, text...)
	}
	return data
}

func TestWindowsRecord(t *testing.T) {
	t.Parallel()
	got := connectionRecord(record(proxies.Manual|1, "http=a:1;https=b:2", "<local>;*.corp;10.*", ""), "W")
	if diff := cmp.Diff([]Way{{Proxy: "b:2", From: "W"}}, got.Ways, ignoreLogin); diff != "" {
		t.Error(diff)
	}
	if !got.spared("intranet:1") || !got.spared("10.1.1.1:1") || !got.spared("x.corp:1") || got.spared("x.example:1") {
		t.Errorf("exceptions %q", got.Spared)
	}
	if got := connectionRecord(record(1, "", "", ""), "W"); !got.silent() {
		t.Errorf("direct: %+v", got)
	}
	if got := connectionRecord(record(proxies.Script, "", "", "http://wpad/p.pac"), "W"); len(got.Unused) != 1 || len(got.Ways) != 0 {
		t.Errorf("PAC: %+v", got)
	}
	if got := connectionRecord(record(proxies.Manual, "proxy", ""), "W"); len(got.Ways) != 1 || got.Ways[0].Proxy != "proxy:80" {
		t.Errorf("one for all: %+v", got)
	}
	if got := connectionRecord([]byte{1, 2, 3}, "W"); !got.silent() {
		t.Errorf("torn: %+v", got)
	}
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	target := netip.MustParseAddr("192.0.2.33")
	// The examples of RFC 6052, section 2.4, with the well-known address in place.
	for prefix, want := range map[string]string{
		"64:ff9b::c000:aa":              "64:ff9b::c000:221",
		"2001:db8:c000:aa::":            "2001:db8:c000:221::",
		"2001:db8:1c0:0:aa::":           "2001:db8:1c0:2:21::",
		"2001:db8:122:c000:0:aa00::":    "2001:db8:122:c000:2:2100::",
		"2001:db8:122:3c0:0:aa::":       "2001:db8:122:3c0:0:221::",
		"2001:db8:122:344:c0:0:aa00::":  "2001:db8:122:344:c0:2:2100::",
		"2001:db8:122:344::192.0.0.171": "2001:db8:122:344::192.0.2.33",
	} {
		got, ok := translate(netip.MustParseAddr(prefix), target)
		if !ok || got != netip.MustParseAddr(want) {
			t.Errorf("%s: %s, want %s", prefix, got, want)
		}
	}
	if _, ok := translate(netip.MustParseAddr("2001:db8::1"), target); ok {
		t.Error("translated by an address that nobody made")
	}
}

func TestUnverified(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	certificate := func(organisation string) *x509.Certificate {
		return &x509.Certificate{
			Issuer:    pkix.Name{Organization: []string{organisation}},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		}
	}
	unknown := x509.UnknownAuthorityError{}
	for _, tt := range []struct {
		name  string
		shown *x509.Certificate
		at    time.Time
		err   error
		kind  string
		say   string
	}{
		{"a known inspector", certificate("Zscaler Inc."), now, unknown, "inspected", "(Zscaler; certificate issued by \"Zscaler Inc.\")"},
		{"an unknown one", certificate("ACME IT"), now, unknown, "inspected", `issued by "ACME IT"`},
		{"one that writes to terminals", certificate("\x1b[2JNetskope\u202e"), now, unknown, "inspected", `"?[2JNetskope?"`},
		{"a clock that is behind", certificate("x"), now.Add(-2 * time.Hour), x509.CertificateInvalidError{Cert: certificate("x"), Reason: x509.Expired}, "clock", "set the clock"},
		{"one that is ahead, or an old certificate", certificate("x"), now.Add(2 * time.Hour), x509.CertificateInvalidError{Cert: certificate("x"), Reason: x509.Expired}, "expired", "expired on 2026-03-01"},
	} {
		got := Unverified([]*x509.Certificate{tt.shown}, tt.at, tt.err)
		var trouble *Trouble
		if !errors.As(got, &trouble) || trouble.Kind != tt.kind || !strings.Contains(got.Error(), tt.say) {
			t.Errorf("%s: %v", tt.name, got)
		}
		if !errors.Is(got, tt.err) && tt.kind == "inspected" {
			t.Errorf("%s: the error itself is lost", tt.name)
		}
	}
	if Unverified(nil, now, nil) != nil {
		t.Error("trouble without an error")
	}
}

func FuzzSystemProxies(f *testing.F) {
	text, err := os.ReadFile(filepath.Join("testdata", "scutil.txt"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(record(proxies.Manual|proxies.Script, "http=a:1;https=b:2", "<local>;*.corp", "http://x/p.pac"))
	f.Add([]byte("HTTPS_PROXY=http://u:p@a:1\nNO_PROXY=*"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, found := range []Found{scutilSettings(string(data)), connectionRecord(data, "W"), environmentFile(string(data), "E")} {
			for _, w := range found.Ways {
				if w.Proxy == "" || strings.ContainsAny(w.Proxy, "\r\n ") {
					t.Errorf("proxy %q", w.Proxy)
				}
			}
			found.spared("collector.example:443")
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"a\"\r\n\r\n"))
	f.Add([]byte("HTTP/1.0 200 Connection established\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseHead(data)
		if err != nil {
			return
		}
		if h.code < 100 || h.code > 999 {
			t.Errorf("code %d", h.code)
		}
		if h.code/100 != 2 {
			if text := refusal(Way{Proxy: "p:1"}, h).Error(); strings.ContainsAny(text, "\x1b\r\n") {
				t.Errorf("unsafe words %q", text)
			}
		}
	})
}
