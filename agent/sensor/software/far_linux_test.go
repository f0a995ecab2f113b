package software_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/sensor/software"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	farDelay = 60 * time.Millisecond
	patience = 20 * time.Second
	between  = 100 * time.Millisecond // scans
)

// nearSense is the sense on the near side of a path.
type nearSense struct {
	t     *testing.T
	path  *farpath.Path
	sense *software.Sensor
}

func newNearSense(t *testing.T, path *farpath.Path) *nearSense {
	return &nearSense{t, path, software.New(host.Host{}, catalog.BuiltIn())}
}

// scan observes once.
func (n *nearSense) scan() *farmhoundv1.Report {
	n.t.Helper()
	report := &farmhoundv1.Report{}
	if err := n.path.InNear(func() error { return n.sense.Observe(n.t.Context(), report) }); err != nil {
		n.t.Fatalf("observe: %v", err)
	}
	return report
}

// until scans until the condition holds for a report.
func (n *nearSense) until(what string, holds func(*farmhoundv1.Report) bool) *farmhoundv1.Report {
	n.t.Helper()
	tick := time.NewTicker(between)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if report := n.scan(); holds(report) {
			return report
		}
	}
	n.t.Fatalf("waited %v for %s", patience, what)
	return nil
}

// connected reports whether somebody has a connection into a port of the near side.
func (n *nearSense) connected(port uint16) (found bool) {
	n.t.Helper()
	err := n.path.InNear(func() error {
		rows, _, err := sockets.NewLister(host.Host{}).List(n.t.Context())
		for _, row := range rows {
			found = found || row.State == sockets.Established && row.Local.Port() == port
		}
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return found
}

func toolIn(report *farmhoundv1.Report, id string) *farmhoundv1.Tool {
	for _, t := range report.GetSoftware().GetTools() {
		if t.GetId() == id {
			return t
		}
	}
	return nil
}

func sessionOf(report *farmhoundv1.Report, tool string) *farmhoundv1.RemoteSession {
	for _, s := range report.GetRemoteSessions() {
		if s.GetTool() == tool {
			return s
		}
	}
	return nil
}

// start runs a command until the returned function or the test ends it.
func start(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	var output bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &output
	}
	cmd.Stderr = &output
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(cmd.Args, " "), output.String())
		}
	})
	return stop
}

// displays lets one X server at a time look for a free number.
var displays sync.Mutex

// display starts an X server and returns its name.
func display(t *testing.T) string {
	t.Helper()
	displays.Lock()
	defer displays.Unlock()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "Xvfb", "-displayfd", "3", "-screen", "0", "640x480x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{writer}
	start(t, cmd)
	_ = writer.Close()
	defer reader.Close()
	_ = reader.SetReadDeadline(time.Now().Add(patience))
	number, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb told no display: %v", err)
	}
	return ":" + strings.TrimSpace(number)
}

// checkFar checks what is the same for every session from afar.
func checkFar(t *testing.T, path *farpath.Path, s *farmhoundv1.RemoteSession, kind farmhoundv1.SessionKind) {
	t.Helper()
	if s.GetPeer() != path.FarAddr.String() || s.GetPeerClass() != farmhoundv1.PeerClass_PEER_CLASS_GLOBAL {
		t.Errorf("peer %q of %v, want %v, global", s.GetPeer(), s.GetPeerClass(), path.FarAddr)
	}
	if s.GetPath() != farmhoundv1.SessionPath_SESSION_PATH_DIRECT || s.GetKind() != kind {
		t.Errorf("path %v, kind %v", s.GetPath(), s.GetKind())
	}
	if rtt := s.GetRttMinMs(); rtt < 105 || rtt > 135 {
		t.Errorf("smallest round trip %v ms, want 120 ± 15", rtt)
	}
	if s.GetRttMedianMs() < s.GetRttMinMs() {
		t.Errorf("median round trip %v ms below the smallest, %v ms", s.GetRttMedianMs(), s.GetRttMinMs())
	}
	if s.GetBytesIn() == 0 || s.GetBytesOut() == 0 {
		t.Errorf("bytes in %d, out %d", s.GetBytesIn(), s.GetBytesOut())
	}
	if age := time.Since(s.GetStartedAt().AsTime()); age < -time.Second || age > 2*patience {
		t.Errorf("started %v ago", age)
	}
}

// checkEnd waits for the session's end and that it is told once.
func (n *nearSense) checkEnd(open *farmhoundv1.RemoteSession) {
	n.t.Helper()
	ended := n.until("the end of the session", func(r *farmhoundv1.Report) bool {
		s := sessionOf(r, open.GetTool())
		return s == nil || s.GetEndedAt() != nil
	})
	s := sessionOf(ended, open.GetTool())
	if s == nil {
		n.t.Fatal("the session was gone before its end was told")
	}
	if s.GetId() != open.GetId() || !s.GetStartedAt().AsTime().Equal(open.GetStartedAt().AsTime()) {
		n.t.Errorf("the session that ended is another: %v, was %v", s, open)
	}
	if s.GetEndedAt().AsTime().Before(s.GetStartedAt().AsTime()) || s.GetPeer() != open.GetPeer() {
		n.t.Errorf("ended %v from %q", s.GetEndedAt().AsTime(), s.GetPeer())
	}
	again := n.scan()
	if sessionOf(again, open.GetTool()) != nil || toolIn(again, open.GetTool()).GetControlled() {
		n.t.Errorf("after its end was told: %v", again)
	}
}

func TestDesktopFromAfar(t *testing.T) {
	servers := []struct {
		tool, program string
		arguments     func(display string, port int) []string
	}{
		{"x11vnc", "x11vnc", func(display string, port int) []string {
			return []string{"-display", display, "-rfbport", fmt.Sprint(port), "-forever", "-nopw", "-quiet", "-noxdamage"}
		}},
		{"tigervnc-x0vncserver", "X0tigervnc", func(display string, port int) []string {
			return []string{"-display", display, "-rfbport", fmt.Sprint(port), "-SecurityTypes", "None"}
		}},
		{"tigervnc-xvnc", "Xtigervnc", func(_ string, port int) []string {
			return []string{":8" + fmt.Sprint(port%10), "-rfbport", fmt.Sprint(port), "-SecurityTypes", "None", "-nolisten", "tcp"}
		}},
	}
	for i, tt := range servers {
		t.Run(tt.tool, func(t *testing.T) {
			t.Parallel()
			farpath.Require(t, "Xvfb", "xtightvncviewer", tt.program)
			path := farpath.New(t, farDelay)
			near := newNearSense(t, path)
			port := 5911 + i
			own, far := display(t), display(t)
			start(t, path.Near(t.Context(), tt.program, tt.arguments(own, port)...))

			idle := near.until("the server to listen", func(r *farmhoundv1.Report) bool {
				return len(toolIn(r, tt.tool).GetListeningPorts()) > 0
			})
			if tool := toolIn(idle, tt.tool); !tool.GetRunning() || tool.GetControlled() || sessionOf(idle, tt.tool) != nil {
				t.Errorf("before anybody came: %v", tool)
			}
			viewer := path.Far(t.Context(), "xtightvncviewer", fmt.Sprintf("%v::%d", path.NearAddr, port))
			viewer.Env = append(os.Environ(), "DISPLAY="+far)
			leave := start(t, viewer)
			report := near.until("a session", func(r *farmhoundv1.Report) bool {
				s := sessionOf(r, tt.tool)
				return s.GetBytesIn() > 0 && s.GetBytesOut() > 0
			})
			if !toolIn(report, tt.tool).GetControlled() {
				t.Error("the tool is not controlled")
			}
			s := sessionOf(report, tt.tool)
			checkFar(t, path, s, farmhoundv1.SessionKind_SESSION_KIND_DESKTOP)
			leave()
			near.checkEnd(s)
		})
	}
}

// sshServer starts an OpenSSH server of the test's own and returns the options that
// its client needs.
func sshServer(t *testing.T, path *farpath.Path, port int) []string {
	t.Helper()
	programs := farpath.Require(t, "ssh", "scp", "ssh-keygen", "sshd")
	folder := t.TempDir()
	key, hostKey := filepath.Join(folder, "key"), filepath.Join(folder, "host")
	for _, file := range []string{key, hostKey} {
		out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput()
		if err != nil {
			t.Fatalf("make a key: %v: %s", err, out)
		}
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd insists on it
		t.Fatal(err)
	}
	config := filepath.Join(folder, "sshd_config")
	text := fmt.Sprintf("Port %d\nHostKey %s\nAuthorizedKeysFile %s.pub\nStrictModes no\nUsePAM no\nPidFile none\n"+
		"PermitRootLogin yes\nSubsystem sftp internal-sftp\nPrintMotd no\nPrintLastLog no\n", port, hostKey, key)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, path.Near(t.Context(), programs[3], "-D", "-e", "-f", config))
	return []string{"-F", "none", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"}
}

func TestShellFromAfar(t *testing.T) {
	t.Parallel()
	const tool, port = "sshd", 2222
	farpath.Require(t, "ssh", "scp", "ssh-keygen", "sshd")
	path := farpath.New(t, farDelay)
	near := newNearSense(t, path)
	options := sshServer(t, path, port)
	near.until("sshd to listen", func(r *farmhoundv1.Report) bool {
		return len(toolIn(r, tool).GetListeningPorts()) > 0
	})

	t.Run("copying files is no session", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, make([]byte, 600_000), 0o600); err != nil {
			t.Fatal(err)
		}
		// 600 kB at 2,000 kbit/s take two seconds and a half.
		arguments := append(append([]string{}, options...), "-P", fmt.Sprint(port), "-l", "2000",
			file, "root@"+path.NearAddr.String()+":"+file+".copy")
		scp := path.Far(t.Context(), "scp", arguments...)
		done := make(chan error, 1)
		go func() { done <- scp.Run() }()
		during := 0
		tick := time.NewTicker(between)
		defer tick.Stop()
		for copying := true; copying; {
			select {
			case err := <-done:
				if err != nil {
					t.Fatalf("scp: %v", err)
				}
				copying = false
			case <-tick.C:
				report := near.scan()
				if near.connected(port) {
					during++
				}
				if s := sessionOf(report, tool); s != nil {
					t.Fatalf("a session while copying: %v", s)
				}
			}
		}
		if during < 10 {
			t.Errorf("only %d scans saw the copying", during)
		}
		if info, err := os.Stat(file + ".copy"); err != nil || info.Size() != 600_000 {
			t.Errorf("the copy: %v", err)
		}
	})

	t.Run("a terminal is a session", func(t *testing.T) {
		near := &nearSense{t, path, near.sense}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		arguments := append(append([]string{"-tt"}, options...), "-p", fmt.Sprint(port), "root@"+path.NearAddr.String(), "exec cat")
		shell := path.Far(ctx, "ssh", arguments...)
		keyboard, err := shell.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer keyboard.Close()
		leave := start(t, shell)
		report := near.until("a session", func(r *farmhoundv1.Report) bool { return sessionOf(r, tool).GetRttMinMs() > 0 })
		if !toolIn(report, tool).GetControlled() {
			t.Error("sshd is not controlled")
		}
		s := sessionOf(report, tool)
		checkFar(t, path, s, farmhoundv1.SessionKind_SESSION_KIND_SHELL)
		leave()
		near.checkEnd(s)
	})
}
