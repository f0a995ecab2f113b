package software

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// TestMacScreenSharing finds macOS' own screen sharing where launchd listens for it, and
// the session of whoever connects.
func TestMacScreenSharing(t *testing.T) {
	t.Parallel()
	const listener = "tcp4       0      0  *.5900                 *.*                    LISTEN                 0            0  131072  131072  launchd:1" + netstatTail
	const daemon = "/System/Library/CoreServices/RemoteManagement/screensharingd.bundle/Contents/MacOS/screensharingd"
	h := macDisk(t, withApple(map[string]string{}))
	m := &recordedMac{netstat: listener}
	ordinaryMac(m)
	y := newMacSystem(m, h)
	report, _ := look(t, &y, h)
	tool := toolIn(t, report, "apple-screen-sharing")
	if !tool.GetUnattended() || tool.GetControlled() || !slices.Equal(tool.GetListeningPorts(), []uint32{5900}) {
		t.Errorf("waiting: %v", tool)
	}
	m.netstat += "tcp4       0      0  192.168.7.20.5900      203.0.113.31.52110     ESTABLISHED         9000       800000  131072  132240   screensharingd:600" + netstatTail
	m.add(600, 1, daemon)
	report, _ = look(t, &y, h)
	if s := report.GetRemoteSessions(); len(s) != 1 || s[0].GetTool() != "apple-screen-sharing" || s[0].GetPeer() != "203.0.113.31" ||
		s[0].GetEstablishedBy() != farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION {
		t.Errorf("sessions %v of %v", s, report.GetSoftware().GetTools())
	}
	if tool := toolIn(t, report, "apple-screen-sharing"); !tool.GetRunning() || !tool.GetControlled() {
		t.Errorf("in use: %v", tool)
	}
}

// TestMacShell tells a shell over ssh from copying files by it, and takes a screen that
// it carries for a session of its far end.
func TestMacShell(t *testing.T) {
	t.Parallel()
	const (
		ssh = "tcp4       0      0  *.22                   *.*                    LISTEN                 0            0  131072  131072  launchd:1" + netstatTail +
			"tcp4       0      0  192.168.7.20.22        198.51.100.77.50222    ESTABLISHED         9000         8000  131072  132240   sshd:700" + netstatTail
		vnc = "tcp4       0      0  *.5900                 *.*                    LISTEN                 0            0  131072  131072  launchd:1" + netstatTail +
			"tcp4       0      0  127.0.0.1.5900         127.0.0.1.60001        ESTABLISHED            7            8  131072  132240   screensharingd:600" + netstatTail +
			"tcp4       0      0  127.0.0.1.60001        127.0.0.1.5900         ESTABLISHED            8            7  131072  132240   sshd:701" + netstatTail
	)
	for name, test := range map[string]struct {
		below   []string // programs below the server's second process
		netstat string
		want    map[string]string // tools by peer
	}{
		"a shell":          {[]string{"/bin/zsh"}, ssh, map[string]string{"sshd": "198.51.100.77"}},
		"owned by launchd": {[]string{"/bin/zsh"}, strings.Replace(ssh, "sshd:700", "launchd:1", 1), map[string]string{"sshd": "198.51.100.77"}},
		"copying files":    {[]string{"/usr/libexec/sftp-server"}, ssh, map[string]string{}},
		"a screen in it":   {nil, ssh + vnc, map[string]string{"apple-screen-sharing": "198.51.100.77"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &recordedMac{netstat: test.netstat}
			ordinaryMac(m)
			m.add(600, 1, "/System/Library/CoreServices/RemoteManagement/screensharingd.bundle/Contents/MacOS/screensharingd")
			m.add(700, 1, "/usr/sbin/sshd")
			m.add(701, 700, "/usr/sbin/sshd")
			for i, program := range test.below {
				m.add(int32(702+i), 701, program)
			}
			h := macDisk(t, withApple(map[string]string{}))
			y := newMacSystem(m, h)
			report, _ := look(t, &y, h)
			got := map[string]string{}
			for _, s := range report.GetRemoteSessions() {
				got[s.GetTool()] = s.GetPeer()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMacVisits tells of sessions through a relay once TeamViewer has written them down,
// and of none from before the first look.
func TestMacVisits(t *testing.T) {
	t.Parallel()
	const log = "/Users/alice/Library/Logs/TeamViewer/Connections_incoming.txt"
	h := macDisk(t, map[string]string{
		"/Applications/TeamViewer.app/Contents/Info.plist": entry("CFBundleIdentifier", text("com.teamviewer.TeamViewer")),
		log: incoming,
	})
	y := newMacSystem(&recordedMac{}, h)
	if report, _ := look(t, &y, h); len(report.GetRemoteSessions()) != 0 {
		t.Errorf("sessions of before: %v", report.GetRemoteSessions())
	}
	f, err := os.OpenFile(filepath.Join(h.Root, log), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(incoming); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	report, _ := look(t, &y, h)
	if s := report.GetRemoteSessions(); len(s) != 1 || s[0].GetEstablishedBy() != farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG || s[0].GetEndedAt() == nil || s[0].GetAccountHash() != nil {
		t.Errorf("sessions %v", s)
	}
}

// TestMacLogs sees sessions through a relay while they last, by what the tool writes down.
func TestMacLogs(t *testing.T) {
	t.Parallel()
	const relay = farmhoundv1.SessionPath_SESSION_PATH_RELAY
	for name, test := range map[string]struct {
		log, program, came, went string
		path                     farmhoundv1.SessionPath
	}{
		"anydesk": {"/var/log/anydesk.trace", "/Applications/AnyDesk.app/Contents/MacOS/AnyDesk",
			"   info 2026-05-04 08:59:30.000       back    812    813  anynet.any_socket - Accept request from 987654321 (via relay).\n",
			"   info 2026-05-04 08:59:55.000       back    812    813  app.session - Session closed by 987654321.\n", relay},
		"rustdesk": {"/Users/alice/Library/Logs/RustDesk/server/rustdesk_rCURRENT.log", "/Applications/RustDesk.app/Contents/MacOS/RustDesk",
			"[2026-05-04 08:50:00.000000 +00:00] INFO [src/server/connection.rs:345] #1 Connection opened from 203.0.113.9:51234.\n",
			"[2026-05-04 08:59:55.000000 +00:00] INFO [src/server/connection.rs:999] #1 Connection closed: Peer close\n", farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := macDisk(t, map[string]string{test.log: ""})
			m := &recordedMac{}
			m.add(400, 1, test.program)
			y := newMacSystem(m, h)
			look(t, &y, h)
			write := func(line string) {
				f, err := os.OpenFile(filepath.Join(h.Root, test.log), os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.WriteString(line); err != nil {
					t.Fatal(err)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			}
			write(test.came)
			report, _ := look(t, &y, h)
			if s := report.GetRemoteSessions(); len(s) != 1 || s[0].GetEndedAt() != nil || s[0].GetPath() != test.path || !toolIn(t, report, name).GetControlled() {
				t.Fatalf("while it lasts: %v", s)
			}
			write(test.went)
			report, _ = look(t, &y, h)
			if s := report.GetRemoteSessions(); len(s) != 1 || s[0].GetEndedAt() == nil {
				t.Errorf("when it has ended: %v", s)
			}
		})
	}
}

// TestMacSessionInTwoFiles has one of a tool's files end what another has begun.
func TestMacSessionInTwoFiles(t *testing.T) {
	t.Parallel()
	const service, user = "/var/log/anydesk.trace", "/Users/alice/.anydesk/ad.trace"
	h := macDisk(t, map[string]string{service: "", user: ""})
	now := at(15, 59, 0, 0)
	h.Now = func() time.Time { return now }
	m := &recordedMac{}
	m.add(400, 1, "/Applications/AnyDesk.app/Contents/MacOS/AnyDesk")
	y := newMacSystem(m, h)
	look(t, &y, h)
	write := func(name, text string) { appendTo(t, filepath.Join(h.Root, name), text) }
	checkInTwoFiles(t, service, user, write, func(at time.Time) *farmhoundv1.Report {
		now = at
		report, _ := look(t, &y, h)
		return report
	})
}

// TestMacSlowNetstat does not take a listing that failed for the end of a session.
func TestMacSlowNetstat(t *testing.T) {
	t.Parallel()
	h := macDisk(t, nil)
	now := macNow
	h.Now = func() time.Time { return now }
	m := &recordedMac{netstat: "tcp46      0      0  *.7070                 *.*                    LISTEN                 0            0  131072  131072   AnyDesk:400" + netstatTail +
		"tcp4       0      0  192.168.7.20.7070      198.51.100.9.40112     ESTABLISHED        17867       175129  131072  132240   AnyDesk:400" + netstatTail}
	m.add(400, 1, "/Applications/AnyDesk.app/Contents/MacOS/AnyDesk")
	y := newMacSystem(m, h)
	look(t, &y, h)
	m.refuse, m.netstat = errors.New("took too long"), ""
	for _, test := range []struct {
		after time.Duration
		ended bool
	}{{15 * time.Second, false}, {time.Minute, false}, {time.Minute, true}} {
		now = now.Add(test.after)
		report, detail := look(t, &y, h)
		if s := report.GetRemoteSessions(); len(s) != 1 || (s[0].GetEndedAt() != nil) != test.ended || !strings.Contains(detail, detailMacOwners) {
			t.Errorf("after %v: sessions %v, not seen: %q", test.after, s, detail)
		}
	}
}
