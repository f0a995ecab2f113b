package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/doctor"
	"github.com/farmhound-security/farmhound/agent/service"
	"github.com/farmhound-security/farmhound/agent/settings"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

type doctorCommand struct {
	Output   string        `short:"o" enum:"text,json" default:"text" help:"text or json."`
	Patience time.Duration `default:"8s" help:"For how long one step may wait for an answer."`
}

// Help says what the exit status means.
func (doctorCommand) Help() string {
	return `Every step from the settings to the collector's answer is checked, and what each sense may see. Nothing is changed and nothing is reported. ` +
		`The exit status is 1 if a check failed and 0 if there were warnings at most, for device management to go by. ` +
		`Run it as the user that the agent runs as: others may not read its state.`
}

// errUnwell ends the program with a failure after everything was said.
var errUnwell = errors.New("something does not work; see the checks that failed")

// Run checks one thing after another.
func (c doctorCommand) Run(ctx context.Context, cli *commandLine, p process) error {
	if c.Patience < 100*time.Millisecond || c.Patience > time.Minute {
		return usageError{errors.New("--patience must be from 100ms to 1m")}
	}
	s, from, err := cli.trace(p, true)
	var checks []doctor.Check
	if err != nil {
		checks = []doctor.Check{{
			Step: "settings", State: doctor.Fail, Found: err.Error(),
			Means: "the agent does not start", Do: "correct the settings",
		}}
	} else {
		checks = doctor.Examine(ctx, doctor.Patient{
			Settings: s, From: from, Environ: p.environ, Patience: c.Patience, Service: serviceState,
			Scan: func(ctx context.Context) (*farmhoundv1.Report, error) {
				return agent.Scan(ctx, agent.Config{Settings: s, Version: version(), Log: slog.New(slog.DiscardHandler)})
			},
		})
	}
	if err := c.print(p.stdout, checks); err != nil {
		return err
	}
	if doctor.Failed(checks) {
		return errUnwell
	}
	return nil
}

func (c doctorCommand) print(w io.Writer, checks []doctor.Check) error {
	if c.Output == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			OK     bool           `json:"ok"`
			Checks []doctor.Check `json:"checks"`
		}{!doctor.Failed(checks), checks})
	}
	for _, check := range checks {
		lines := []string{fmt.Sprintf("%-4s  %-16s %s", check.State, escape(check.Step), escape(check.Found))}
		for _, detail := range check.Details {
			lines = append(lines, "        "+escape(detail))
		}
		if check.Means != "" {
			lines = append(lines, "      means: "+escape(check.Means))
		}
		if check.Do != "" {
			lines = append(lines, "      do:    "+escape(check.Do))
		}
		for _, line := range lines {
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// serviceState is what the service manager says, or why there is none to ask.
func serviceState() string {
	installed, err := service.New("run")
	if err != nil {
		return "unknown: " + err.Error()
	}
	return installed.State()
}

// trace returns the settings and where each came from.
func (c *commandLine) trace(p process, unprivileged bool) (settings.Settings, map[string]string, error) {
	policy, err := settings.MachinePolicy()
	if err != nil {
		return settings.Settings{}, nil, usageError{err}
	}
	loaded, from, err := settings.Trace(settings.Sources{
		Flags: c.Setting.layer(), Environ: p.environ, Policy: policy, File: c.Config, Unprivileged: unprivileged,
	})
	if err != nil {
		return settings.Settings{}, nil, usageError{err}
	}
	return loaded, from, nil
}
