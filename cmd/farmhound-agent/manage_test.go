package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/agent/settings"
)

// Whatever is secret goes to the state directory, and not to a file that all can read.
func TestInstallKeepsSecretsApart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := func(s string) *string { return &s }
	cli := &commandLine{Config: filepath.Join(dir, "agent.json")}
	given := cli.Setting
	given.Proxy, given.EnrollSecret, given.StateDir = text("http://anna:geheim@proxy:1,direct"), text("geheimnis"), text(filepath.Join(dir, "state"))
	s, err := settings.Load(settings.Sources{Flags: given.layer(), File: write(t, dir, "{}")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keepSettings(cli.Config, s, given.layer()); err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(cli.Config)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(public), "geheim") || !strings.Contains(string(public), `"proxy": "http://proxy:1,direct"`) {
		t.Errorf("settings file: %s", public)
	}
	for name, want := range map[string]string{"proxy-login": "anna:geheim\n", "enroll-secret": "geheimnis\n"} {
		path := filepath.Join(dir, "state", name)
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func write(t *testing.T, dir, text string) string {
	t.Helper()
	path := filepath.Join(dir, "empty.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
