package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProxies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text        string
		ways        []string
		login, fail string
	}{
		{"system", []string{"system"}, "", ""},
		{"none", []string{"direct"}, "", ""},
		{" http://a:1 , direct,direct", []string{"http://a:1", "direct"}, "", ""},
		{"http://anna:ge%20heim@a:1/,https://[2001:db8::1]:2,system", []string{"http://a:1", "https://[2001:db8::1]:2", "system"}, "anna:ge heim", ""},
		{"http://u:geheim@a:1,http://u:geheim@b:1", []string{"http://a:1", "http://b:1"}, "u:geheim", ""},
		{"http://u:geheim@a:1,http://v:geheim@b:1", nil, "", "has two logins"},
		{"a:1", nil, "", "must be a list of"},
		{"", nil, "", "must be a list of"},
		{"socks5://u:geheim@a:1", nil, "", "other kinds of proxies are not known"},
		{"http://u:ge%heim@a:1", nil, "", "%XX"},
		{"http://u:geheim@", nil, "", "without a host"},
		{"http://wpad/proxy.pac", nil, "", "PAC file cannot be given"},
		{strings.Repeat("http://a,", 4) + "http://b,http://c,http://d,http://e,http://f,http://g,http://h,http://i,http://j", nil, "", "more than 8"},
	} {
		var s Settings
		err := setProxies(&s, tt.text)
		if (err != nil) != (tt.fail != "") || err != nil && !strings.Contains(err.Error(), tt.fail) {
			t.Errorf("%s: %v, want %q", tt.text, err, tt.fail)
		}
		if diff := cmp.Diff(tt.ways, s.Proxies); diff != "" {
			t.Errorf("%s: %s", tt.text, diff)
		}
		if s.ProxyLogin.Reveal() != tt.login {
			t.Errorf("%s: login %q", tt.text, s.ProxyLogin.Reveal())
		}
		if said := fmt.Sprintf("%v %+v", err, s); strings.Contains(said, "heim") {
			t.Errorf("%s: a password is said: %s", tt.text, said)
		}
	}
}

func TestLoginToProxy(t *testing.T) {
	t.Parallel()
	file := write(t, "login", "anna:geheim\n")
	s := Settings{StateDir: t.TempDir()}
	check := func(want string) {
		t.Helper()
		if got, err := s.LoginToProxy(); err != nil || got.Reveal() != want {
			t.Errorf("%q, %v; want %q", got.Reveal(), err, want)
		}
	}
	check("")
	if err := os.WriteFile(filepath.Join(s.StateDir, "proxy-login"), []byte("of:install"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("of:install")
	s.ProxyLoginFile = file
	check("anna:geheim")
	s.ProxyLogin = NewSecret("set:directly")
	check("set:directly")
	s.ProxyLogin, s.ProxyLoginFile = Secret{}, write(t, "odd", "geheim")
	if _, err := s.LoginToProxy(); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a file without a colon: %v", err)
	}
}

func TestTraceSaysFromWhere(t *testing.T) {
	t.Parallel()
	file := write(t, "agent.json", `{"collector": "a:1", "proxy": "direct"}`)
	_, from, err := Trace(Sources{
		Flags: Layer{"log_level": {"info", "--log-level"}}, Environ: []string{"FARMHOUND_PROXY=system"}, File: file,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"log_level": "--log-level", "proxy": "environment FARMHOUND_PROXY", "collector": file + ":1:15"}
	if diff := cmp.Diff(want, from); diff != "" {
		t.Error(diff)
	}
}

func FuzzProxies(f *testing.F) {
	for _, seed := range []string{"system,direct", "http://u:p@a:1,https://[2001:db8::1]", "http://a/x.pac", "none,,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s Settings
		if setProxies(&s, text) != nil {
			return
		}
		if len(s.Proxies) == 0 || len(s.Proxies) > maxProxies {
			t.Errorf("%d ways", len(s.Proxies))
		}
		for _, way := range s.Proxies {
			if strings.ContainsAny(way, "@,") || strings.ContainsAny(way, "\r\n\x00") {
				t.Errorf("way %q", way)
			}
		}
		again := Settings{}
		if err := setProxies(&again, strings.Join(s.Proxies, ",")); err != nil {
			t.Errorf("%q cannot be read again: %v", s.Proxies, err)
		}
		if diff := cmp.Diff(s.Proxies, again.Proxies); diff != "" {
			t.Errorf("read again: %s", diff)
		}
	})
}
