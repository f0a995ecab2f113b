package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

func TestHostStaysInsideItsRoot(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	write("etc/zone", "  Europe/Oslo \nsecond\n")
	if err := os.Symlink(outside, filepath.Join(root, "etc/leak")); err != nil {
		t.Fatal(err)
	}

	h := host.Host{Root: root}
	if h.Live() || !(host.Host{}).Live() || !(host.Host{Root: "/"}).Live() {
		t.Error("Live is wrong")
	}
	if got := h.ReadLine("/etc/zone"); got != "Europe/Oslo" {
		t.Errorf("ReadLine = %q", got)
	}
	if got, _ := h.ReadFile("/etc/zone", 4); string(got) != "  Eu" {
		t.Errorf("ReadFile with a limit of 4 = %q", got)
	}
	for _, name := range []string{"/etc/leak", "/../" + outside} {
		if data, err := h.ReadFile(name, 100); err == nil {
			t.Errorf("ReadFile(%q) = %q, want an error", name, data)
		}
	}
	if link, err := h.ReadLink("/etc/leak"); err != nil || link != outside {
		t.Errorf("ReadLink = %q, %v", link, err)
	}
	if names, err := h.ReadNames("/", 10); err != nil || len(names) != 1 {
		t.Errorf("ReadNames(/) = %v, %v", names, err)
	}
}

func TestHidden(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 120)
	for _, tt := range []struct {
		name    string
		details []string
		want    string
	}{
		{name: "nothing hidden"},
		{name: "empty details", details: []string{"", ""}},
		{name: "joined once each", details: []string{"a is hidden", "", "b is hidden", "a is hidden"}, want: "a is hidden; b is hidden"},
		{name: "what does not fit is left out", details: []string{long, "b is hidden"}, want: long},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := host.Hidden(tt.details...); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
