package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// rig is a folder with the three programs and a collector, used as people use them.
type rig struct {
	t       *testing.T
	bin     string
	dir     string
	address string
	config  string // the collector's
	said    string // by init
}

var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "farmhound-programs-*")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir+string(filepath.Separator),
		"../farmhound-agent", "../farmhound-collector", "../farmhound").CombinedOutput()
	if err != nil {
		return dir, fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := programs(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// newRig makes a collector that is not yet started.
func newRig(t *testing.T) *rig {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, bin: bin, dir: t.TempDir()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = l.Addr().String()
	l.Close()
	r.config = filepath.Join(r.dir, "collector", "collector.yaml")
	r.said = r.must("farmhound-collector", "init", "--dir", filepath.Dir(r.config), "--name", "127.0.0.1", "--listen", r.address)
	return r
}

func (r *rig) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(r.bin, program), args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(),
		"FARMHOUND_COLLECTOR_CONFIG="+r.config, "FARMHOUND_CONFIG="+filepath.Join(r.dir, "login.json"),
		"FARMHOUND_STATE_DIR="+filepath.Join(r.dir, "agent"), "FARMHOUND_COLLECTOR="+r.address,
		"FARMHOUND_CA_FILE="+filepath.Join(filepath.Dir(r.config), "ca.pem"), "FARMHOUND_SCAN_INTERVAL=5s")
	return cmd
}

// try runs a program to its end.
func (r *rig) try(in, program string, args ...string) (out, errOut string, err error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	cmd := r.command(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

func (r *rig) must(program string, args ...string) string {
	r.t.Helper()
	out, errOut, err := r.try("", program, args...)
	if err != nil {
		r.t.Fatalf("%s %v: %v\n%s%s", program, args, err, out, errOut)
	}
	return out
}

// refused runs a program that must fail and say why.
func (r *rig) refused(why, program string, args ...string) {
	r.t.Helper()
	_, errOut, err := r.try("", program, args...)
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || !strings.Contains(errOut, why) {
		r.t.Errorf("%s %v: %v, said %q; want a failure that says %q", program, args, err, errOut, why)
	}
}

// background is a program that runs until it is stopped.
type background struct {
	cmd  *exec.Cmd
	said *lockedBuffer
	done chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (r *rig) start(program string, args ...string) *background {
	r.t.Helper()
	b := &background{cmd: r.command(context.Background(), program, args...), said: &lockedBuffer{}, done: make(chan struct{})}
	b.cmd.Stdout, b.cmd.Stderr = io.Discard, b.said
	if err := b.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		defer close(b.done)
		_ = b.cmd.Wait() // how it ended is what the test asks about
	}()
	r.t.Cleanup(func() {
		b.kill()
		if r.t.Failed() {
			r.t.Logf("%s said:\n%s", program, b.said)
		}
	})
	return b
}

// kill ends it without a chance to tidy up.
func (b *background) kill() {
	_ = b.cmd.Process.Kill()
	<-b.done
}

// eventually waits for a condition.
func (r *rig) eventually(what string, holds func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(100 * time.Millisecond) // between looks at the condition
	}
}

func (r *rig) serve() *background {
	r.t.Helper()
	b := r.start("farmhound-collector", "serve")
	r.eventually("the collector listens", func() bool {
		conn, err := net.Dial("tcp", r.address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return b
}

func (r *rig) found(pattern string) string {
	r.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(r.said)
	if m == nil {
		r.t.Fatalf("init did not print %s:\n%s", pattern, r.said)
	}
	return m[1]
}

func (r *rig) write(name, text string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

type deviceRow struct {
	ID      string `json:"id"`
	Verdict string `json:"verdict"`
	Reports string `json:"reports"`
	Revoked bool   `json:"revoked"`
}

func (r *rig) devices() (rows []deviceRow) {
	r.t.Helper()
	out, errOut, err := r.try("", "farmhound", "devices", "-o", "json")
	if err != nil {
		r.t.Logf("devices: %v: %s", err, errOut)
		return nil
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		r.t.Fatalf("devices: %v in %s", err, out)
	}
	return rows
}

// One laptop and one collector: enrolled, reported, asked about, and both killed
// in between.
func TestThread(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	secret, token := r.found(`enrolment secret +(\S+)`), r.found(`admin token +(\S+)`)
	collector := r.serve()
	login := []string{"login", r.address, "--ca", filepath.Join(filepath.Dir(r.config), "ca.pem"), "--token-file"}
	if out := r.must("farmhound", append(login, r.write("token", token))...); !strings.Contains(out, "admin") {
		t.Errorf("login said %q", out)
	}
	// Two collectors on one store would each judge without the other's reports.
	r.refused("in use by another collector", "farmhound-collector", "serve")
	if rows := r.devices(); len(rows) != 0 {
		t.Errorf("a new collector knows %v", rows)
	}
	secretFile := r.write("secret", secret)
	r.must("farmhound-agent", "enroll", "--enroll-secret-file", secretFile)
	agent := r.start("farmhound-agent", "run")
	r.eventually("the laptop's first report", func() bool { return len(r.devices()) == 1 })
	device := r.devices()[0]
	if device.Verdict == "" || device.Revoked {
		t.Errorf("device %+v", device)
	}
	for _, command := range [][]string{{"device", "show", device.ID[:10]}, {"why", device.ID}, {"timeline", device.ID}, {"alerts", "list"}} {
		for _, format := range []string{"table", "json", "csv"} {
			r.must("farmhound", append(command, "-o", format)...)
		}
	}
	if out := r.must("farmhound", "timeline", device.ID, "-o", "json"); !strings.Contains(out, `"enrolled"`) || !strings.Contains(out, `"first_report"`) {
		t.Errorf("timeline %s", out)
	}

	collector.kill()
	agent.kill()
	r.serve()
	before := r.devices()[0].Reports
	agent = r.start("farmhound-agent", "run")
	r.eventually("reports after both were killed", func() bool { rows := r.devices(); return len(rows) == 1 && rows[0].Reports != before })

	r.must("farmhound-collector", "device", "revoke", device.ID[:12], "--note", "sold")
	agent.kill()
	agent = r.start("farmhound-agent", "run")
	r.eventually("the agent is told", func() bool { return strings.Contains(agent.said.String(), "revoked") })
	r.eventually("the list says so", func() bool { rows := r.devices(); return len(rows) == 1 && rows[0].Revoked })
	r.refused("revoked", "farmhound-agent", "enroll", "--enroll-secret-file", secretFile)
}

// A secret or token that is no good is refused with the reason.
func TestRefusalsNameTheirReason(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve()
	enroll := func(secret string) []string {
		return []string{"enroll", "--enroll-secret-file", r.write("secret", secret), "--state-dir", t.TempDir()}
	}
	r.refused("no such", "farmhound-agent", enroll("fh-enroll-wrong")...)

	once := strings.TrimSpace(r.must("farmhound-collector", "secret", "create", "--uses", "1"))
	r.must("farmhound-agent", enroll(once)...)
	r.refused("spent", "farmhound-agent", enroll(once)...)

	short := strings.TrimSpace(r.must("farmhound-collector", "secret", "create", "--expires", "1ms"))
	r.refused("expired", "farmhound-agent", enroll(short)...)

	gone := strings.TrimSpace(r.must("farmhound-collector", "secret", "create", "--note", "to be revoked"))
	list := r.must("farmhound-collector", "secret", "list")
	id := regexp.MustCompile(`(?m)^(\S+) .*to be revoked`).FindStringSubmatch(list)
	if id == nil || strings.Contains(list, gone) {
		t.Fatalf("the list is %s", list)
	}
	r.must("farmhound-collector", "secret", "revoke", id[1])
	r.refused("revoked", "farmhound-agent", enroll(gone)...)

	viewer := strings.TrimSpace(r.must("farmhound-collector", "token", "create", "dashboard", "--role", "viewer"))
	login := []string{"login", r.address, "--ca", filepath.Join(filepath.Dir(r.config), "ca.pem"), "--token-file"}
	r.must("farmhound", append(login, r.write("token", viewer))...)
	tokens := r.must("farmhound-collector", "token", "list")
	id = regexp.MustCompile(`(?m)^(\S+) .*dashboard`).FindStringSubmatch(tokens)
	if id == nil || strings.Contains(tokens, viewer) {
		t.Fatalf("the list is %s", tokens)
	}
	r.must("farmhound-collector", "token", "revoke", id[1])
	r.refused("revoked", "farmhound", "devices")
	r.refused("", "farmhound", append(login, r.write("token", "fh-token-wrong"))...)
}

// What people write is checked with its place before anything starts.
func TestTyposHaveTheirPlace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	config := r.write("typo.yaml", "listen: 127.0.0.1:0\n\nrooster: people.csv\n")
	r.refused("typo.yaml:3:1: unknown key \"rooster\"", "farmhound-collector", "--config", config, "serve")
	roster := r.write("people.csv", "serial,country\nA1,US\nB2,Oz\n")
	r.refused("people.csv:3:4: country", "farmhound-collector", "roster", "check", roster)
	if err := os.Mkdir(filepath.Join(r.dir, "signals"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.write("signals/own.yaml", `id: own
title: Own
question: remote
family: control
needs: [control]
half_life: 7d
benign: [a test]
tiers:
  - when: |
      device.day5.unsanctioned_share > 0.5 &&
        device.day5.unsanctioned_shares > 1
    db: 3
    because: '"x"'
`)
	r.refused("own.yaml:11:", "farmhound-collector", "rules", "lint", filepath.Join(r.dir, "signals"))
}
