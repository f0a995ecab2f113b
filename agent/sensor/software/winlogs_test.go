package software

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/pefile"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// A relayed session shows by nothing but the tool's own log, wherever it is.
func TestWindowsSessionByLog(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tool, program, log, came, went string
		path                           farmhoundv1.SessionPath
		named                          bool
	}{
		"AnyDesk as a service": {
			"anydesk", `C:\Program Files (x86)\AnyDesk\AnyDesk.exe`, `C:\ProgramData\AnyDesk\ad_svc.trace`,
			anyDeskCame, anyDeskWent, farmhoundv1.SessionPath_SESSION_PATH_RELAY, true,
		},
		"AnyDesk from somebody's downloads": {
			"anydesk", `C:\Users\ada\Downloads\AnyDesk.exe`, `C:\Users\ada\AppData\Roaming\AnyDesk\ad.trace`,
			anyDeskCame, anyDeskWent, farmhoundv1.SessionPath_SESSION_PATH_RELAY, true,
		},
		"RustDesk as a service": {
			"rustdesk", `C:\Program Files\RustDesk\rustdesk.exe`,
			`C:\Windows\ServiceProfiles\LocalService\AppData\Roaming\RustDesk\log\server\rustdesk_rCURRENT.log`,
			rustDeskCame, rustDeskWent, farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "log")
			write := func(text string) {
				t.Helper()
				appendTo(t, log, text)
			}
			r := &recordedWindows{logs: map[string]string{tt.log: log}}
			r.process(5000, 700, tt.program, pefile.Program{})
			y := newWinSystem(r)
			write("what was before\r\n" + tt.came)
			if before, _ := observeWindows(t, &y, at(15, 59, 0, 0)); len(before.GetRemoteSessions()) != 0 {
				t.Fatalf("what was there before is told: %v", before.GetRemoteSessions())
			}
			write(tt.came)
			during, _ := observeWindows(t, &y, at(16, 1, 0, 0))
			open := during.GetRemoteSessions()
			if len(open) != 1 || open[0].GetTool() != tt.tool || open[0].GetPeer() != "203.0.113.9" || open[0].GetEndedAt() != nil ||
				open[0].GetPeerClass() != farmhoundv1.PeerClass_PEER_CLASS_GLOBAL || open[0].GetPath() != tt.path ||
				open[0].GetEstablishedBy() != farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG || (len(open[0].GetAccountHash()) == 16) != tt.named {
				t.Fatalf("sessions: %v", open)
			}
			if tools := during.GetSoftware().GetTools(); len(tools) != 1 || !tools[0].GetControlled() {
				t.Errorf("tools: %v", tools)
			}
			write(tt.went)
			after, _ := observeWindows(t, &y, at(16, 31, 0, 0))
			if ended := after.GetRemoteSessions(); len(ended) != 1 || ended[0].GetId() != open[0].GetId() || !ended[0].GetEndedAt().AsTime().Equal(at(16, 30, 0, 0)) {
				t.Errorf("ended: %v", ended)
			}
		})
	}
}

// inTwoFiles is a session of which one file has the beginning, and another the end; and
// the next by the same account.
var inTwoFiles = [...]struct{ service, user string }{
	{service: anyDeskLine("16:00:00.500", "gsvc", "anynet.any_socket", "Accept request from 987654321 (via relay).")},
	{user: anyDeskLine("16:30:00.000", "back", "app.backend_session", "The socket was closed remotely.")},
	{service: anyDeskLine("16:40:00.000", "gsvc", "anynet.any_socket", "Accept request from 987654321 (via relay).")},
}

// checkInTwoFiles has a sense look after each part was written, while the service runs on.
func checkInTwoFiles(t *testing.T, service, user string, write func(name, text string), look func(now time.Time) *farmhoundv1.Report) {
	t.Helper()
	var first, second string
	for i, part := range inTwoFiles {
		write(service, part.service)
		write(user, part.user)
		for range 2 { // the second look tells nothing anew
			report := look(at(16, 1, 0, 0).Add(time.Duration(i) * 30 * time.Minute))
			got, controlled := report.GetRemoteSessions(), report.GetSoftware().GetTools()[0].GetControlled()
			switch {
			case i == 0 && len(got) == 1 && got[0].GetEndedAt() == nil && controlled:
				first = got[0].GetId()
			case i == 1 && first != "" && len(got) == 1 && got[0].GetId() == first && got[0].GetEndedAt().AsTime().Equal(at(16, 30, 0, 0)) && !controlled:
				first = ""
			case i == 1 && first == "" && len(got) == 0 && !controlled:
			case i == 2 && len(got) == 1 && got[0].GetStartedAt().AsTime().Equal(at(16, 40, 0, 0)) && got[0].GetEndedAt() == nil && controlled:
				second = got[0].GetId()
			default:
				t.Fatalf("after part %d controlled is %t, sessions: %v", i, controlled, got)
			}
		}
	}
	if second == "" {
		t.Error("the next session is not told")
	}
}

// appendTo appends to a file.
func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What one of a tool's files has begun another ends.
func TestWindowsSessionInTwoFiles(t *testing.T) {
	t.Parallel()
	const service, user = `C:\ProgramData\AnyDesk\ad_svc.trace`, `C:\Users\ada\AppData\Roaming\AnyDesk\ad.trace`
	folder := t.TempDir()
	r := &recordedWindows{logs: map[string]string{service: filepath.Join(folder, "service"), user: filepath.Join(folder, "user")}}
	r.process(5000, 700, `C:\Program Files (x86)\AnyDesk\AnyDesk.exe`, pefile.Program{})
	y := newWinSystem(r)
	write := func(name, text string) { appendTo(t, r.logs[name], text) }
	write(service, "")
	write(user, "")
	observeWindows(t, &y, at(15, 59, 0, 0))
	checkInTwoFiles(t, service, user, write, func(now time.Time) *farmhoundv1.Report {
		report, _ := observeWindows(t, &y, now)
		return report
	})
}

// Where a log cannot be read, that is said.
func TestWindowsLogHidden(t *testing.T) {
	t.Parallel()
	const log = `C:\ProgramData\AnyDesk\ad_svc.trace`
	r := &recordedWindows{logs: map[string]string{log: "x\x00"}} // no name of a file
	y := newWinSystem(r)
	if _, err := observeWindows(t, &y, at(15, 59, 0, 0)); strings.Contains(fmt.Sprint(err), detailWinLogs) {
		t.Errorf("without the tool: %v", err)
	}
	r.process(5000, 700, `C:\Program Files (x86)\AnyDesk\AnyDesk.exe`, pefile.Program{})
	if _, err := observeWindows(t, &y, at(16, 0, 0, 0)); !strings.Contains(fmt.Sprint(err), detailWinLogs) {
		t.Errorf("with the tool: %v", err)
	}
}

// The home of the service is in the list of homes, too, and its log is one log.
func TestWindowsLogTwice(t *testing.T) {
	t.Parallel()
	y := newLogs(winLogs{&recordedWindows{}}, winLogSources)
	for i := range y.sources {
		seen := map[string]bool{}
		for _, name := range y.names(&y.sources[i], []string{`C:\Users\ada`, `C:\WINDOWS\ServiceProfiles\LocalService`, `C:\Users\Ada`}) {
			if key := strings.ToLower(name); seen[key] {
				t.Errorf("%s is listed twice", name)
			} else {
				seen[key] = true
			}
		}
	}
}

// Of a path only what an administrator made is opened as it stands.
func TestBelowTrusted(t *testing.T) {
	t.Parallel()
	homes := []string{`C:\Users\ada`, `D:\homes\kim\`, `\\server\homes\jo`, `C:\Windows\ServiceProfiles\LocalService`, `C:\`}
	for path, want := range map[string]string{
		`C:\Users\ada\AppData\Roaming\AnyDesk\ad.trace`: `C:\Users\ada|AppData|Roaming|AnyDesk|ad.trace`,
		`c:\users\ADA\ad.trace`:                         `C:\Users\ada|ad.trace`,
		`C:\Users\adam\ad.trace`:                        `C:\|Users|adam|ad.trace`,
		`D:\homes\kim\a`:                                `D:\homes\kim|a`,
		`C:\ProgramData\AnyDesk\ad_svc.trace`:           `C:\|ProgramData|AnyDesk|ad_svc.trace`,
		`C:\Program Files\TeamViewer\a.txt`:             `C:\Program Files\TeamViewer|a.txt`,
		`C:\Program Files\a`:                            `C:\Program Files|a`,
		`C:\Windows\ServiceProfiles\LocalService\a\b`:   `C:\Windows\ServiceProfiles\LocalService|a|b`,
		`\\server\homes\jo\ad.trace`:                    "",
		`\\.\pipe\x`:                                    "",
		`\\?\C:\x`:                                      "",
		`C:\Users\ada`:                                  `C:\|Users|ada`,
		`C:\Users\ada\..\kim\x`:                         "",
		`C:\Users\ada\\x`:                               "",
		`C:\Users\ada\x:stream`:                         "",
		`C:\`:                                           "",
		"":                                              "",
	} {
		got := ""
		if base, parts, ok := belowTrusted(path, homes); ok {
			got = base + "|" + strings.Join(parts, "|")
		}
		if !strings.EqualFold(got, want) {
			t.Errorf("%s is parted %q, want %q", path, got, want)
		}
	}
}
