package hands

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/procfs"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

// studio makes a machine on which a program holds the first of some cameras open;
// states are what the kernel says of each, empty for nothing.
func studio(t *testing.T, states ...string) host.Host {
	t.Helper()
	root := t.TempDir()
	const program = "7 (studio) S 1 7 7 0 -1 4194304 98 0 1 0 0 0 0 0 20 0 1 0 100 3133440 388\n"
	files := map[string]string{"/proc/stat": "cpu 0\nbtime 1790000000\n", "/proc/7/stat": program, "/proc/7/cmdline": "studio\x00", "/proc/asound/version": "Advanced\n"}
	for i, state := range states {
		name := videoFolder + "/video" + string(rune('0'+i))
		files[name+"/name"] = "Integrated Camera\n"
		if state != "" {
			files[name+"/device/power/runtime_status"] = state + "\n"
		}
	}
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.MkdirAll(filepath.Join(root, "proc/7/fd"), 0o755), os.Symlink("/dev/video0", filepath.Join(root, "proc/7/fd/5"))); err != nil {
		t.Fatal(err)
	}
	return host.Host{Root: root}
}

// Open files are looked at only while a camera may be in use.
func TestCameras(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		states []string
		films  bool
	}{
		"no camera":                           {nil, false},
		"asleep":                              {[]string{"suspended"}, false},
		"both nodes of it asleep":             {[]string{"suspended", "suspended"}, false},
		"awake":                               {[]string{"active"}, true},
		"one of two awake":                    {[]string{"suspended", "active"}, true},
		"going to sleep":                      {[]string{"suspending"}, true},
		"one that cannot sleep":               {[]string{"unsupported"}, true},
		"one of two that does not say":        {[]string{"suspended", ""}, true},
		"a virtual one, which does not sleep": {[]string{""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(studio(t, tt.states...), catalog.BuiltIn())
			p := s.system.findPrograms(t.Context())
			if !p.known || !p.filmsKnown || p.films != tt.films {
				t.Errorf("known %v %v, films %v", p.known, p.filmsKnown, p.films)
			}
		})
	}
}

func TestFilmingEndsWithItsTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	h := studio(t, "active")
	all := []*procfs.Process{{PID: 7}}
	if on, complete := filming(ctx, h, all); !on || !complete {
		t.Errorf("films %v, complete %v", on, complete)
	}
	cancel()
	if on, complete := filming(ctx, h, all); on || complete {
		t.Errorf("with its time up: films %v, complete %v", on, complete)
	}
	s := New(h, catalog.BuiltIn())
	s.system.look(ctx)
	if !s.system.looked.IsZero() {
		t.Error("what was found with its time up is believed")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
