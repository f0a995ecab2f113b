package software

import (
	"os"
	"path/filepath"
	"testing"

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
				file, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := file.WriteString(text); err != nil {
					t.Fatal(err)
				}
				if err := file.Close(); err != nil {
					t.Fatal(err)
				}
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
