package software_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
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
	// outside is whether the sense looks from a namespace other than the near one.
	outside bool
}

func newNearSense(t *testing.T, path *farpath.Path) *nearSense {
	return &nearSense{t: t, path: path, sense: software.New(host.Host{}, catalog.BuiltIn())}
}

// scan observes once.
func (n *nearSense) scan() *farmhoundv1.Report {
	n.t.Helper()
	report := &farmhoundv1.Report{}
	in := n.path.InNear
	if n.outside {
		in = func(f func() error) error { return f() }
	}
	if err := in(func() error { return n.sense.Observe(n.t.Context(), report) }); err != nil {
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

// sessions returns the sessions of a tool from the far side. Others on this machine
// may have some of their own meanwhile.
func (n *nearSense) sessions(report *farmhoundv1.Report, tool string) (list []*farmhoundv1.RemoteSession) {
	for _, s := range report.GetRemoteSessions() {
		if s.GetTool() == tool && s.GetPeer() == n.path.FarAddr.String() {
			list = append(list, s)
		}
	}
	return list
}

// session returns the one session of a tool from the far side, nil where there is none.
func (n *nearSense) session(report *farmhoundv1.Report, tool string) *farmhoundv1.RemoteSession {
	n.t.Helper()
	list := n.sessions(report, tool)
	if len(list) > 1 {
		n.t.Fatalf("one session is told as %d: %v", len(list), list)
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// checkControlled checks that a tool is controlled exactly while a session is open.
func checkControlled(t *testing.T, report *farmhoundv1.Report, tool string) {
	t.Helper()
	open := slices.ContainsFunc(report.GetRemoteSessions(), func(s *farmhoundv1.RemoteSession) bool {
		return s.GetTool() == tool && s.GetEndedAt() == nil
	})
	if got := toolIn(report, tool); got.GetControlled() != open || !got.GetRunning() {
		t.Errorf("running %v, controlled %v; a session is open: %v", got.GetRunning(), got.GetControlled(), open)
	}
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
	// A busy machine adds to what the way holds, and takes nothing from it.
	if rtt := s.GetRttMinMs(); rtt < 115 || rtt > 180 {
		t.Errorf("smallest round trip %v ms, want 120 and what a busy machine adds", rtt)
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
		s := n.session(r, open.GetTool())
		return s == nil || s.GetEndedAt() != nil
	})
	s := n.session(ended, open.GetTool())
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
	if s := n.session(again, open.GetTool()); s != nil {
		n.t.Errorf("after its end was told: %v", s)
	}
	checkControlled(n.t, again, open.GetTool())
}

// A server in a network namespace of its own, as a container has, hides nothing: only
// the last of these looks from another namespace than the server's.
func TestDesktopFromAfar(t *testing.T) {
	t.Parallel()
	x11vnc := func(display string, port int) []string {
		return []string{"-display", display, "-rfbport", fmt.Sprint(port), "-forever", "-nopw", "-quiet", "-noxdamage"}
	}
	servers := []struct {
		name, tool, program string
		outside             bool
		arguments           func(display string, port int) []string
	}{
		{name: "x11vnc", tool: "x11vnc", program: "x11vnc", arguments: x11vnc},
		{name: "x0vncserver", tool: "tigervnc-x0vncserver", program: "X0tigervnc", arguments: func(display string, port int) []string {
			return []string{"-display", display, "-rfbport", fmt.Sprint(port), "-SecurityTypes", "None"}
		}},
		{name: "Xvnc", tool: "tigervnc-xvnc", program: "Xtigervnc", arguments: func(_ string, port int) []string {
			return []string{":8" + fmt.Sprint(port%10), "-rfbport", fmt.Sprint(port), "-SecurityTypes", "None", "-nolisten", "tcp"}
		}},
		{name: "another namespace", tool: "x11vnc", program: "x11vnc", outside: true, arguments: x11vnc},
	}
	for i, tt := range servers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			farpath.Require(t, "Xvfb", "xtightvncviewer", tt.program)
			path := farpath.New(t, farDelay)
			near := newNearSense(t, path)
			near.outside = tt.outside
			port := 5911 + i
			own, far := display(t), display(t)
			start(t, path.Near(t.Context(), tt.program, tt.arguments(own, port)...))

			idle := near.until("the server to listen", func(r *farmhoundv1.Report) bool {
				return slices.Contains(toolIn(r, tt.tool).GetListeningPorts(), uint32(port))
			})
			if s := near.session(idle, tt.tool); s != nil {
				t.Errorf("before anybody came: %v", s)
			}
			checkControlled(t, idle, tt.tool)
			viewer := path.Far(t.Context(), "xtightvncviewer", fmt.Sprintf("%v::%d", path.NearAddr, port))
			viewer.Env = append(os.Environ(), "DISPLAY="+far)
			leave := start(t, viewer)
			report := near.until("a session", func(r *farmhoundv1.Report) bool {
				s := near.session(r, tt.tool)
				return s.GetBytesIn() > 0 && s.GetBytesOut() > 0
			})
			checkControlled(t, report, tt.tool)
			s := near.session(report, tt.tool)
			checkFar(t, path, s, farmhoundv1.SessionKind_SESSION_KIND_DESKTOP)
			leave()
			near.checkEnd(s)
		})
	}
}
