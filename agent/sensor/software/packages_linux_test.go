package software

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// rpmDatabase is one that rpm wrote, with the packages x11vnc and anydesk.
func rpmDatabase(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../internal/rpmdb/testdata/rpmdb.sqlite.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const alpine = `C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
T:the musl c library (libc) implementation
F:lib
R:libc.musl-x86_64.so.1

C:Q1def=
P:x11vnc
V:0.9.16-r6
D:so:libX11.so.6
F:usr/bin
R:x11vnc

`

// Each distribution's own list of packages is read.
func TestPackagesOfDistributions(t *testing.T) {
	t.Parallel()
	type installed struct {
		ID, Version string
		Scope       farmhoundv1.InstallScope
	}
	const (
		system = farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM
		user   = farmhoundv1.InstallScope_INSTALL_SCOPE_USER
	)
	database := rpmDatabase(t)
	tests := []struct {
		name  string
		files map[string]string
		want  []installed
	}{
		{"nothing", nil, nil},
		{"dpkg", map[string]string{"var/lib/dpkg/status": "Package: x11vnc\nStatus: install ok installed\nVersion: 0.9.16-9\n"},
			[]installed{{"x11vnc", "0.9.16-9", system}}},
		{"rpm", map[string]string{"var/lib/rpm/rpmdb.sqlite": database},
			[]installed{{"anydesk", "1.2.3-4.test", system}, {"x11vnc", "1.2.3-4.test", system}}},
		{"rpm below usr", map[string]string{"usr/lib/sysimage/rpm/rpmdb.sqlite": database},
			[]installed{{"anydesk", "1.2.3-4.test", system}, {"x11vnc", "1.2.3-4.test", system}}},
		{"rpm of an image", map[string]string{"usr/share/rpm/rpmdb.sqlite": database},
			[]installed{{"anydesk", "1.2.3-4.test", system}, {"x11vnc", "1.2.3-4.test", system}}},
		{"apk", map[string]string{"lib/apk/db/installed": alpine}, []installed{{"x11vnc", "0.9.16-r6", system}}},
		{"pacman", map[string]string{
			"var/lib/pacman/local/ALPM_DB_VERSION":                   "9\n",
			"var/lib/pacman/local/x11vnc-1:0.9.16-6/desc":            "%NAME%\nx11vnc\n",
			"var/lib/pacman/local/linux-firmware-20261111-1/desc":    "%NAME%\nlinux-firmware\n",
			"var/lib/pacman/local/chrome-remote-desktop-150-1/files": "%FILES%\n",
		}, []installed{{"chrome-remote-desktop", "150-1", system}, {"x11vnc", "1:0.9.16-6", system}}},
		{"flatpak", map[string]string{"var/lib/flatpak/app/com.rustdesk.RustDesk/current/active/metadata": "[Application]\n"},
			[]installed{{"rustdesk", "", system}}},
		{"flatpak of a user", map[string]string{"home/kim/.local/share/flatpak/app/com.rustdesk.RustDesk/current/active/metadata": "[Application]\n"},
			[]installed{{"rustdesk", "", user}}},
		{"snap", map[string]string{"var/lib/snapd/snaps/rustdesk_42.snap": "hsqs", "snap/rustdesk/42/meta/snap.yaml": "name: rustdesk\n"},
			[]installed{{"rustdesk", "", system}}},
		{"removed and left over", map[string]string{"var/lib/dpkg/status": "Package: x11vnc\nStatus: deinstall ok config-files\nVersion: 1\n",
			"var/lib/snapd/snaps/rustdesk_42.snap.partial": ""}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []installed
			for _, tool := range observe(t, machine{files: tt.files}.write(t)).GetSoftware().GetTools() {
				if !tool.GetInstalled() {
					t.Errorf("%s is not installed", tool.GetId())
				}
				got = append(got, installed{tool.GetId(), tool.GetVersion(), tool.GetScope()})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
		})
	}
}

// A database of another kind is said not to be read; what was read before one was torn
// holds for one more look.
func TestPackagesNotRead(t *testing.T) {
	t.Parallel()
	h := machine{files: map[string]string{"var/lib/rpm/Packages": strings.Repeat("\x00\x05\x31\x62", 2000)}}.write(t)
	var partial host.Partial
	if err := New(h, catalog.BuiltIn()).Observe(t.Context(), &farmhoundv1.Report{}); !errors.As(err, &partial) || partial.Detail != detailRPM {
		t.Errorf("observe: %v", err)
	}

	v := inventory{host: machine{files: map[string]string{"var/lib/rpm/rpmdb.sqlite": rpmDatabase(t)}}.write(t)}
	if err := v.refresh(t.Context(), catalog.BuiltIn()); err != nil {
		t.Fatal(err)
	}
	database := v.host.Root + "/var/lib/rpm/rpmdb.sqlite"
	if err := os.Truncate(database, 40_000); err != nil {
		t.Fatal(err)
	}
	for look, want := range []struct {
		found   bool
		details int
	}{{true, 0}, {false, 1}} {
		v.at = v.at.Add(-2 * inventoryInterval)
		err := v.refresh(t.Context(), v.catalog)
		if found := v.found["x11vnc"] != nil; err != nil || found != want.found || len(v.details) != want.details {
			t.Errorf("look %d: %v, found %v, %q", look+1, err, found, v.details)
		}
	}
}

func FuzzAPK(f *testing.F) {
	f.Add(alpine)
	f.Fuzz(func(t *testing.T, text string) {
		_ = parseAPK(strings.NewReader(text), func(name, _ []byte) {
			if len(name) == 0 {
				t.Error("a package without a name")
			}
		})
	})
}
