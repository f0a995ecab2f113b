package software

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// booted is when the recorded machine was.
var booted = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)

// process is one process of a recorded machine, started so many seconds after boot.
type process struct {
	pid, parent int
	exe         string
	args        []string
	comm        string // of exe where empty
	terminal    int    // N of /dev/pts/N and one, so that zero is none
	started     int
	sockets     []int
	ended       bool
}

// row is one line of /proc/net/tcp.
type row struct {
	local, remote string
	inode         int
}

// machine is a recorded machine.
type machine struct {
	processes []process
	rows      []row
	files     map[string]string
}

func (m machine) write(t *testing.T) host.Host {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{
		"proc/stat":    fmt.Sprintf("cpu  1 2 3\nbtime %d\n", booted.Unix()),
		"proc/net/tcp": "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n",
	}
	for i, r := range m.rows {
		state, remote := 1, r.remote
		if remote == "" {
			state, remote = 10, "0.0.0.0:0"
		}
		files["proc/net/tcp"] += fmt.Sprintf("%4d: %s %s %02X 00000000:00000000 00:00000000 00000000     0        0 %d 1 0 20 4\n",
			i, hexEnd(r.local), hexEnd(remote), state, r.inode)
	}
	for _, p := range m.processes {
		folder := fmt.Sprintf("proc/%d/", p.pid)
		comm, state, tty := p.comm, "S", 0
		if comm == "" {
			comm = filepath.Base(p.exe)
		}
		if p.ended {
			state = "Z"
		}
		if p.terminal > 0 {
			tty = 136<<8 + p.terminal - 1
		}
		files[folder+"stat"] = fmt.Sprintf("%d (%.15s) %s %d 1 1 %d -1 4194304 98 0 1 0 0 0 0 0 20 0 1 0 %d 3133440 388", p.pid, comm, state, p.parent, tty, p.started*100)
		files[folder+"status"] = "Name:\tx\nUid:\t0\t0\t0\t0\n"
		files[folder+"cmdline"] = strings.Join(p.args, "\x00") + "\x00"
		if !p.ended {
			files[folder+"exe"] = "-> " + p.exe
		}
		files[folder+"fd/0"] = "-> /dev/null"
		for i, inode := range p.sockets {
			files[fmt.Sprintf("%sfd/%d", folder, i+3)] = fmt.Sprintf("-> socket:[%d]", inode)
		}
	}
	maps.Copy(files, m.files)
	for name, content := range files {
		path := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if to, link := strings.CutPrefix(content, "-> "); err == nil && link {
			err = os.Symlink(to, path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return host.Host{Root: root, Now: func() time.Time { return booted.Add(10 * time.Hour) }}
}

// hexEnd writes an end of a connection as the kernel does.
func hexEnd(text string) string {
	end := netip.MustParseAddrPort(text)
	a := end.Addr().As4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", a[3], a[2], a[1], a[0], end.Port())
}

func observe(t *testing.T, h host.Host) *farmhoundv1.Report {
	t.Helper()
	report := &farmhoundv1.Report{}
	if err := New(h, catalog.BuiltIn()).Observe(t.Context(), report); err != nil {
		t.Fatalf("observe: %v", err)
	}
	return report
}

// told is a session as the tests below compare it.
type told struct {
	Tool, Peer string
	Class      farmhoundv1.PeerClass
	Path       farmhoundv1.SessionPath
}

// The servers of the recorded machines below. The viewer's address is 203.0.113.9.
var (
	x11vnc = process{pid: 100, parent: 1, exe: "/usr/bin/x11vnc", args: []string{"x11vnc", "-display", ":0"}, started: 60, sockets: []int{10, 11}}
	listen = row{local: "0.0.0.0:5900", inode: 10}
	sshd   = process{pid: 200, parent: 1, exe: "/usr/sbin/sshd", args: []string{"sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"}, sockets: []int{20}}
	door   = row{local: "0.0.0.0:22", inode: 20}
	served = process{pid: 210, parent: 200, exe: "/usr/sbin/sshd", args: []string{"sshd: root@pts/0"}, started: 300, sockets: []int{21, 22}}
	shell  = process{pid: 211, parent: 210, exe: "/usr/bin/bash", args: []string{"-bash"}, terminal: 1}
	by     = row{local: "198.51.100.20:22", remote: "203.0.113.9:50000", inode: 21}
)

func TestSessionsRecorded(t *testing.T) {
	t.Parallel()
	const (
		global   = farmhoundv1.PeerClass_PEER_CLASS_GLOBAL
		loopback = farmhoundv1.PeerClass_PEER_CLASS_LOOPBACK
		shared   = farmhoundv1.PeerClass_PEER_CLASS_SHARED
		direct   = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
		relay    = farmhoundv1.SessionPath_SESSION_PATH_RELAY
		unknown  = farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN
	)
	notty := served
	notty.args = []string{"sshd: root@notty"}
	domain := served
	domain.args = []string{"sshd: user@corp.example@pts/0,pts/4"}
	privileged := process{pid: 209, parent: 200, exe: "/usr/sbin/sshd", args: []string{"sshd: user [priv]"}, started: 299, sockets: []int{21}}
	unprivileged := served
	unprivileged.parent, unprivileged.args = 209, []string{"sshd: user@pts/0"}
	inner := process{pid: 212, parent: 211, exe: "/usr/bin/script", args: []string{"script"}, terminal: 9}
	tests := []struct {
		name string
		machine
		want []told
	}{
		{"a server alone", machine{[]process{x11vnc}, []row{listen}, nil}, nil},
		{"a viewer from afar", machine{[]process{x11vnc}, []row{listen, {"198.51.100.20:5900", "203.0.113.9:40000", 11}}, nil}, []told{{"x11vnc", "203.0.113.9", global, direct}}},
		{"over an overlay network", machine{[]process{x11vnc}, []row{listen, {"100.101.1.2:5900", "100.99.1.1:40000", 11}}, nil}, []told{{"x11vnc", "100.99.1.1", shared, direct}}},
		{"somebody else's connection", machine{[]process{x11vnc}, []row{listen, {"198.51.100.20:5900", "203.0.113.9:40000", 77}}, nil}, nil},
		{"to the display that it shares", machine{[]process{x11vnc}, []row{listen, {"127.0.0.1:40000", "127.0.0.1:6000", 11}}, nil}, nil},
		{"to a viewer that waits", machine{[]process{x11vnc}, []row{listen, {"198.51.100.20:40000", "203.0.113.9:5500", 11}}, nil}, []told{{"x11vnc", "203.0.113.9", global, direct}}},
		{
			"through ssh's forwarding",
			machine{[]process{x11vnc, sshd, notty}, []row{listen, door, by, {"127.0.0.1:5900", "127.0.0.1:41000", 11}, {"127.0.0.1:41000", "127.0.0.1:5900", 22}}, nil},
			[]told{{"x11vnc", "203.0.113.9", global, direct}},
		},
		{
			"through a tunnel",
			machine{
				[]process{x11vnc, {pid: 300, parent: 1, exe: "/usr/bin/cloudflared", args: []string{"cloudflared", "tunnel"}, sockets: []int{30}}},
				[]row{listen, {"127.0.0.1:5900", "127.0.0.1:41000", 11}, {"127.0.0.1:41000", "127.0.0.1:5900", 30}}, nil,
			},
			[]told{{"x11vnc", "127.0.0.1", loopback, relay}},
		},
		{
			"from a program of the laptop's own",
			machine{[]process{x11vnc}, []row{listen, {"127.0.0.1:5900", "127.0.0.1:41000", 11}, {"127.0.0.1:41000", "127.0.0.1:5900", 99}}, nil},
			[]told{{"x11vnc", "127.0.0.1", loopback, unknown}},
		},
		{"sshd alone", machine{[]process{sshd}, []row{door}, nil}, nil},
		{"a shell", machine{[]process{sshd, served, shell}, []row{door, by}, nil}, []told{{"sshd", "203.0.113.9", global, direct}}},
		{"a shell of a domain's user", machine{[]process{sshd, domain, shell}, []row{door, by}, nil}, []told{{"sshd", "203.0.113.9", global, direct}}},
		{"a shell with privileges apart", machine{[]process{sshd, privileged, unprivileged, shell}, []row{door, by}, nil}, []told{{"sshd", "203.0.113.9", global, direct}}},
		{"a command", machine{[]process{sshd, notty}, []row{door, by}, nil}, nil},
		{"a command with a terminal of its own", machine{[]process{sshd, notty, {pid: 211, parent: 210, exe: "/usr/bin/sudo"}, inner}, []row{door, by}, nil}, nil},
		{"a shell with a terminal inside", machine{[]process{sshd, served, shell, inner}, []row{door, by}, nil}, []told{{"sshd", "203.0.113.9", global, direct}}},
		{"what a shell left running", machine{[]process{sshd, {pid: 211, parent: 1, exe: "/usr/bin/tmux", terminal: 1}}, []row{door}, nil}, nil},
		{
			"a forwarded port is not the server's own door",
			machine{[]process{sshd, notty}, []row{door, by, {local: "0.0.0.0:9000", inode: 22}}, nil}, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			report := observe(t, tt.write(t))
			var got []told
			for _, s := range report.GetRemoteSessions() {
				got = append(got, told{s.GetTool(), s.GetPeer(), s.GetPeerClass(), s.GetPath()})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, tool := range report.GetSoftware().GetTools() {
				open := slices.ContainsFunc(tt.want, func(s told) bool { return s.Tool == tool.GetId() })
				if tool.GetControlled() != open {
					t.Errorf("%s: controlled %v", tool.GetId(), tool.GetControlled())
				}
			}
		})
	}
}

// A shell is known to have begun with the first process that served it.
func TestShellBeganWithItsServer(t *testing.T) {
	t.Parallel()
	report := observe(t, machine{[]process{sshd, served, shell}, []row{door, by}, nil}.write(t))
	if got := report.GetRemoteSessions()[0].GetStartedAt().AsTime(); !got.Equal(booted.Add(5 * time.Minute)) {
		t.Errorf("began %v", got)
	}
}

func TestToolsRecorded(t *testing.T) {
	t.Parallel()
	const (
		byProcess     = farmhoundv1.FoundBy_FOUND_BY_PROCESS
		byPackage     = farmhoundv1.FoundBy_FOUND_BY_PACKAGE
		byService     = farmhoundv1.FoundBy_FOUND_BY_SERVICE
		byApplication = farmhoundv1.FoundBy_FOUND_BY_APPLICATION
		byListener    = farmhoundv1.FoundBy_FOUND_BY_LISTENER
		system        = farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM
		user          = farmhoundv1.InstallScope_INSTALL_SCOPE_USER
		portable      = farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE
	)
	gone := x11vnc
	gone.ended = true
	for _, tt := range []struct {
		name string
		machine
		want []*farmhoundv1.Tool
	}{
		{"an ordinary laptop", machine{processes: []process{{pid: 1, exe: "/usr/lib/systemd/systemd"}, {pid: 50, exe: "/usr/bin/bash"}}}, nil},
		{"a package", machine{files: map[string]string{"var/lib/dpkg/status": "Package: x11vnc\nStatus: install ok installed\nVersion: 0.9.16-9\n\n"}}, []*farmhoundv1.Tool{
			{Id: "x11vnc", Version: "0.9.16-9", Installed: true, Scope: system, FoundBy: []farmhoundv1.FoundBy{byPackage}},
		}},
		{"a service that starts by itself", machine{files: map[string]string{
			"etc/systemd/system/multi-user.target.wants/rustdesk.service": "-> /usr/lib/systemd/system/rustdesk.service",
			"usr/lib/systemd/system/rustdesk.service":                     "[Service]\n",
		}}, []*farmhoundv1.Tool{
			{Id: "rustdesk", Installed: true, Unattended: true, Scope: system, FoundBy: []farmhoundv1.FoundBy{byService}},
		}},
		{"a service that does not", machine{files: map[string]string{"usr/lib/systemd/system/rustdesk.service": "[Service]\n"}}, []*farmhoundv1.Tool{
			{Id: "rustdesk", Installed: true, Scope: system, FoundBy: []farmhoundv1.FoundBy{byService}},
		}},
		{"settings in a home folder alone", machine{files: map[string]string{"home/jo/.config/rustdesk/RustDesk.toml": ""}}, nil},
		{"a program in /opt", machine{files: map[string]string{"usr/share/rustdesk/rustdesk": ""}}, []*farmhoundv1.Tool{
			{Id: "rustdesk", Installed: true, Scope: system, FoundBy: []farmhoundv1.FoundBy{byApplication}},
		}},
		{"carried along and renamed", machine{processes: []process{
			{pid: 7, exe: "/home/jo/Downloads/printer-helper", comm: "x11vnc", args: []string{"x11vnc", "-rfbauth", "p"}, started: 30},
		}}, []*farmhoundv1.Tool{
			{Id: "x11vnc", Running: true, Renamed: true, UserWritable: true, Unattended: true, FixedCredential: true, Scope: portable, FoundBy: []farmhoundv1.FoundBy{byProcess}},
		}},
		{"a server that listens for others", machine{processes: []process{x11vnc}, rows: []row{listen, {local: "127.0.0.1:5800", inode: 11}}}, []*farmhoundv1.Tool{
			{Id: "x11vnc", Running: true, Scope: portable, ListeningPorts: []uint32{5900}, FoundBy: []farmhoundv1.FoundBy{byProcess, byListener}},
		}},
		{"a server that has ended", machine{processes: []process{gone}}, nil},
		{"installed for one user", machine{files: map[string]string{
			"home/jo/.config/rustdesk/RustDesk.toml": "", "home/jo/.config/AnyDesk/system.conf": "",
			"var/lib/dpkg/status": "Package: anydesk\nStatus: deinstall ok config-files\nVersion: 6\n\n",
		}, processes: []process{{pid: 9, exe: "/usr/bin/rustdesk", args: []string{"rustdesk"}}}}, []*farmhoundv1.Tool{
			{Id: "rustdesk", Running: true, Installed: true, Scope: user, FoundBy: []farmhoundv1.FoundBy{byProcess, byApplication}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := observe(t, tt.write(t)).GetSoftware().GetTools()
			if diff := cmp.Diff(tt.want, got, protocmp.Transform(), protocmp.IgnoreFields(&farmhoundv1.Tool{}, "running_since")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
