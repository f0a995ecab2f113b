package software_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

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

//nolint:paralleltest // its parts share one server, and each wants to see no session but its own
func TestShellFromAfar(t *testing.T) {
	t.Parallel()
	const tool, port = "sshd", 2222
	farpath.Require(t, "ssh", "scp", "ssh-keygen", "sshd")
	path := farpath.New(t, farDelay)
	near := newNearSense(t, path)
	options := sshServer(t, path, port)
	near.until("sshd to listen", func(r *farmhoundv1.Report) bool {
		return slices.Contains(toolIn(r, tool).GetListeningPorts(), port)
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
				if s := near.session(report, tool); s != nil {
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

	for _, tt := range []struct {
		name    string
		options []string
		command string
	}{
		{"a command is no session", nil, "echo ready; exec cat"},
		{"a command's own terminal is no session", nil, "script -qfc 'echo ready; exec cat' /dev/null"},
		{"forwarding is no session", []string{"-L", "127.0.0.1:5999:127.0.0.1:1"}, "echo ready; exec cat"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			near := &nearSense{t: t, path: path, sense: near.sense}
			farpath.Require(t, "script")
			shell := path.Far(t.Context(), "ssh", slices.Concat(tt.options, options,
				[]string{"-p", fmt.Sprint(port), "root@" + path.NearAddr.String(), tt.command})...)
			leave, said := converse(t, shell)
			if line, err := said.ReadString('\n'); err != nil || strings.TrimSpace(line) != "ready" {
				t.Fatalf("the command said %q, %v", line, err)
			}
			report := near.scan()
			if !near.connected(port) {
				t.Error("the connection was not there to be seen")
			}
			if s := near.session(report, tool); s != nil {
				t.Errorf("told as a session: %v", s)
			}
			leave()
		})
	}

	t.Run("two terminals over one connection are one session", func(t *testing.T) {
		near := &nearSense{t: t, path: path, sense: near.sense}
		shared := append([]string{"-tt", "-S", filepath.Join(t.TempDir(), "control"), "-p", fmt.Sprint(port)}, options...)
		to := []string{"root@" + path.NearAddr.String(), "echo ready; exec cat"}
		var leave [2]func()
		for i, master := range [][]string{{"-M"}, nil} {
			var said *bufio.Reader
			leave[i], said = converse(t, path.Far(t.Context(), "ssh", slices.Concat(master, shared, to)...))
			if line, err := said.ReadString('\n'); err != nil || strings.TrimSpace(line) != "ready" {
				t.Fatalf("terminal %d said %q, %v", i, line, err)
			}
		}
		s := near.session(near.until("a session", func(r *farmhoundv1.Report) bool { return len(near.sessions(r, tool)) > 0 }), tool)
		leave[1]()
		leave[0]()
		near.checkEnd(s)
	})

	t.Run("a terminal is a session", func(t *testing.T) {
		near := &nearSense{t: t, path: path, sense: near.sense}
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
		report := near.until("a session", func(r *farmhoundv1.Report) bool { return near.session(r, tool).GetRttMinMs() > 0 })
		checkControlled(t, report, tool)
		s := near.session(report, tool)
		checkFar(t, path, s, farmhoundv1.SessionKind_SESSION_KIND_SHELL)
		leave()
		near.checkEnd(s)
	})
}

// converse starts a command with pipes to and from it, and returns what it says.
func converse(t *testing.T, cmd *exec.Cmd) (leave func(), said *bufio.Reader) {
	t.Helper()
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	screen, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, cmd)
	return func() {
		_ = keyboard.Close()
		stop()
	}, bufio.NewReader(screen)
}
