package software

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/pefile"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/terminals"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// recordedWindows is what a Windows answered. Listings are as its own commands print
// them, reduced to what the sense reads.
type recordedWindows struct {
	processes    []winProcess
	programs     map[uint32]string         // paths by process
	names        map[string]pefile.Program // by path
	trusted      map[string]bool
	applications []winApplication
	services     []winService
	packages     []string
	interfaces   []string
	logs         map[string]string // by path
	files        []string          // folders end in \
	sockets      []sockets.Owned
	measured     *sockets.Socket
	terminals    []terminals.Session

	programsRead int
}

func (r *recordedWindows) AppendProcesses(dst []winProcess) ([]winProcess, error) {
	return append(dst, r.processes...), nil
}
func (r *recordedWindows) ProgramPath(pid uint32) string { return r.programs[pid] }
func (r *recordedWindows) Program(path string) (pefile.Program, error) {
	r.programsRead++
	return r.names[path], nil
}
func (r *recordedWindows) Trusted(path string) *bool {
	if trusted, ok := r.trusted[path]; ok {
		return &trusted
	}
	return nil
}
func (r *recordedWindows) Applications(found func(winApplication)) error {
	for _, a := range r.applications {
		found(a)
	}
	return nil
}
func (r *recordedWindows) Services() ([]winService, error) { return r.services, nil }
func (r *recordedWindows) Packages() []string              { return r.packages }
func (r *recordedWindows) Interfaces() []string            { return r.interfaces }
func (r *recordedWindows) Homes() []string                 { return []string{`C:\Users\ada`} }
func (r *recordedWindows) IsFolder(path string) (folder, exists bool) {
	folder = slices.Contains(r.files, path+`\`)
	return folder, folder || slices.Contains(r.files, path)
}
func (r *recordedWindows) OpenLog(path string) (*os.File, error) {
	log, ok := r.logs[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return os.Open(log)
}
func (r *recordedWindows) AppendSockets(dst []sockets.Owned) ([]sockets.Owned, error) {
	return append(dst, r.sockets...), nil
}
func (r *recordedWindows) Measure(s *sockets.Owned) error {
	if r.measured == nil {
		return errors.New("refused")
	}
	s.MinRTT, s.RTT, s.Acked, s.Received, s.Measured = r.measured.MinRTT, r.measured.RTT, r.measured.Acked, r.measured.Received, true
	return nil
}
func (r *recordedWindows) Terminals() ([]terminals.Session, uint16, error) {
	return r.terminals, 3389, nil
}

var recordedAt = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// process adds a process with its program.
func (r *recordedWindows) process(pid, parent uint32, path string, names pefile.Program) {
	r.processes = append(r.processes, winProcess{pid: pid, parent: parent, created: recordedAt.Add(time.Duration(pid) * time.Second), image: path[strings.LastIndexByte(path, '\\')+1:]})
	if r.programs == nil {
		r.programs, r.names, r.trusted = map[uint32]string{}, map[string]pefile.Program{}, map[string]bool{}
	}
	r.programs[pid] = path
	r.names[path] = names
}

func listener(pid uint32, local string) sockets.Owned {
	return sockets.Owned{PID: pid, Socket: sockets.Socket{Local: netip.MustParseAddrPort(local), State: sockets.Listen}}
}

func established(pid uint32, local, remote string) sockets.Owned {
	return sockets.Owned{PID: pid, Socket: sockets.Socket{
		Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote), State: sockets.Established,
	}}
}

// observeWindows scans a recording once.
func observeWindows(t *testing.T, y *winSystem, at time.Time) (*farmhoundv1.Report, error) {
	t.Helper()
	into := &farmhoundv1.Report{}
	err := y.observe(t.Context(), host.Host{Now: func() time.Time { return at }}, catalog.BuiltIn(), testKeys(t), into)
	if errors.As(err, new(host.Partial)) {
		return into, err
	}
	if err != nil {
		t.Fatal(err)
	}
	return into, nil
}

func testKeys(t *testing.T) fleetkey.Ring {
	t.Helper()
	keys, err := fleetkey.NewRing([]*farmhoundv1.FleetKey{{Id: 7, Key: bytes.Repeat([]byte{1}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func scanWindows(t *testing.T, r *recordedWindows) (*farmhoundv1.Report, error) {
	t.Helper()
	y := newWinSystem(r)
	return observeWindows(t, &y, recordedAt.Add(time.Hour))
}

func reported(r *farmhoundv1.Report, id string) *farmhoundv1.Tool {
	for _, tool := range r.GetSoftware().GetTools() {
		if tool.GetId() == id {
			return tool
		}
	}
	return nil
}

// TestWindowsOrdinary finds nothing on a laptop with nothing on it.
func TestWindowsOrdinary(t *testing.T) {
	t.Parallel()
	r := &recordedWindows{
		applications: []winApplication{{key: "Microsoft Edge", name: "Microsoft Edge", version: "131.0"}, {key: "{90160000-008C}", name: "Microsoft 365 Apps for enterprise - en-us"}},
		services: []winService{
			{name: "TermService", program: `C:\Windows\System32\svchost.exe -k NetworkService`, auto: false},
			{name: "LanmanServer", program: `C:\Windows\system32\svchost.exe -k netsvcs -p`, auto: true, pid: 900},
		},
		packages: []string{"Microsoft.WindowsTerminal"},
		sockets:  []sockets.Owned{listener(4, "0.0.0.0:445"), established(2000, "192.168.1.5:50123", "203.0.113.80:443")},
	}
	microsoft := func(product, original string) pefile.Program {
		return pefile.Program{Company: "Microsoft Corporation", Product: product, Original: original, Signer: "Microsoft Windows"}
	}
	r.process(900, 700, `C:\Windows\System32\svchost.exe`, microsoft("Microsoft® Windows® Operating System", "svchost.exe"))
	r.process(1000, 900, `C:\Windows\explorer.exe`, microsoft("Microsoft® Windows® Operating System", "EXPLORER.EXE.MUI"))
	r.process(2000, 1000, `C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`, microsoft("Microsoft Edge", "msedge.exe"))
	report, err := scanWindows(t, r)
	if err != nil || len(report.GetSoftware().GetTools()) != 0 || len(report.GetRemoteSessions()) != 0 {
		t.Errorf("found %v, %v (%v), want nothing", report.GetSoftware(), report.GetRemoteSessions(), err)
	}
}

// TestWindowsRenamed tells a program that hides its name from one that does not.
func TestWindowsRenamed(t *testing.T) {
	t.Parallel()
	anydesk := pefile.Program{Company: "AnyDesk Software GmbH", Product: "AnyDesk", Original: "AnyDesk.exe", Version: "9.0.4"}
	for _, test := range []struct {
		name, path    string
		names         pefile.Program
		want, private bool
	}{
		{"under its own name", `C:\Program Files (x86)\AnyDesk\AnyDesk.exe`, anydesk, false, false},
		{"downloaded twice", `C:\Users\ada\Downloads\AnyDesk (1).exe`, anydesk, false, true},
		{"under the system's name", `C:\Users\ada\AppData\Roaming\svchost.exe`, anydesk, true, true},
		{"under a made-up name", `D:\tools\updater.exe`, anydesk, true, true},
		{"in a system folder", `C:\Windows\lsass32.exe`, anydesk, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := &recordedWindows{}
			r.process(4000, 1000, test.path, test.names)
			report, _ := scanWindows(t, r)
			tool := reported(report, "anydesk")
			if !tool.GetRunning() || tool.GetRenamed() != test.want || tool.GetUserWritable() != test.private || tool.GetVersion() != "9.0.4" {
				t.Errorf("got %v, want it running, renamed %v, where users write %v", tool, test.want, test.private)
			}
		})
	}
}

// TestWindowsInstalled finds what is installed by each of the ways it shows.
func TestWindowsInstalled(t *testing.T) {
	t.Parallel()
	r := &recordedWindows{
		applications: []winApplication{
			{key: "AnyViewer_is1", name: "AnyViewer", version: "4.5.0"},
			{key: "{8E9A}", name: "AweSun", version: "3.0.0", user: true},
		},
		services: []winService{
			{name: "tvnserver", program: `"C:\Program Files\TightVNC\tvnserver.exe" -service`, auto: true},
			{name: "rustdesk", program: `C:\Program Files\RustDesk\rustdesk.exe --service`},
		},
		files: []string{`C:\Program Files\TeamViewer\`},
	}
	report, err := scanWindows(t, r)
	if err != nil {
		t.Error(err)
	}
	for id, want := range map[string]*farmhoundv1.Tool{
		"anyviewer":  {Version: "4.5.0", Scope: farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM},
		"awesun":     {Version: "3.0.0", Scope: farmhoundv1.InstallScope_INSTALL_SCOPE_USER},
		"tightvnc":   {Scope: farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM, Unattended: true},
		"rustdesk":   {Scope: farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM}, // started by hand
		"teamviewer": {Scope: farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM},
	} {
		got := reported(report, id)
		if !got.GetInstalled() || got.GetRunning() || got.GetVersion() != want.Version || got.GetScope() != want.Scope || got.GetUnattended() != want.Unattended {
			t.Errorf("%s is %v, want it installed only and %v", id, got, want)
		}
	}
}

// TestWindowsSessions finds who is in control, by each of the ways it shows.
func TestWindowsSessions(t *testing.T) {
	t.Parallel()
	const (
		direct  = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
		unknown = farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN
	)
	type want struct {
		tool, peer string
		path       farmhoundv1.SessionPath
		by         farmhoundv1.EstablishedBy
	}
	vnc := func(r *recordedWindows) {
		r.process(4000, 700, `C:\Program Files\TightVNC\tvnserver.exe`, pefile.Program{})
		r.sockets = append(r.sockets, listener(4000, "0.0.0.0:5900"))
	}
	rdp := func(r *recordedWindows) {
		r.process(900, 700, `C:\Windows\System32\svchost.exe`, pefile.Program{})
		r.sockets = append(r.sockets, listener(900, "[::]:3389"))
	}
	ssh := func(r *recordedWindows) {
		r.process(3000, 700, `C:\Windows\System32\OpenSSH\sshd.exe`, pefile.Program{})
		r.process(3100, 3000, `C:\Windows\System32\OpenSSH\sshd.exe`, pefile.Program{})
		r.sockets = append(r.sockets, listener(3000, "0.0.0.0:22"), established(3100, "192.168.1.5:22", "203.0.113.9:40000"))
	}
	for _, test := range []struct {
		name string
		set  func(*recordedWindows)
		want []want
	}{
		{"nobody", vnc, nil},
		{"a viewer", func(r *recordedWindows) {
			vnc(r)
			r.sockets = append(r.sockets, established(4000, "192.168.1.5:5900", "203.0.113.9:50000"))
		}, []want{{"tightvnc", "203.0.113.9", direct, farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION}}},
		{"a viewer that is waited for", func(r *recordedWindows) {
			vnc(r)
			r.sockets = append(r.sockets, established(4000, "192.168.1.5:50001", "203.0.113.9:5500"))
		}, []want{{"tightvnc", "203.0.113.9", direct, farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION}}},
		{"a socket without an owner", func(r *recordedWindows) {
			vnc(r)
			r.sockets = append(r.sockets, established(0, "192.168.1.5:5900", "203.0.113.9:50000"))
		}, []want{{"tightvnc", "203.0.113.9", direct, farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION}}},
		{"remote desktop, whose client names its own network's address", func(r *recordedWindows) {
			rdp(r)
			r.terminals = []terminals.Session{{ID: 2, State: terminals.Active, Protocol: terminals.RDP, Client: netip.MustParseAddr("10.9.8.7"), ConnectedAt: recordedAt}}
			r.sockets = append(r.sockets, established(900, "192.168.1.5:3389", "203.0.113.9:50000"))
		}, []want{{remoteDesktop, "203.0.113.9", direct, farmhoundv1.EstablishedBy_ESTABLISHED_BY_SYSTEM}}},
		{"remote desktop that was left", func(r *recordedWindows) {
			rdp(r)
			r.terminals = []terminals.Session{{ID: 2, State: terminals.Disconnected}, {ID: 1, State: terminals.Active}}
		}, nil},
		{"a process that is there during sessions only", func(r *recordedWindows) {
			r.process(5000, 700, `C:\Program Files\TeamViewer\TeamViewer_Desktop.exe`, pefile.Program{})
		}, []want{{"teamviewer", "", unknown, farmhoundv1.EstablishedBy_ESTABLISHED_BY_PROCESS}}},
		{"ssh before anybody has logged on", ssh, nil},
		{"ssh with a shell", func(r *recordedWindows) {
			ssh(r)
			r.process(3200, 3100, `C:\Windows\System32\conhost.exe`, pefile.Program{})
			r.process(3300, 3200, `C:\Windows\System32\cmd.exe`, pefile.Program{})
		}, []want{{"sshd", "203.0.113.9", direct, farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := &recordedWindows{}
			test.set(r)
			report, _ := scanWindows(t, r)
			var got []want
			for _, s := range report.GetRemoteSessions() {
				got = append(got, want{s.GetTool(), s.GetPeer(), s.GetPath(), s.GetEstablishedBy()})
				if !reported(report, s.GetTool()).GetControlled() {
					t.Errorf("%s is in a session and not in control", s.GetTool())
				}
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestWindowsMeasured follows a session: its round trips and bytes, and its end.
func TestWindowsMeasured(t *testing.T) {
	t.Parallel()
	r := &recordedWindows{measured: &sockets.Socket{MinRTT: 71 * time.Millisecond, RTT: 84 * time.Millisecond, Acked: 70_000, Received: 3_000}}
	r.process(4000, 700, `C:\Program Files\TightVNC\tvnserver.exe`, pefile.Program{})
	r.sockets = []sockets.Owned{listener(4000, "0.0.0.0:5900"), established(4000, "192.168.1.5:5900", "203.0.113.9:50000")}
	y := newWinSystem(r)
	first, err := observeWindows(t, &y, recordedAt.Add(time.Hour))
	if err != nil || len(first.GetRemoteSessions()) != 1 {
		t.Fatalf("got %v (%v), want one session", first.GetRemoteSessions(), err)
	}
	s := first.GetRemoteSessions()[0]
	if s.GetRttMinMs() != 71 || s.GetRttMedianMs() != 84 || s.GetBytesOut() != 70_000 || s.GetBytesIn() != 3_000 {
		t.Errorf("got %v, want 71 and 84 ms, 70,000 and 3,000 bytes", s)
	}
	read := r.programsRead
	r.sockets = r.sockets[:1]
	second, _ := observeWindows(t, &y, recordedAt.Add(time.Hour+time.Minute))
	if ended := second.GetRemoteSessions(); len(ended) != 1 || ended[0].GetId() != s.GetId() || ended[0].GetEndedAt() == nil {
		t.Errorf("got %v, want the same session with its end", ended)
	}
	if r.programsRead != read {
		t.Errorf("programs were read %d times, want once each", r.programsRead)
	}
	r.measured = nil
	r.sockets = append(r.sockets, established(4000, "192.168.1.5:5900", "203.0.113.9:50001"))
	third, err := observeWindows(t, &y, recordedAt.Add(time.Hour+2*time.Minute))
	if len(third.GetRemoteSessions()) != 1 || third.GetRemoteSessions()[0].RttMinMs != nil || err == nil || err.Error() != detailEStats {
		t.Errorf("got %v (%v), want a session without round trips and the reason", third.GetRemoteSessions(), err)
	}
	r.sockets = []sockets.Owned{listener(4000, "[::]:5900"), established(4000, "[2001:db8::5]:5900", "[2001:db8:1::9]:50001")}
	fourth, err := observeWindows(t, &y, recordedAt.Add(time.Hour+3*time.Minute))
	if sessions := fourth.GetRemoteSessions(); len(sessions) != 2 || sessions[1].RttMinMs != nil || sessions[1].GetPeer() != "2001:db8:1::9" || err != nil {
		t.Errorf("got %v (%v), want a session over IPv6, of which nothing was refused", sessions, err)
	}
}

// TestWindowsVisits takes what TeamViewer wrote down: one session that was seen while it
// lasted, which learns whose it was, and one by the same person that was not.
func TestWindowsVisits(t *testing.T) {
	t.Parallel()
	const path = `C:\Program Files\TeamViewer\Connections_incoming.txt`
	r := &recordedWindows{logs: map[string]string{}, files: []string{`C:\Program Files\TeamViewer\`}} // TeamViewer begins it with the first
	r.process(5000, 700, `C:\Program Files\TeamViewer\TeamViewer_Desktop.exe`, pefile.Program{})
	y := newWinSystem(r)
	begun := r.processes[0].created
	first, _ := observeWindows(t, &y, begun.Add(time.Minute))
	if len(first.GetRemoteSessions()) != 1 {
		t.Fatalf("got %v, want the session that the process shows", first.GetRemoteSessions())
	}
	line := func(from, to time.Time) string {
		const layout = "02-01-2006 15:04:05"
		return "123456789\tX\t" + from.Format(layout) + "\t" + to.Format(layout) + "\tada\tRemoteControl\t{1}\r\n"
	}
	r.processes = nil
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte(line(begun.Add(-3*time.Hour), begun.Add(-2*time.Hour))+line(begun, begun.Add(10*time.Minute))), 0o600); err != nil {
		t.Fatal(err)
	}
	r.logs[path] = log
	second, _ := observeWindows(t, &y, begun.Add(11*time.Minute))
	sessions := second.GetRemoteSessions()
	if len(sessions) != 2 {
		t.Fatalf("got %v, want two sessions", sessions)
	}
	logged, seen := sessions[0], sessions[1]
	if seen.GetId() != first.GetRemoteSessions()[0].GetId() || seen.GetEndedAt() == nil || len(seen.GetAccountHash()) != 16 || seen.GetKeyId() != 7 {
		t.Errorf("got %v, want the same session, ended, with a hash of whose it was", seen)
	}
	if logged.GetEstablishedBy() != farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG || !bytes.Equal(logged.GetAccountHash(), seen.GetAccountHash()) ||
		!logged.GetEndedAt().AsTime().Equal(begun.Add(-2*time.Hour)) {
		t.Errorf("got %v, want what the log says of an earlier session, of the same person", logged)
	}
}

func TestProgramOfCommand(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		`"C:\Program Files\A\a.exe" --service`: `C:\Program Files\A\a.exe`,
		`C:\Program Files\A\a.exe --service`:   `C:\Program Files\A\a.exe`,
		`C:\A\A.EXE -k net`:                    `C:\A\A.EXE`,
		`\SystemRoot\drivers\x.sys`:            `\SystemRoot\drivers\x.sys`,
		`"C:\open`:                             `C:\open`,
		"C:\\\x80b.eXe -k":                     "C:\\\x80b.eXe",
		``:                                     ``,
	} {
		if got := programOfCommand(command); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}

func FuzzWindowsNames(f *testing.F) {
	f.Add(`C:\Users\ada\x.exe`, `"C:\a b\c.exe" -k`)
	f.Fuzz(func(t *testing.T, path, command string) {
		if !strings.Contains(command, programOfCommand(command)) {
			t.Errorf("the program of %q is %q", command, programOfCommand(command))
		}
		if home := winHomeless(path); home != path && !strings.HasPrefix(home, `~\`) {
			t.Errorf("%q becomes %q", path, home)
		}
		s := winSuspect{path: path}
		_, _ = s.writable(), s.fileName()
	})
}
