package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/lean"
	"github.com/farmhound-security/farmhound/agent/notice"
	"github.com/farmhound-security/farmhound/agent/permission"
	"github.com/farmhound-security/farmhound/agent/service"
	"github.com/farmhound-security/farmhound/agent/settings"
)

// maxSecret bounds an enrolment secret read from standard input.
const maxSecret = 4096

type runCommand struct{}

// Run runs the agent until it is told to stop.
func (runCommand) Run(ctx context.Context, cli *commandLine, p process) error {
	s, err := cli.load(p, false)
	if err != nil {
		return err
	}
	config := agentConfig(s, p)
	lean.Prepare()
	config.Settled = func() {
		if err := lean.Release(); err != nil {
			config.Log.DebugContext(ctx, "memory cannot be given back", "error", err)
		}
	}
	return service.Run(ctx, func(ctx context.Context, changed <-chan struct{}) error {
		config.Changed, config.Follow = changed, notice.Watch
		a, err := agent.New(config)
		if err != nil {
			return err
		}
		return a.Run(ctx)
	})
}

type enrollCommand struct{}

// Help explains where the secret comes from.
func (enrollCommand) Help() string {
	return `The secret is taken from --enroll-secret-file ("-" reads standard input), ` +
		`from --enroll-secret, or from the settings. A running agent takes up the new certificate within a minute.`
}

// Run enrols this laptop.
func (enrollCommand) Run(ctx context.Context, cli *commandLine, p process) error {
	s, err := cli.load(p, false)
	if err != nil {
		return err
	}
	if s.Collector == "" {
		return usageError{errors.New("no collector is set: give --collector HOST:PORT or set it in the settings file")}
	}
	if s.EnrollSecretFile == "-" {
		data, err := io.ReadAll(io.LimitReader(p.stdin, maxSecret+1))
		if err != nil {
			return fmt.Errorf("read enrolment secret: %w", err)
		}
		secret := bytes.TrimSpace(data)
		if len(secret) == 0 || len(secret) > maxSecret {
			return usageError{errors.New("standard input holds no enrolment secret")}
		}
		s.EnrollSecret, s.EnrollSecretFile = settings.NewSecret(string(secret)), ""
	}
	device, err := agent.Enroll(ctx, agentConfig(s, p))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, "enrolled as device", device)
	return err
}

type statusCommand struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// Run shows what the agent last wrote about itself.
func (c statusCommand) Run(_ context.Context, cli *commandLine, p process) error {
	s, err := cli.load(p, true)
	if err != nil {
		return err
	}
	status, err := agent.ReadStatus(s.StateDir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("no agent has run with state directory %s; start the service, or name the directory with --state-dir", s.StateDir)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the agent's state cannot be read: %w; run as the user that the agent runs as", err)
	case err != nil:
		return err
	}
	if c.Output == "json" {
		encoder := json.NewEncoder(p.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(status)
	}
	return printStatus(p.stdout, status, time.Now())
}

func printStatus(w io.Writer, s *agent.Status, now time.Time) error {
	state := "stopped"
	if s.Running {
		state = fmt.Sprintf("running (process %d) when this was written", s.PID)
	}
	rows := [][2]string{
		{"agent", s.Version + ", " + state},
		{"written", s.WrittenAt.Local().Format(time.RFC3339) + ", " + ago(now, s.WrittenAt)},
		{"device", s.Device},
		{"enrolled", enrolledWord(s, now)},
		{"collector", orElse(s.Collector, "none set")},
		{"last delivery", ago(now, s.LastAck)},
		{"spool", fmt.Sprintf("%d reports wait (%d bytes), %d dropped, %d damaged files", s.SpoolDepth, s.SpoolBytes, s.SpoolDropped, s.SpoolDamaged)},
		{"intervals", "looks every " + s.ScanInterval + ", window of " + s.WindowInterval},
		{"cost", fmt.Sprintf("%.1f s of processor time since %s, %.1f MiB of memory", s.CPUSeconds, s.StartedAt.Local().Format(time.RFC3339), float64(s.MemoryBytes)/(1<<20))},
	}
	for _, sense := range s.Senses {
		word := sense.State
		if sense.Detail != "" {
			word += ": " + sense.Detail
		}
		rows = append(rows, [2]string{"sense " + sense.Name, word})
	}
	rows = append(rows, rightRows(s)...)
	if s.Way != "" {
		rows = append(rows, [2]string{"way", s.Way})
	}
	if s.SpoolTrouble != "" {
		rows = append(rows, [2]string{"spool trouble", s.SpoolTrouble})
	}
	if s.Trouble != "" {
		rows = append(rows, [2]string{"trouble", s.Trouble})
	}
	for _, row := range rows {
		if _, err := fmt.Fprintf(w, "%-16s %s\n", row[0], escape(row[1])); err != nil {
			return err
		}
	}
	return nil
}

// rightRows says which rights the running agent lacks, and what is unseen for it.
func rightRows(s *agent.Status) (rows [][2]string) {
	rights, err := permission.RightsOf(s.PID)
	if err != nil || !s.Running {
		return nil
	}
	for _, need := range permission.Here() {
		if need.Of(rights) == permission.Missing {
			rows = append(rows, [2]string{"lacks", need.Right + "; unseen without it: " + need.Lost})
		}
	}
	return rows
}

func enrolledWord(s *agent.Status, now time.Time) string {
	switch {
	case !s.Enrolled:
		return "no"
	case s.CertificateExpires.Before(now):
		return "yes, but the certificate expired on " + s.CertificateExpires.Local().Format(time.RFC3339)
	default:
		return "yes, certificate valid until " + s.CertificateExpires.Local().Format(time.RFC3339)
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func ago(now, then time.Time) string {
	if then.IsZero() {
		return "never"
	}
	return now.Sub(then).Round(time.Second).String() + " ago"
}
