package software

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// growing is a recorded machine whose files change.
type growing struct {
	*testing.T
	host  host.Host
	now   time.Time
	sense *Sensor
}

func newGrowing(t *testing.T, m machine) *growing {
	t.Helper()
	g := &growing{T: t, host: m.write(t), now: at(16, 0, 10, 0)}
	g.host.Now = func() time.Time { return g.now }
	g.sense = New(g.host, catalog.BuiltIn())
	keys, err := fleetkey.NewRing([]*farmhoundv1.FleetKey{{Id: 7, Key: bytes.Repeat([]byte{1}, fleetkey.KeySize)}, {Id: 6, Key: bytes.Repeat([]byte{2}, fleetkey.KeySize)}})
	if err != nil {
		t.Fatal(err)
	}
	g.sense.UseKeys(keys)
	return g
}

func (g *growing) write(name, text string) {
	g.Helper()
	path := filepath.Join(g.host.Root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		g.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		g.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		g.Fatal(err)
	}
	if err := f.Close(); err != nil {
		g.Fatal(err)
	}
}

func (g *growing) sessions(now time.Time) []*farmhoundv1.RemoteSession {
	g.Helper()
	g.now = now
	report := &farmhoundv1.Report{}
	if err := g.sense.Observe(g.Context(), report); err != nil {
		g.Fatal(err)
	}
	return report.GetRemoteSessions()
}

// A relayed session shows by nothing but the tool's own log.
func TestSessionByLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tool, exe, file, came, went string
		path                        farmhoundv1.SessionPath
		named                       bool
	}{
		{"anydesk", "/usr/bin/anydesk", "var/log/anydesk.trace", anyDeskCame, anyDeskWent, farmhoundv1.SessionPath_SESSION_PATH_RELAY, true},
		{"chrome-remote-desktop", "/opt/google/chrome-remote-desktop/chrome-remote-desktop-host", "var/log/syslog", chromeCame, chromeWent, farmhoundv1.SessionPath_SESSION_PATH_DIRECT, true},
		{"rustdesk", "/usr/bin/rustdesk", "home/kim/.local/share/logs/RustDesk/server/rustdesk_rCURRENT.log", rustDeskCame, rustDeskWent, farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN, false},
	} {
		t.Run(tt.tool, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{tt.file: "what was before\n" + tt.came}
			g := newGrowing(t, machine{processes: []process{{pid: 50, parent: 1, exe: tt.exe, args: []string{tt.exe}}}, files: files})
			if got := g.sessions(at(15, 59, 0, 0)); len(got) != 0 {
				t.Fatalf("what was there before is told: %v", got)
			}
			g.write(tt.file, tt.came)
			open := g.sessions(at(16, 1, 0, 0))
			if len(open) != 1 || open[0].GetTool() != tt.tool || open[0].GetPeer() != "203.0.113.9" || open[0].GetEndedAt() != nil ||
				open[0].GetPeerClass() != farmhoundv1.PeerClass_PEER_CLASS_GLOBAL || open[0].GetPath() != tt.path ||
				open[0].GetEstablishedBy() != farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG || open[0].GetStartedAt().AsTime().Hour() != 16 {
				t.Fatalf("sessions: %v", open)
			}
			if named := len(open[0].GetAccountHash()) == 16 && open[0].GetKeyId() == 7 && len(open[0].GetEarlierAccounts()) == 1; named != tt.named {
				t.Errorf("account: %v", open)
			}
			g.write(tt.file, tt.went)
			ended := g.sessions(at(16, 31, 0, 0))
			if len(ended) != 1 || ended[0].GetId() != open[0].GetId() || !ended[0].GetEndedAt().AsTime().Equal(at(16, 30, 0, 0)) {
				t.Errorf("ended: %v", ended)
			}
			if again := g.sessions(at(16, 32, 0, 0)); len(again) != 0 {
				t.Errorf("told again: %v", again)
			}
		})
	}
}

// A session that shows by its connection as well is one session, and whose it is comes
// from the log.
func TestSessionByLogAndConnection(t *testing.T) {
	t.Parallel()
	anydesk := process{pid: 50, parent: 1, exe: "/usr/bin/anydesk", args: []string{"anydesk"}, sockets: []int{60, 61}}
	g := newGrowing(t, machine{
		processes: []process{anydesk},
		rows:      []row{{local: "0.0.0.0:7070", inode: 60}, {local: "198.51.100.20:7070", remote: "203.0.113.9:50000", inode: 61}},
		files:     map[string]string{"var/log/anydesk.trace": ""},
	})
	first := g.sessions(at(15, 59, 0, 0))
	g.write("var/log/anydesk.trace", anyDeskCame)
	got := g.sessions(at(16, 1, 0, 0))
	if len(first) != 1 || len(got) != 1 || got[0].GetId() != first[0].GetId() || len(got[0].GetAccountHash()) != 16 ||
		got[0].GetEstablishedBy() != farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION {
		t.Fatalf("sessions: %v, then %v", first, got)
	}
	g.write("var/log/anydesk.trace", anyDeskWent)
	if got = g.sessions(at(16, 31, 0, 0)); len(got) != 1 || got[0].GetEndedAt() != nil {
		t.Errorf("while the connection lasts: %v", got)
	}
}

// Two people in one tool at once are two sessions, which end each for itself.
func TestTwoSessionsInOneLog(t *testing.T) {
	t.Parallel()
	const file = "home/kim/.local/share/logs/RustDesk/server/rustdesk_rCURRENT.log"
	another := strings.NewReplacer("#7", "#8", "17:00:00.250", "17:05:00.000", "17:30:00", "18:00:00", "203.0.113.9", "198.51.100.77")
	exe := "/usr/bin/rustdesk"
	g := newGrowing(t, machine{processes: []process{{pid: 50, parent: 1, exe: exe, args: []string{exe}}}, files: map[string]string{file: ""}})
	g.sessions(at(15, 59, 0, 0))
	g.write(file, rustDeskCame+another.Replace(rustDeskCame))
	open := g.sessions(at(16, 10, 0, 0))
	if len(open) != 2 || open[0].GetPeer() != "203.0.113.9" || open[1].GetPeer() != "198.51.100.77" || open[0].EndedAt != nil || open[1].EndedAt != nil {
		t.Fatalf("sessions: %v", open)
	}
	// A third comes and goes between two looks.
	third := strings.NewReplacer("#7", "#9", "17:00:00.250", "17:11:00.000", "17:30:00", "17:12:00", "203.0.113.9", "192.0.2.3")
	g.write(file, third.Replace(rustDeskCame+rustDeskWent))
	got := g.sessions(at(16, 13, 0, 0))
	if len(got) != 3 || got[0].EndedAt != nil || got[1].EndedAt != nil || got[2].GetPeer() != "192.0.2.3" || !got[2].GetEndedAt().AsTime().Equal(at(16, 12, 0, 0)) {
		t.Errorf("while two last: %v", got)
	}
	g.write(file, rustDeskWent)
	got = g.sessions(at(16, 31, 0, 0))
	if len(got) != 2 || got[0].GetId() != open[0].GetId() || !got[0].GetEndedAt().AsTime().Equal(at(16, 30, 0, 0)) || got[1].GetId() != open[1].GetId() || got[1].EndedAt != nil {
		t.Errorf("when the first has ended: %v", got)
	}
	g.write(file, another.Replace(rustDeskWent))
	if got = g.sessions(at(17, 1, 0, 0)); len(got) != 1 || got[0].GetId() != open[1].GetId() || !got[0].GetEndedAt().AsTime().Equal(at(17, 0, 0, 0)) {
		t.Errorf("when the second has ended: %v", got)
	}
}

// Of two people of whom one shows by a connection, too, each keeps their account.
func TestTwoSessionsAndOneConnection(t *testing.T) {
	t.Parallel()
	const file = "var/log/anydesk.trace"
	anydesk := process{pid: 50, parent: 1, exe: "/usr/bin/anydesk", args: []string{"anydesk"}, sockets: []int{60, 61}}
	g := newGrowing(t, machine{
		processes: []process{anydesk},
		rows:      []row{{local: "0.0.0.0:7070", inode: 60}, {local: "198.51.100.20:7070", remote: "203.0.113.9:50000", inode: 61}},
		files:     map[string]string{file: ""},
	})
	g.sessions(at(15, 59, 0, 0))
	relayed := strings.NewReplacer("987654321", "123456789", "203.0.113.9", "192.0.2.3", "16:00:", "15:59:")
	g.write(file, relayed.Replace(anyDeskCame)+anyDeskCame)
	got := g.sessions(at(16, 1, 0, 0))
	if len(got) != 2 || bytes.Equal(got[0].GetAccountHash(), got[1].GetAccountHash()) || len(got[0].GetAccountHash()) != 16 || len(got[1].GetAccountHash()) != 16 {
		t.Fatalf("sessions: %v", got)
	}
	for _, s := range got {
		byLog := s.GetEstablishedBy() == farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG
		if want := map[bool]string{true: "192.0.2.3", false: "203.0.113.9"}[byLog]; s.GetPeer() != want {
			t.Errorf("by log %v: %v", byLog, s)
		}
	}
}

// Where the system's log is a journal only, the same lines are in it.
func TestSessionInJournal(t *testing.T) {
	t.Parallel()
	const file = "var/log/journal/00000000000000000000000000000000/user-1000.journal"
	host := process{pid: 50, parent: 1, exe: "/opt/google/chrome-remote-desktop/chrome-remote-desktop-host", args: []string{"host"}}
	journals := map[string]string{}
	for _, name := range []string{"before", "after"} {
		f, err := os.Open("../internal/journal/testdata/" + name + ".journal.gz")
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		journals[name] = string(data)
	}
	g := newGrowing(t, machine{processes: []process{host}, files: map[string]string{file: journals["before"]}})
	now := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	if got := g.sessions(now); len(got) != 0 {
		t.Fatalf("what was there before is told: %v", got)
	}
	if err := os.WriteFile(filepath.Join(g.host.Root, file), []byte(journals["after"]), 0o600); err != nil {
		t.Fatal(err)
	}
	got := g.sessions(now.Add(time.Minute))
	if len(got) != 1 || got[0].GetTool() != "chrome-remote-desktop" || got[0].GetPeer() != "203.0.113.9" || len(got[0].GetAccountHash()) != 16 ||
		got[0].GetPath() != farmhoundv1.SessionPath_SESSION_PATH_DIRECT || got[0].GetStartedAt().AsTime().Hour() != 2 {
		t.Errorf("sessions: %v", got)
	}
}

// Two logs of one tool that have the same session tell of one, even if it was over before
// anybody looked.
func TestSessionInTwoLogs(t *testing.T) {
	t.Parallel()
	service, user := "var/log/anydesk.trace", "home/kim/.anydesk/anydesk.trace"
	anydesk := process{pid: 50, parent: 1, exe: "/usr/bin/anydesk", args: []string{"anydesk"}}
	g := newGrowing(t, machine{processes: []process{anydesk}, files: map[string]string{service: "", user: ""}})
	g.sessions(at(15, 59, 0, 0))
	g.write(service, anyDeskCame+anyDeskWent)
	g.write(user, anyDeskCame+anyDeskWent)
	if got := g.sessions(at(16, 31, 0, 0)); len(got) != 1 || !got[0].GetEndedAt().AsTime().Equal(at(16, 30, 0, 0)) {
		t.Errorf("sessions: %v", got)
	}
}

// A log that did not exist is new from its beginning on, a tool that ended without a word
// has ended its sessions, and TeamViewer's list has whole ones.
func TestLogsComeAndGo(t *testing.T) {
	t.Parallel()
	files := map[string]string{"var/lib/dpkg/status": "Package: anydesk\nStatus: install ok installed\nVersion: 7\n\nPackage: teamviewer\nStatus: install ok installed\nVersion: 15\n"}
	running := machine{processes: []process{{pid: 50, parent: 1, exe: "/usr/bin/anydesk", args: []string{"anydesk"}}}, files: maps.Clone(files)}
	g := newGrowing(t, running)
	g.sessions(at(15, 50, 0, 0))
	g.write("var/log/anydesk.trace", anyDeskCame)
	if got := g.sessions(at(16, 1, 0, 0)); len(got) != 1 {
		t.Fatalf("in a new log: %v", got)
	}
	if err := os.RemoveAll(filepath.Join(g.host.Root, "proc/50")); err != nil {
		t.Fatal(err)
	}
	g.write("opt/teamviewer/logfiles/Connections_incoming.txt", incoming)
	got := g.sessions(at(16, 5, 0, 0))
	if len(got) != 2 || got[0].GetTool() != "teamviewer" || got[0].GetEndedAt() == nil || got[1].GetEndedAt() == nil || len(got[0].GetAccountHash()) != 16 {
		t.Errorf("sessions: %v", got)
	}
}

// What one of a tool's files has begun another ends.
func TestSessionInTwoFiles(t *testing.T) {
	t.Parallel()
	const service, user = "var/log/anydesk.trace", "home/kim/.anydesk/ad.trace"
	g := newGrowing(t, machine{
		processes: []process{{pid: 50, parent: 1, exe: "/usr/bin/anydesk", args: []string{"anydesk", "--service"}}},
		files:     map[string]string{service: "", user: ""},
	})
	g.sessions(at(15, 59, 0, 0))
	checkInTwoFiles(t, service, user, g.write, func(now time.Time) *farmhoundv1.Report {
		g.now = now
		report := &farmhoundv1.Report{}
		if err := g.sense.Observe(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		return report
	})
}

// Where it cannot be seen whether there is a log, that is said.
func TestLogsHidden(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, machine{
		processes: []process{{pid: 50, parent: 1, exe: "/usr/bin/anydesk", args: []string{"anydesk"}}},
		files:     map[string]string{"home/kim/keep": ""},
	})
	if err := os.Symlink("anydesk.trace", filepath.Join(g.host.Root, "home/kim/.anydesk")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".anydesk", filepath.Join(g.host.Root, "home/kim/anydesk.trace")); err != nil {
		t.Fatal(err)
	}
	if err := g.sense.Observe(t.Context(), &farmhoundv1.Report{}); err == nil || !strings.Contains(err.Error(), detailLogs) {
		t.Errorf("observe: %v", err)
	}
}
