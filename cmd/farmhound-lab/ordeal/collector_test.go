package ordeal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait for a condition.
const patience = 2 * time.Minute

// program is the collector's, built once for all tests. TestMain removes it.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "farmhound-ordeal-*")
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", dir+string(filepath.Separator), "../../farmhound-collector").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build the collector: %w: %s", err, out)
	}
	return filepath.Join(dir, "farmhound-collector"), err
})

func TestMain(m *testing.M) {
	if os.Getenv(agentHome) != "" {
		os.Exit(beAgent())
	}
	code := m.Run()
	if path, _ := program(); path != "" {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// collector is one data folder and the process that serves it.
type collector struct {
	t       *testing.T
	dir     string // of the configuration
	data    string
	address string
	secret  string

	said *lockedBuffer
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// newCollector makes a collector in a folder. It does not serve yet.
func newCollector(t *testing.T, dir string) *collector {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c := &collector{t: t, dir: filepath.Join(dir, "collector"), address: l.Addr().String(), said: &lockedBuffer{}}
	must(t, l.Close())
	out := c.run("init", "--dir", c.dir, "--name", "127.0.0.1", "--listen", c.address)
	found := regexp.MustCompile(`enrolment secret +(\S+)`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("init printed no secret: %s", out)
	}
	c.secret, c.data = found[1], filepath.Join(c.dir, "data")
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("the collector said:\n%s", c.said.tail(8<<10))
		}
	})
	return c
}

func (c *collector) store() string { return filepath.Join(c.data, "collector.db") }

func (c *collector) command(args ...string) *exec.Cmd {
	path, err := program()
	must(c.t, err)
	cmd := exec.CommandContext(context.WithoutCancel(c.t.Context()), path, args...)
	cmd.Env = append(os.Environ(), "FARMHOUND_COLLECTOR_CONFIG="+filepath.Join(c.dir, "collector.yaml"))
	return cmd
}

// run runs a command to its end, which must be a good one.
func (c *collector) run(args ...string) string {
	c.t.Helper()
	out, err := c.command(args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("farmhound-collector %v: %v: %s", args, err, out)
	}
	return string(out)
}

// fails runs a command that must fail, and returns what it said.
func (c *collector) fails(args ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	cmd := c.command(args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	must(c.t, cmd.Start())
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || ctx.Err() != nil {
		c.t.Errorf("farmhound-collector %v: %v, want a failure; it said %s", args, err, said.String())
	}
	return said.String()
}

// start starts the process and does not wait for anything.
func (c *collector) start() {
	c.t.Helper()
	cmd := c.command("serve")
	cmd.Stdout, cmd.Stderr = io.Discard, c.said
	must(c.t, cmd.Start())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // how it ended is what the test asks about
	}()
	c.cmd, c.done = cmd, done
}

// serve starts the process and waits until it listens.
func (c *collector) serve() {
	c.t.Helper()
	c.start()
	eventually(c.t, "the collector listens", func() bool {
		select {
		case <-c.done:
			c.t.Fatal("the collector ended")
		default:
		}
		conn, err := net.Dial("tcp", c.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// kill ends the process without a chance to tidy up.
func (c *collector) kill() {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Kill()
	<-c.done
	c.cmd = nil
}

// ended reports whether the process ended by itself.
func (c *collector) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(20 * time.Millisecond) // between looks at the condition
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer keeps what a process says.
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

func (l *lockedBuffer) tail(n int) string {
	s := l.String()
	return s[max(0, len(s)-n):]
}
