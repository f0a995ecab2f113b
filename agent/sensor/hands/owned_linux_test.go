package hands

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// within fails where something takes longer; what hangs is left behind.
func within(t *testing.T, limit time.Duration, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("%s takes more than %v", what, limit)
	}
}

func TestReadOwned(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	if err := errors.Join(
		os.WriteFile(at("file"), []byte("cookie"), 0o600), unix.Mkfifo(at("pipe"), 0o600),
		os.Symlink("file", at("link")), os.Symlink("pipe", at("link to a pipe")),
	); err != nil {
		t.Fatal(err)
	}
	own := uint32(os.Getuid())
	for name, tt := range map[string]struct {
		file  string
		owner uint32
		want  string
	}{
		"one's own":         {at("file"), own, "cookie"},
		"somebody else's":   {at("file"), own + 1, ""},
		"a pipe":            {at("pipe"), own, ""},
		"a link":            {at("link"), own, ""},
		"a link to a pipe":  {at("link to a pipe"), own, ""},
		"a folder":          {folder, own, ""},
		"a device":          {"/dev/zero", 0, ""},
		"a file not there":  {at("none"), own, ""},
		"no name":           {"", own, ""},
		"a file as folder ": {at("file/file"), own, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within(t, 5*time.Second, "reading", func() {
				got, err := readOwned(tt.file, 100, func(uid uint32) bool { return uid == tt.owner })
				if string(got) != tt.want || (err == nil) != (tt.want != "") {
					t.Errorf("%q, %v", got, err)
				}
			})
		})
	}
}

func TestWhoseFilesAServerMayBeCalledWith(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server xServer
		owner  uint32
		want   bool
	}{
		"gdm: everything is the user's":         {xServer{user: 1000, starter: 1000, system: true}, 1000, true},
		"a program of the user's":               {xServer{user: 1000, starter: 1000}, 1000, true},
		"another user's":                        {xServer{user: 1000, starter: 1000, system: true}, 1001, false},
		"root's":                                {xServer{user: 1000, starter: 1000, system: true}, 0, false},
		"lightdm: all is root's":                {xServer{system: true}, 0, true},
		"sddm: of the system's account":         {xServer{system: true}, 997, true},
		"root's server, a user's file":          {xServer{system: true}, 1000, false},
		"root started a program of others":      {xServer{}, 0, false},
		"set-uid, the user's file":              {xServer{starter: 1000, system: true}, 1000, true},
		"set-uid, root's file":                  {xServer{starter: 1000, system: true}, 0, false},
		"set-uid, another user's":               {xServer{starter: 1000, system: true}, 1001, false},
		"root started it, runs as another user": {xServer{user: 1000, system: true}, 0, false},
	} {
		if got := tt.server.mayOwn(tt.owner); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRealUser(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint32{
		"Name:\tXorg\nUid:\t1000\t0\t0\t0\nGid:\t1\n": 1000, "Name:\tUid: 5\nUid:\t0\t0\t0\t0\n": 0,
		"": 7, "Uid:\n": 7, "Uid:\tx\n": 7, "Uid:\t99999999999\n": 7,
	} {
		if got := realUser([]byte(text), 7); got != want {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// pretend runs a shell under the name of an X server until the test ends.
func pretend(t *testing.T, arguments ...string) (pid int) {
	t.Helper()
	shell, err := filepath.EvalSymlinks(farpath.Require(t, "sh")[0])
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(shell)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "Xvfb")
	if err := os.WriteFile(program, data, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, append([]string{"-c", "read line"}, arguments...)...)
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cancel(); _ = cmd.Wait() })
	return cmd.Process.Pid
}

// number is one of a display that nothing else has.
func number(from int) string { return strconv.Itoa(from + os.Getpid()%1000) }

func TestPipesInTheServersPlace(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "auth")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	own := number(40_000)
	pretend(t, ":"+own, "-auth", pipe)
	s := New(host.Host{}, catalog.BuiltIn())
	within(t, 15*time.Second, "the observation", func() {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.Observe(ctx, &farmhoundv1.Report{}); err == nil || !strings.Contains(err.Error(), detailDisplay) {
			t.Errorf("observe: %v", err)
		}
	})
	refused := false
	for server := range s.system.refused {
		refused = refused || server.display == own
	}
	if !refused {
		t.Errorf("refused: %+v", s.system.refused)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestLocks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, "tmp", name) }
	if err := errors.Join(
		os.Mkdir(filepath.Join(root, "tmp"), 0o755), unix.Mkfifo(at(".X9-lock"), 0o600),
		os.WriteFile(at(".X-lock"), []byte("       123\n"), 0o600), os.WriteFile(at(".X8-lock"), []byte("       124\n"), 0o600),
		os.WriteFile(at(".X7-lock"), []byte("       123\n"), 0o400),
	); err != nil {
		t.Fatal(err)
	}
	own := uint32(os.Getuid())
	within(t, 5*time.Second, "looking for the lock", func() {
		for name, tt := range map[string]struct {
			server xServer
			want   string
		}{
			"the user's":         {xServer{pid: 123, user: own, starter: own}, "7"},
			"another user's":     {xServer{pid: 123, user: own + 1, starter: own + 1}, ""},
			"by who started it":  {xServer{pid: 123, user: own + 1, starter: own}, "7"},
			"of another process": {xServer{pid: 12, user: own, starter: own}, ""},
		} {
			if got := lockedBy(host.Host{Root: root}, &tt.server); got != tt.want {
				t.Errorf("%s: %q, want %q", name, got, tt.want)
			}
		}
	})
}

// accept takes connections in the place of an X server's socket, has what each sends
// looked at, and counts them.
func accept(t *testing.T, display string, look func(net.Conn)) *atomic.Int32 {
	t.Helper()
	var listens net.ListenConfig
	l, err := listens.Listen(t.Context(), "unix", "@/tmp/.X11-unix/X"+display)
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int32
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			all.Go(func() { defer conn.Close(); look(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return &count
}

// A user who calls a server with the file of another does not get to see what is in it.
func TestCookiesOfOthersAreNotPassedOn(t *testing.T) {
	t.Parallel()
	const cookie = "0123456789abcdef"
	display := number(42_000)
	var heard atomic.Bool
	accept(t, display, func(conn net.Conn) {
		data, _ := io.ReadAll(conn)
		heard.Store(heard.Load() || strings.Contains(string(data), cookie))
	})
	auth := filepath.Join(t.TempDir(), "Xauthority")
	if err := os.WriteFile(auth, xauth("laptop", display, cookieName, cookie), 0o600); err != nil {
		t.Fatal(err)
	}
	own := uint32(os.Getuid())
	_, err := openDisplay(t.Context(), New(host.Host{}, catalog.BuiltIn()), xServer{display: display, auth: auth, user: own, starter: own + 1, system: true})
	if !errors.Is(err, errForeign) || heard.Load() {
		t.Errorf("passed on: %v; %v", heard.Load(), err)
	}
}

func TestSilentServers(t *testing.T) {
	t.Parallel()
	s := New(host.Host{}, catalog.BuiltIn())
	own := uint32(os.Getuid())
	counts := make([]*atomic.Int32, mostServers)
	for i := range counts {
		display := number(44_000 + 1000*i)
		counts[i] = accept(t, display, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
		s.system.programs.servers = append(s.system.programs.servers, xServer{display: display, user: own, starter: own})
	}
	asked := func(want int32) {
		t.Helper()
		for i, n := range counts {
			if got := n.Load(); got != want {
				t.Errorf("server %d was asked %d times, want %d", i, got, want)
			}
		}
	}
	start := time.Now()
	if !s.system.lookAtDisplays(t.Context()) {
		t.Error("servers that say nothing are no refusal")
	}
	// One after the other they would take longer than that, however slow the machine is.
	if took := time.Since(start); took >= time.Duration(len(counts))*x11Patience {
		t.Errorf("%d silent servers take %v", len(counts), took)
	}
	asked(1)
	if !s.system.lookAtDisplays(t.Context()) {
		t.Error("the refusal is forgotten")
	}
	asked(1)
	// With the programs looked at anew they are asked again, for as long as there is time.
	clear(s.system.refused)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.system.lookAtDisplays(ctx)
	for server, refused := range s.system.refused {
		if refused {
			t.Errorf("for want of time, %+v counts as one that refused", server)
		}
	}
	s.system.programs.servers = append(s.system.programs.servers, s.system.programs.servers[0])
	for i := range s.system.programs.servers {
		s.system.programs.servers[i].guest = true
	}
	if !s.system.lookAtDisplays(ctx) {
		t.Error("servers beyond the bound are left out in silence")
	}
}
