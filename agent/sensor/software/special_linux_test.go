package software

import (
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// A user who puts a pipe in the place of a folder or file of their home does not stop the
// sense.
func TestPipesInHomes(t *testing.T) {
	t.Parallel()
	h := machine{
		processes: []process{{pid: 50, parent: 1, exe: "/usr/bin/anydesk", args: []string{"anydesk"}}},
		files: map[string]string{
			"home/kim/.config/keep": "", "home/kim/.local/share/keep": "", "home/kim/.anydesk/keep": "", "home/ada/.config/systemd/user/keep": "",
			"home/kim/.config/autostart/keep": "", "var/lib/keep": "", "opt/keep": "",
		},
	}.write(t)
	for _, name := range []string{
		"home/eve", "home/kim/.config/systemd", "home/kim/.local/share/applications", "home/kim/.config/autostart/a.desktop",
		"home/kim/.anydesk/anydesk.trace", "home/ada/.config/systemd/user/default.target.wants", "home/ada/.config/systemd/user/x.service",
		"home/ada/.local",
	} {
		if err := unix.Mkfifo(filepath.Join(h.Root, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sense := New(h, catalog.BuiltIn())
	done := make(chan *farmhoundv1.Report, 1)
	go func() {
		report := &farmhoundv1.Report{}
		if err := sense.Observe(t.Context(), report); err != nil {
			t.Error(err)
		}
		done <- report
	}()
	select {
	case report := <-done:
		if len(report.GetSoftware().GetTools()) != 1 {
			t.Errorf("software: %v", report.GetSoftware())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the sense waits for a pipe")
	}
}
