package load

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/demo"
	"github.com/farmhound-security/farmhound/collector"
)

// The test's program is the servers', too, as the laboratory's is.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "load-server" {
		s := Server{Kind: os.Args[2], Dir: os.Args[3]}
		if err := s.Run(context.Background(), &demo.Surroundings{Out: os.Stdout, Progress: os.Stderr}); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func command(length time.Duration) Command {
	return Command{Agents: 6, For: length, Days: 1, Parallel: 4, Seed: 3, Output: "json"}
}

// Everything that waits is delivered to both servers, and both are measured.
func TestOwnCollector(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	c := command(30 * time.Second)
	if err := c.Run(t.Context(), &demo.Surroundings{Out: &out, Progress: io.Discard}); err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Side{"collector": r.Collector, "echo": r.Echo} {
		if s.Reports < 10 || s.Reports != r.Echo.Reports || s.Deliveries > s.Reports || s.PerSecond <= 0 || s.P50 <= 0 || s.P99 < s.P50 {
			t.Errorf("%s: %+v", name, *s)
		}
		if s.Payload < 50 || s.Wire < 50 || s.Processor == nil || *s.Processor < 0 || s.Resident == nil || *s.Resident < 1<<20 {
			t.Errorf("%s: %+v", name, *s)
		}
	}
	if r.Agents != 6 || r.Ratio == nil || r.Ratio.P50 <= 0 || r.Interrupted {
		t.Errorf("%+v", r)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	var table strings.Builder
	if err := r.write(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"reports/s", "collector", "gRPC echo", "ratio", "6 laptops, 4 deliveries at once"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &table)
		}
	}
}

// A collector that runs already is reported to like any other; what it costs is not known.
func TestCollectorElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	created, err := collector.Create(t.Context(), dir, []string{loopback})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := collector.DefaultConfig()
	config.Data, config.Outputs = dir, nil
	running, err := collector.Open(t.Context(), collector.Options{Config: config, Listeners: []net.Listener{listener}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(t.Context())
	var group errgroup.Group
	group.Go(func() error { return running.Run(serving) })
	defer func() {
		stop()
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	}()
	c := command(30 * time.Second)
	c.Collector, c.SecretFile, c.CAFile = listener.Addr().String(), filepath.Join(dir, "secret"), filepath.Join(dir, "ca.pem")
	for path, data := range map[string][]byte{c.SecretFile: []byte(created.Secret + "\n"), c.CAFile: created.CA} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := c.measure(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if r.Collector.Reports < 10 || r.Collector.Processor != nil || r.Ratio == nil || r.Ratio.Processor != nil || r.Elsewhere != c.Collector {
		t.Errorf("%+v, %+v", r, r.Collector)
	}
}

// interrupting cancels once something is said.
type interrupting struct {
	when   string
	cancel context.CancelFunc
}

func (i interrupting) Write(p []byte) (int, error) {
	if strings.Contains(string(p), i.when) {
		i.cancel()
	}
	return len(p), nil
}

// Whoever interrupts a measurement sees how far it came, and nothing is left behind.
func TestInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	c := command(30 * time.Second)
	c.Output = "table"
	if err := c.Run(ctx, &demo.Surroundings{Out: &out, Progress: interrupting{"now the collector", cancel}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Interrupted: this is how far it came.") || !strings.Contains(out.String(), "gRPC echo") {
		t.Errorf("%s", &out)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Command){
		"--agents is from 1 to 2000, not 0":    func(c *Command) { c.Agents = 0 },
		"--days is from 1 to 30, not 31":       func(c *Command) { c.Days = 31 },
		"--parallel is from 1 to 256, not 300": func(c *Command) { c.Parallel = 300 },
		"--for is a time above zero, not 0s":   func(c *Command) { c.For = 0 },
		"name it with --collector":             func(c *Command) { c.SecretFile = "x" },
		"expected an address":                  func(c *Command) { c.Collector = "here" },
		"needs --secret-file and --ca-file":    func(c *Command) { c.Collector = "127.0.0.1:8443" },
	} {
		c := command(time.Second)
		change(&c)
		if err := c.Run(t.Context(), &demo.Surroundings{Out: io.Discard, Progress: io.Discard}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
