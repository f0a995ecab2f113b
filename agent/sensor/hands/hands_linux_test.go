package hands

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

func TestWaylandSocket(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file   string
		socket bool
		want   bool
	}{
		"the first session":    {"wayland-0", true, true},
		"the second":           {"wayland-1", true, true},
		"one with a name":      {"wayland-kiosk", true, true},
		"a lock":               {"wayland-0.lock", false, false},
		"a socket like a lock": {"wayland-0.lock", true, false},
		"no socket":            {"wayland-1", false, false},
		"another program's":    {"bus", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			file := filepath.Join(root, "run/user/1000", tt.file)
			err := os.MkdirAll(filepath.Dir(file), 0o755)
			if tt.socket {
				err = errors.Join(err, unix.Mknod(file, unix.S_IFSOCK|0o600, 0))
			} else {
				err = errors.Join(err, os.WriteFile(file, nil, 0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
			s := New(host.Host{Root: root}, catalog.BuiltIn())
			if got := s.system.waylandSocket(); got != tt.want {
				t.Errorf("a session is there: %v", got)
			}
		})
	}
}
