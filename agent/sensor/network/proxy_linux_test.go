package network

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// Homes are other people's: what they leave where settings are expected neither holds
// the agent up nor costs it memory.
func TestProxySettingsThatAreNoFiles(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(path string) error{
		"a pipe":                    func(path string) error { return unix.Mkfifo(path, 0o600) },
		"a folder":                  func(path string) error { return os.Mkdir(path, 0o700) },
		"a device by way of a link": func(path string) error { return os.Symlink("/dev/zero", path) },
		"too much":                  func(path string) error { return os.WriteFile(path, make([]byte, longestSettings+1), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			folder := filepath.Join(root, "home/anna/.config")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := leave(filepath.Join(folder, "kioslaverc")); err != nil {
				t.Fatal(err)
			}
			if got := proxyConfigured(host.Host{Root: root}); got != nil {
				t.Errorf("a proxy: %v", *got)
			}
		})
	}
}
