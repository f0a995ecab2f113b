package software

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// recordedMac is what a running macOS answered, with listings as its own programs print
// them. What lies on disk is a tree of files.
type recordedMac struct {
	processes  []macProcess
	programs   map[int32]string
	netstat    string
	nettop     string
	interfaces []string
	refuse     error // of everything that a program is run for

	listed, measured int
}

func (r *recordedMac) AppendProcesses(dst []macProcess) ([]macProcess, error) {
	return append(dst, r.processes...), nil
}
func (r *recordedMac) ProgramPath(pid int32) string { return r.programs[pid] }
func (r *recordedMac) AppendSockets(_ context.Context, dst []sockets.Owned) ([]sockets.Owned, error) {
	r.listed++
	return sockets.AppendNetstat(dst, netstatHead+r.netstat), r.refuse
}
func (r *recordedMac) Statistics(context.Context) ([]sockets.Statistics, error) {
	r.measured++
	return sockets.ParseNettop(nettopHead + r.nettop), r.refuse
}
func (r *recordedMac) Interfaces() []string { return r.interfaces }

const (
	netstatHead = "Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)          rxbytes      txbytes  rhiwat  shiwat          process:pid    state  options           gencnt    flags   flags1 usecnt rtncnt fltrs\n"
	nettopHead  = "time,,interface,state,bytes_in,bytes_out,rx_dupe,rx_ooo,re-tx,rtt_avg,rcvsize,tx_win,tc_class,tc_mgt,cc_algo,P,C,R,W,arch,\n"
	netstatTail = "    00102 00000000 0000000000005b12 00000080 04000900      2      0 000000\n"
)

// add notes a process and where its program lies.
func (r *recordedMac) add(pid, parent int32, program string) {
	comm := program[strings.LastIndexByte(program, '/')+1:]
	r.processes = append(r.processes, macProcess{pid: pid, parent: parent, created: macNow.Add(-time.Hour + time.Duration(pid)*time.Second), comm: comm[:min(len(comm), 16)]})
	if r.programs == nil {
		r.programs = map[int32]string{}
	}
	r.programs[pid] = program
}

var macNow = time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)

// macDisk writes files into a tree. A list is given as what is within its dictionary.
func macDisk(t *testing.T, files map[string]string) host.Host {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".plist") {
			content = `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>` + content + `</dict></plist>`
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return host.Host{Root: root, Now: func() time.Time { return macNow }}
}

func entry(pairs ...string) (out string) {
	for i := 0; i < len(pairs); i += 2 {
		out += "<key>" + pairs[i] + "</key>" + pairs[i+1]
	}
	return out
}

func text(s string) string { return "<string>" + s + "</string>" }

// look observes once.
func look(t *testing.T, y *macSystem, h host.Host) (*farmhoundv1.Report, string) {
	t.Helper()
	report := &farmhoundv1.Report{}
	err := y.observe(t.Context(), h, catalog.BuiltIn(), fleetkey.Ring{}, report)
	partial := host.Partial{}
	if err != nil && !errors.As(err, &partial) {
		t.Fatal(err)
	}
	return report, partial.Detail
}

func toolIn(t *testing.T, r *farmhoundv1.Report, id string) *farmhoundv1.Tool {
	t.Helper()
	for _, tool := range r.GetSoftware().GetTools() {
		if tool.GetId() == id {
			return tool
		}
	}
	t.Fatalf("no %s among %v", id, r.GetSoftware().GetTools())
	return nil
}

// ordinaryMac are processes of every Mac, by which nothing is found.
func ordinaryMac(r *recordedMac) {
	for i, program := range []string{
		"/sbin/launchd", "/usr/libexec/logd", "/System/Library/CoreServices/loginwindow.app/Contents/MacOS/loginwindow",
		"/usr/sbin/mDNSResponder", "/System/Library/CoreServices/Finder.app/Contents/MacOS/Finder",
		"/System/Library/CoreServices/Dock.app/Contents/MacOS/Dock", "/Applications/Safari.app/Contents/MacOS/Safari",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Utilities/Terminal.app/Contents/MacOS/Terminal",
		"/Applications/Microsoft Outlook.app/Contents/MacOS/Microsoft Outlook", "/bin/zsh", "/usr/libexec/nehelper",
		"/System/Library/CoreServices/RemoteManagement/ARDAgent.app/Contents/MacOS/ARDAgent",
		"/System/Library/CoreServices/SSMenuAgent.app/Contents/MacOS/SSMenuAgent",
	} {
		r.add(int32(i+1), 1, program)
	}
}

// appleJobs are those of Apple's that every Mac has, switched off.
var appleJobs = map[string]string{
	"/System/Library/LaunchDaemons/com.apple.screensharing.plist": entry("Label", text("com.apple.screensharing"), "Disabled", "<true/>", "Sockets", "<dict><key>Listener</key><dict/></dict>"),
	"/System/Library/LaunchDaemons/ssh.plist":                     entry("Label", text("com.openssh.sshd"), "Disabled", "<true/>", "Sockets", "<dict><key>Listeners</key><dict/></dict>"),
	"/Library/Application Support/Apple/Remote Desktop/x":         "",
	"/Users/alice/Documents/x":                                    "",
}

func withApple(files map[string]string) map[string]string {
	for name, content := range appleJobs {
		if _, ok := files[name]; !ok {
			files[name] = content
		}
	}
	return files
}

func TestMacOrdinary(t *testing.T) {
	t.Parallel()
	h := macDisk(t, withApple(map[string]string{
		"/Applications/Google Chrome.app/Contents/Info.plist": entry("CFBundleIdentifier", text("com.google.Chrome")),
		"/Applications/Safari.app/Contents/Info.plist":        entry("CFBundleIdentifier", text("com.apple.Safari")),
		"/Library/LaunchAgents/com.google.keystone.plist":     entry("Label", text("com.google.keystone.agent"), "RunAtLoad", "<true/>"),
		"/var/db/receipts/com.apple.pkg.CLTools.plist":        entry("PackageIdentifier", text("com.apple.pkg.CLTools")),
	}))
	m := &recordedMac{interfaces: []string{"lo0", "en0", "awdl0", "utun0"}}
	ordinaryMac(m)
	y := newMacSystem(m, h)
	report, detail := look(t, &y, h)
	if len(report.GetSoftware().GetTools()) != 0 || len(report.GetRemoteSessions()) != 0 || detail != "" {
		t.Errorf("found %v, sessions %v, not seen: %q", report.GetSoftware().GetTools(), report.GetRemoteSessions(), detail)
	}
}

// TestMacInstalled finds a tool by its application, its jobs and its receipt, and a
// session through it by the program that runs only then.
func TestMacInstalled(t *testing.T) {
	t.Parallel()
	files := withApple(map[string]string{
		"/Applications/TeamViewer.app/Contents/Info.plist": entry("CFBundleIdentifier", text("com.teamviewer.TeamViewer"),
			"CFBundleShortVersionString", text("15.51.5"), "CFBundleExecutable", text("TeamViewer")),
		"/Library/LaunchDaemons/com.teamviewer.service.plist": entry("Label", text("com.teamviewer.service"), "RunAtLoad", "<true/>",
			"ProgramArguments", "<array>"+text("/Applications/TeamViewer.app/Contents/MacOS/TeamViewer_Service")+"</array>"),
		"/var/db/receipts/com.teamviewer.teamviewer.plist": entry("PackageIdentifier", text("com.teamviewer.teamviewer"), "PackageVersion", text("15.51.5")),
	})
	m := &recordedMac{}
	ordinaryMac(m)
	m.add(200, 1, "/Applications/TeamViewer.app/Contents/MacOS/TeamViewer_Service")
	h := macDisk(t, files)
	y := newMacSystem(m, h)
	report, _ := look(t, &y, h)
	tool := toolIn(t, report, "teamviewer")
	if !tool.GetInstalled() || !tool.GetRunning() || !tool.GetUnattended() || tool.GetControlled() || tool.GetRenamed() || tool.GetUserWritable() ||
		tool.GetVersion() != "15.51.5" || tool.GetScope() != farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM {
		t.Errorf("%v", tool)
	}
	for _, by := range []farmhoundv1.FoundBy{farmhoundv1.FoundBy_FOUND_BY_PROCESS, farmhoundv1.FoundBy_FOUND_BY_PACKAGE,
		farmhoundv1.FoundBy_FOUND_BY_SERVICE, farmhoundv1.FoundBy_FOUND_BY_APPLICATION} {
		if !slices.Contains(tool.GetFoundBy(), by) {
			t.Errorf("not found by %v", by)
		}
	}

	m.add(300, 200, "/Applications/TeamViewer.app/Contents/MacOS/TeamViewer_Desktop")
	report, _ = look(t, &y, h)
	if s := report.GetRemoteSessions(); len(s) != 1 || s[0].GetTool() != "teamviewer" || s[0].GetEstablishedBy() != farmhoundv1.EstablishedBy_ESTABLISHED_BY_PROCESS ||
		!toolIn(t, report, "teamviewer").GetControlled() {
		t.Fatalf("sessions %v", s)
	}
	m.processes = m.processes[:len(m.processes)-1]
	report, _ = look(t, &y, h)
	if s := report.GetRemoteSessions(); len(s) != 1 || s[0].GetEndedAt() == nil {
		t.Errorf("the end of the session is not told: %v", s)
	}
}

// TestMacJobSwitchedOff goes by what launchd was told over what the job's own list says.
func TestMacJobSwitchedOff(t *testing.T) {
	t.Parallel()
	const job = "/Library/LaunchDaemons/com.philandro.anydesk.service.plist"
	starts := entry("Label", text("com.philandro.anydesk.service"), "KeepAlive", "<dict><key>SuccessfulExit</key><false/></dict>", "Program", text("/opt/a"))
	for name, test := range map[string]struct {
		files      map[string]string
		unattended bool
	}{
		"runs":           {map[string]string{job: starts}, true},
		"on demand":      {map[string]string{job: entry("Label", text("com.philandro.anydesk.service"), "Program", text("/opt/a"))}, false},
		"its own list":   {map[string]string{job: starts + entry("Disabled", "<true/>")}, false},
		"overridden off": {map[string]string{job: starts, overridesList: entry("com.philandro.anydesk.service", "<true/>")}, false},
		"overridden on":  {map[string]string{job: starts + entry("Disabled", "<true/>"), overridesList: entry("com.philandro.anydesk.service", "<false/>")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := macDisk(t, test.files)
			y := newMacSystem(&recordedMac{}, h)
			report, _ := look(t, &y, h)
			if tool := toolIn(t, report, "anydesk"); tool.GetUnattended() != test.unattended || !tool.GetInstalled() || tool.GetRunning() {
				t.Errorf("%v", tool)
			}
		})
	}
}

// TestMacRenamed finds a program that was renamed, in an application that was renamed as
// well, by what it was signed as, and the session over its connection.
func TestMacRenamed(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile("testdata/macos/program")
	if err != nil {
		t.Fatal(err)
	}
	const where = "/Users/eve/Downloads/Notes.app/Contents/MacOS/Notes"
	h := macDisk(t, withApple(map[string]string{where: string(program)}))
	m := &recordedMac{
		netstat: "tcp46      0      0  *.7070                 *.*                    LISTEN                 0            0  131072  131072   Notes:400" + netstatTail +
			"tcp4       0      0  192.168.7.20.7070      198.51.100.9.40112     ESTABLISHED        17867       175129  131072  132240   Notes:400" + netstatTail +
			"tcp4       0      0  192.168.7.20.64161     203.0.113.95.443       ESTABLISHED        13398         5574 1048576   29040   Notes:400" + netstatTail,
		nettop: "02:34:20.185318,tcp4 192.168.7.20:7070<->198.51.100.9:40112,en0,Established,17867,175129,0,3590,0,208.53 ms,131072,31872,BE,-,cubic,-,-,-,-,so,\n",
	}
	ordinaryMac(m)
	m.add(400, 1, where)
	y := newMacSystem(m, h)
	report, detail := look(t, &y, h)
	tool := toolIn(t, report, "anydesk")
	if !tool.GetRenamed() || !tool.GetUserWritable() || !tool.GetControlled() || tool.GetInstalled() || tool.GetUnattended() || detail != "" ||
		tool.GetScope() != farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE || !slices.Equal(tool.GetListeningPorts(), []uint32{7070}) {
		t.Errorf("%v, not seen: %q", tool, detail)
	}
	if len(report.GetRemoteSessions()) != 1 {
		t.Fatalf("sessions %v", report.GetRemoteSessions())
	}
	s := report.GetRemoteSessions()[0]
	if s.GetPeer() != "198.51.100.9" || s.GetPeerClass() != farmhoundv1.PeerClass_PEER_CLASS_GLOBAL || s.GetPath() != farmhoundv1.SessionPath_SESSION_PATH_DIRECT ||
		s.GetRttMinMs() != 208.53 || s.GetBytesIn() != 17867 || s.GetBytesOut() != 175129 {
		t.Errorf("%v", s)
	}
	look(t, &y, h)
	if m.listed != 2 || m.measured != 1 {
		t.Errorf("of two looks connections were listed in %d and round trips in %d", m.listed, m.measured)
	}
}

// TestMacSigner says of a program that nobody or somebody else signed that its signer is
// not the known one, and nothing of one that cannot be read or is none.
func TestMacSigner(t *testing.T) {
	t.Parallel()
	var unsigned []byte // a program of one segment, as the linker for Intel's processors leaves it
	for _, word := range []uint32{0xfeedfacf, 0x01000007, 3, 2, 1, 72, 0, 0, 0x19, 72} {
		unsigned = binary.LittleEndian.AppendUint32(unsigned, word)
	}
	unsigned = append(unsigned, make([]byte, 64)...)
	signed, err := os.ReadFile("testdata/macos/program")
	if err != nil {
		t.Fatal(err)
	}
	known := &farmhoundv1.Catalog{}
	if err := proto.Unmarshal(catalog.BuiltInBytes(), known); err != nil {
		t.Fatal(err)
	}
	for _, e := range known.GetEntries() {
		if e.GetId() == "anydesk" {
			e.Facts = append(e.Facts, &farmhoundv1.Fact{
				Kind: farmhoundv1.FactKind_FACT_KIND_SIGNER, Os: onMac, Value: "KU6W3B6JMZ", Strength: farmhoundv1.Strength_STRENGTH_SUPPORTING,
			})
		}
	}
	encoded, err := catalog.Encode(known)
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Load(encoded)
	if err != nil {
		t.Fatal(err)
	}
	const where = "/Applications/AnyDesk.app/Contents/MacOS/AnyDesk"
	for name, tt := range map[string]struct {
		files map[string]string
		want  *bool
	}{
		"unsigned":         {map[string]string{where: string(unsigned)}, new(false)},
		"by somebody else": {map[string]string{where: strings.Replace(string(signed), "KU6W3B6JMZ", "AAAAAAAAAA", 1)}, new(false)},
		"by the known":     {map[string]string{where: string(signed)}, nil},
		"no program":       {map[string]string{where: "#!/bin/sh\n"}, nil},
		"absent":           {map[string]string{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := macDisk(t, withApple(tt.files))
			m := &recordedMac{}
			ordinaryMac(m)
			m.add(400, 1, where)
			y := newMacSystem(m, h)
			report := &farmhoundv1.Report{}
			if err := y.observe(t.Context(), h, c, fleetkey.Ring{}, report); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, toolIn(t, report, "anydesk").SignerKnown); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestMacRefused says what it could not see, and nothing of what it means.
func TestMacRefused(t *testing.T) {
	t.Parallel()
	m := &recordedMac{refuse: errors.New("not permitted")}
	m.add(400, 1, "/Applications/AnyDesk.app/Contents/MacOS/AnyDesk")
	m.processes = append(m.processes, macProcess{pid: 500, parent: 1, comm: "hidden"})
	h := macDisk(t, nil)
	y := newMacSystem(m, h)
	report, detail := look(t, &y, h)
	if want := detailMacPrograms + "; " + detailMacOwners; detail != want {
		t.Errorf("not seen: %q, want %q", detail, want)
	}
	if tool := toolIn(t, report, "anydesk"); tool.GetControlled() || len(tool.GetListeningPorts()) != 0 || tool.SignerKnown != nil {
		t.Errorf("%v", tool)
	}
	y = newMacSystem(nil, h)
	if _, detail := look(t, &y, h); detail != detailMacRecorded {
		t.Errorf("of a recorded disk is not seen: %q", detail)
	}
}

// TestMacQuiet asks for connections once a minute where nothing of the catalogue runs,
// and reads no list again that has not changed.
func TestMacQuiet(t *testing.T) {
	t.Parallel()
	h := macDisk(t, withApple(map[string]string{"/Applications/Safari.app/Contents/Info.plist": entry("CFBundleIdentifier", text("com.apple.Safari"))}))
	now := macNow
	h.Now = func() time.Time { return now }
	m := &recordedMac{}
	m.add(10, 1, "/usr/libexec/logd")
	y := newMacSystem(m, h)
	for range 5 { // over 75 s
		look(t, &y, h)
		now = now.Add(15 * time.Second)
	}
	if m.listed != 2 {
		t.Errorf("connections were listed %d times", m.listed)
	}
	if l := y.inventory.lists["/Applications/Safari.app/Contents/Info.plist"]; l == nil || l.identifier != "com.apple.Safari" {
		t.Errorf("what was read is %+v", l)
	}
	if err := os.RemoveAll(filepath.Join(h.Root, "Applications")); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	look(t, &y, h)
	if l := y.inventory.lists["/Applications/Safari.app/Contents/Info.plist"]; l != nil {
		t.Errorf("what is gone is kept: %+v", l)
	}
}

// TestMacExec looks again at a process that has become another program.
func TestMacExec(t *testing.T) {
	t.Parallel()
	h := macDisk(t, nil)
	m := &recordedMac{}
	m.add(400, 1, "/bin/sh")
	y := newMacSystem(m, h)
	look(t, &y, h)
	m.processes[0].comm, m.programs[400] = "AnyDesk", "/Applications/AnyDesk.app/Contents/MacOS/AnyDesk"
	report, _ := look(t, &y, h)
	if tool := toolIn(t, report, "anydesk"); !tool.GetRunning() || len(y.known) != 1 {
		t.Errorf("%v, %d processes known", tool, len(y.known))
	}
}
