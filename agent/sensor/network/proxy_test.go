package network

import (
	"os"
	"strings"
	"testing"
)

func TestProxyInEnvironment(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]proxyState{
		"":                                   proxyNone,
		"PATH=/usr/bin\nLANG=C\n":            proxyNone,
		"https_proxy=http://10.0.0.1:3128\n": proxyFound,
		"export HTTP_PROXY=\"http://10.0.0.1:3128\"\n": proxyFound,
		"ALL_PROXY = socks5://127.0.0.1:1080":          proxyFound,
		"http_proxy=\nhttps_proxy=\"\"\n":              proxyNone,
		"no_proxy=localhost":                           proxyNone,
		"#http_proxy=http://10.0.0.1\n":                proxyNone,
	} {
		if got := proxyInEnvironment(strings.Lines(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestProxyInKDE(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]proxyState{
		"": proxyNone,
		"[Proxy Settings]\nProxyType=0\nhttpProxy=http://10.0.0.1 3128\n": proxyNone,
		"[Proxy Settings]\nProxyType=1\n":                                 proxyFound,
		"[Proxy Settings][$i]\nx=1\n[Proxy Settings]\nProxyType[$i]=2\n":  proxyFound,
		"[Proxy Settings]\nProxyType=3\n":                                 proxyUnknown,
		"[Proxy Settings]\nProxyType=4\n":                                 proxyNone,
		"[Proxy Settings]\nProxyType=x\n":                                 proxyUnknown,
		"[Other]\nProxyType=1\n":                                          proxyNone,
	} {
		if got := proxyInKDE(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// The files are as dconf writes them.
func TestDconf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"manual": "manual", "elsewhere": ""} {
		data, err := os.ReadFile("testdata/dconf/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if mode, ok := gvdbString(data, "/system/proxy/mode"); !ok || mode != want {
			t.Errorf("%s: mode %q, %v", name, mode, ok)
		}
		if format, ok := gvdbString(data, "/org/gnome/desktop/interface/clock-format"); !ok || format != "24h" {
			t.Errorf("%s: clock format %q, %v", name, format, ok)
		}
		for _, key := range []string{"mode", "/mode", "", "/", "/system/proxy/"} {
			if value, _ := gvdbString(data, key); value != "" {
				t.Errorf("%s: %q is %q", name, key, value)
			}
		}
		for size := range len(data) {
			gvdbString(data[:size], "/system/proxy/mode")
		}
	}
	for mode, want := range map[string]proxyState{"": proxyNone, "none": proxyNone, "manual": proxyFound, "auto": proxyFound, "x": proxyUnknown} {
		if got := proxyInDconf(mode); got != want {
			t.Errorf("mode %q: %d, want %d", mode, got, want)
		}
	}
}

func FuzzDconf(f *testing.F) {
	for _, name := range []string{"manual", "elsewhere"} {
		if data, err := os.ReadFile("testdata/dconf/" + name); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if value, ok := gvdbString(data, "/system/proxy/mode"); len(value) > len(data) || value != "" && !ok {
			t.Errorf("%q, %v", value, ok)
		}
	})
}

func FuzzProxySettings(f *testing.F) {
	f.Add("[Proxy Settings]\nProxyType=1\nhttp_proxy=http://10.0.0.1\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, got := range []proxyState{proxyInKDE(text), proxyInDconf(text), proxyInEnvironment(strings.Lines(text))} {
			if got > proxyFound {
				t.Errorf("%d", got)
			}
		}
	})
}
