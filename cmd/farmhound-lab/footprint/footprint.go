// Package footprint measures what the agent costs a computer: the real program, with
// every sense, enrolled with a collector in this process, beside a stated load, and in
// the same run a monitoring agent that people already accept.
//
// It may import both agent's and collector's sides, as the laboratory does.
package footprint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/demo"
	"github.com/farmhound-security/farmhound/collector"
)

// Command is `farmhound-lab footprint`.
type Command struct {
	Agent     string        `type:"existingfile" placeholder:"FILE" help:"The agent's program; built from this source tree when not given."`
	For       time.Duration `default:"10m" help:"How long to measure."`
	Processes int           `default:"0" help:"Processes that run and sleep beside it."`
	Sockets   int           `default:"0" help:"Connections that are open beside it, two sockets each, over loopback."`
	Output    string        `short:"o" enum:"table,json" default:"table" help:"table or json."`
}

// Cost is what one program used.
type Cost struct {
	Program string `json:"program"`
	// Resident is the memory at the end, in bytes.
	Resident uint64 `json:"resident_bytes"`
	// Processor is in milliseconds a minute.
	Processor float64 `json:"processor_ms_per_minute"`
	// Disk is in bytes a minute; nil where the system does not tell. Windows counts
	// what went into pipes, too.
	Disk *float64 `json:"disk_bytes_per_minute,omitempty"`
	// WireStart is bytes of TLS records both ways in the first minute, with enrolment,
	// and Wire those after it, a day. One day has 48 calls: only a run of hours tells
	// what they carry.
	WireStart int64   `json:"wire_bytes_start,omitempty"`
	Wire      float64 `json:"wire_bytes_per_day,omitempty"`
}

// Result is what a measurement found.
type Result struct {
	System    string  `json:"system"`
	Seconds   float64 `json:"seconds"`
	Processes int     `json:"processes_beside"`
	Sockets   int     `json:"sockets_beside"`
	Agent     Cost    `json:"agent"`
	// Other is the Prometheus exporter of this system, scraped four times a minute; nil
	// where this computer has none.
	Other *Cost `json:"other,omitempty"`
}

// Run measures and prints.
func (c *Command) Run(ctx context.Context, s *demo.Surroundings) error {
	result, err := c.Measure(ctx, s.Progress)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		encoder := json.NewEncoder(s.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
	}
	return result.write(s.Out)
}

func (r *Result) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s, over %.0f s\tresident MiB\tprocessor ms/min\tdisk KB/min\twire KB at start\tthen a day\n", r.System, r.Seconds)
	line := func(c Cost) {
		disk, start, wire := "-", "-", "-"
		if c.Disk != nil {
			disk = fmt.Sprintf("%.1f", *c.Disk/1000)
		}
		if c.WireStart > 0 {
			start, wire = fmt.Sprintf("%.1f", float64(c.WireStart)/1000), fmt.Sprintf("%.0f", c.Wire/1000)
		}
		fmt.Fprintf(table, "%s\t%.1f\t%.1f\t%s\t%s\t%s\n", c.Program, float64(c.Resident)/(1<<20), c.Processor, disk, start, wire)
	}
	line(r.Agent)
	if o := r.Other; o != nil {
		line(*o)
		fmt.Fprintf(table, "ratio\t%.2f\t%.2f\t\t\t\n", float64(r.Agent.Resident)/float64(o.Resident), r.Agent.Processor/o.Processor)
	}
	return table.Flush()
}

// Measure runs everything in a folder of its own and leaves nothing behind.
func (c *Command) Measure(ctx context.Context, progress io.Writer) (result *Result, err error) {
	progress = &turns{to: progress}
	dir, err := os.MkdirTemp("", "farmhound-footprint-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program := c.Agent
	if program == "" {
		if program, err = build(ctx, dir); err != nil {
			return nil, err
		}
	}
	load, err := startLoad(ctx, c.Processes, c.Sockets)
	defer load.end()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var group errgroup.Group
	defer func() {
		cancel()
		if failed := group.Wait(); err == nil && failed != nil && !errors.Is(failed, context.Canceled) {
			err = failed
		}
	}()
	created, relay, err := serve(ctx, &group, dir)
	if err != nil {
		return nil, err
	}
	other, err := startOther(ctx, &group)
	if err != nil {
		return nil, err
	}
	agent, gone, err := startAgent(ctx, &group, program, dir, relay.address(), created, progress)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "Measuring for %v.\n", c.For)
	result = &Result{System: runtime.GOOS + "/" + runtime.GOARCH, Processes: c.Processes, Sockets: c.Sockets} //nolint:forbidigo // it is printed
	began := time.Now()
	start := min(c.For/2, time.Minute)
	if err := outlive(ctx, gone, start); err != nil {
		return nil, err
	}
	atStart := relay.carried.Load()
	if err := outlive(ctx, gone, c.For-start); err != nil {
		return nil, err
	}
	passed := time.Since(began)
	result.Seconds = passed.Seconds()
	if result.Agent, err = costOf(ctx, "farmhound-agent", agent.Process.Pid, passed); err != nil {
		return nil, err
	}
	result.Agent.WireStart = atStart
	result.Agent.Wire = float64(relay.carried.Load()-atStart) / (passed - start).Hours() * 24
	if other != nil {
		cost, err := costOf(ctx, filepath.Base(other.Path), other.Process.Pid, passed)
		if err != nil {
			return nil, err
		}
		result.Other = &cost
	}
	return result, nil
}

// outlive waits for a time that the agent is there.
func outlive(ctx context.Context, gone <-chan struct{}, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-gone:
		return errors.New("the agent ended while it was measured; its last words are above")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// build builds the agent as it is released.
func build(ctx context.Context, dir string) (string, error) {
	out := filepath.Join(dir, "farmhound-agent")
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", out, //nolint:gosec // a fixed command
		"github.com/farmhound-security/farmhound/cmd/farmhound-agent")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the agent (run this in the source tree, or name a program with --agent): %w: %s", err, said)
	}
	return out, nil
}

// serve opens a collector, and a relay in front of it that counts.
func serve(ctx context.Context, group *errgroup.Group, dir string) (*collector.Created, *relay, error) {
	config := collector.DefaultConfig()
	config.Data = filepath.Join(dir, "data")
	config.Outputs = nil
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	created, err := collector.Create(ctx, config.Data, []string{"127.0.0.1", "localhost"})
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	c, err := collector.Open(ctx, collector.Options{
		Config: config, Listeners: []net.Listener{listener}, Log: slog.New(slog.DiscardHandler), Version: "lab",
	})
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	group.Go(func() error { return c.Run(ctx) })
	r, err := newRelay(ctx, group, listener.Addr().String())
	return created, r, err
}

// startAgent runs the agent, enrolled by a secret of its own. The channel is closed when
// it has ended.
func startAgent(ctx context.Context, group *errgroup.Group, program, dir, address string, created *collector.Created, progress io.Writer) (*exec.Cmd, <-chan struct{}, error) {
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(created.Secret), 0o600); err != nil {
		return nil, nil, err
	}
	agent := exec.CommandContext(ctx, program, "run", "--collector", address, "--ca-pin", created.Pin, //nolint:gosec // the user's own program
		"--enroll-secret-file", secret, "--state-dir", filepath.Join(dir, "state"), "--log-level", "warn")
	agent.Env = []string{} // settings of this computer's own agent are not this one's
	agent.Stderr = progress
	if err := agent.Start(); err != nil {
		return nil, nil, fmt.Errorf("start %s: %w", program, err)
	}
	gone := make(chan struct{})
	group.Go(func() error {
		defer close(gone)
		_ = agent.Wait() // it is ended by force
		return nil
	})
	return agent, gone, nil
}

// turns lets the agent and the measurement speak to one writer, one at a time.
type turns struct {
	mu sync.Mutex
	to io.Writer
}

func (t *turns) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.to.Write(p)
}
