package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/store"
)

type rulesCaptureCmd struct {
	Device string `arg:"" help:"Id of the device, a unique prefix of it, or its serial."`
	Signal string `help:"Signal that the test is for; without it, the heaviest that holds." placeholder:"ID"`
	Out    string `help:"File to write instead of printing it; there must be none of that name." placeholder:"FILE"`
}

// Run writes a laptop's picture as a test. It is a look at a person's data, and audited.
func (c *rulesCaptureCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		config, err := collector.ReadConfig(s.config)
		if err != nil {
			return err
		}
		dev, err := kept.FindDevice(ctx, c.Device)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("there is no device %q that ever reported; farmhound devices lists them", c.Device)
		}
		if err != nil {
			return fmt.Errorf("device %q: %w", c.Device, err)
		}
		log := slog.New(slog.NewTextHandler(s.errOut, &slog.HandlerOptions{Level: slog.LevelError}))
		viewer, err := collector.OpenViewer(ctx, &config, kept, log)
		if err != nil {
			return err
		}
		defer viewer.Close()
		now := time.Now().Truncate(time.Second)
		got, err := viewer.Rules.Capture(viewer.Device(dev, now), now, c.Signal)
		if err != nil {
			return err
		}
		if err := collector.Audit(ctx, kept, "device.capture", dev.Summary.GetId(), "as a test of "+got.Signal); err != nil {
			return err
		}
		if len(got.Changed) > 0 {
			fmt.Fprintln(s.errOut, "farmhound-collector: these look at what is replaced, and say something else of the captured picture:", strings.Join(got.Changed, ", "))
		}
		return c.write(s, got)
	})
}

func (c *rulesCaptureCmd) write(s *surroundings, got *detect.Captured) error {
	if c.Out == "" {
		_, err := s.out.Write(got.YAML)
		return err
	}
	file, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the test: %w", err)
	}
	_, err = file.Write(got.YAML)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write the test: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%s adds a test to %s. farmhound-collector rules test %s runs it.\n", c.Out, got.Signal, c.Out)
	return err
}

type rulesShadowCmd struct {
	Output string `short:"o" help:"table or json." enum:"table,json" default:"table"`
}

// trial is what a signal on trial came to in the whole fleet.
type trial struct {
	Signal  string `json:"signal"`
	Title   string `json:"title"`
	Devices int    `json:"devices"`
	// Of them, by the verdict that they have without it.
	Verdicts map[string]int `json:"verdicts"`
	// DB is the most that it would have counted on one.
	DB float64 `json:"db"`
}

// Run counts on how many laptops each signal on trial holds.
func (c *rulesShadowCmd) Run(s *surroundings) error {
	return withStore(s, func(ctx context.Context, kept store.Store) error {
		config, err := collector.ReadConfig(s.config)
		if err != nil {
			return err
		}
		rules, err := collector.LoadRules(config.Signals)
		if err != nil {
			return err
		}
		trials, devices, err := countTrials(ctx, rules, kept)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return writeJSON(s.out, map[string]any{"devices": devices, "signals": trials})
		}
		w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "SIGNAL\tDEVICES\tOF\tCLEAR\tWATCH\tLIKELY\tNEAR CERTAIN\tMOST DB\tTITLE")
		for _, t := range trials {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%+g\t%s\n", printable(t.Signal), t.Devices, devices,
				t.Verdicts["clear"], t.Verdicts["watch"], t.Verdicts["likely"], t.Verdicts["near_certain"], t.DB, printable(t.Title))
		}
		return w.Flush()
	})
}

// countTrials counts by the last assessment of every device; signals that hold nowhere
// are counted too.
func countTrials(ctx context.Context, rules *detect.Rules, kept store.Store) (trials []*trial, devices int, err error) {
	trials = []*trial{}
	for _, signal := range rules.Signals() {
		if signal.State == detect.StateShadow {
			trials = append(trials, &trial{Signal: signal.ID, Title: signal.Title, Verdicts: map[string]int{}})
		}
	}
	err = kept.EachDevice(ctx, func(d *store.Device) error {
		devices++
		a := d.Judgement.GetAssessment()
		for _, e := range a.GetShadow() {
			i := slices.IndexFunc(trials, func(t *trial) bool { return t.Signal == e.GetSignal() })
			if i < 0 {
				continue // it was on trial when the device was judged, and is not now
			}
			t := trials[i]
			t.Devices++
			t.Verdicts[a.GetVerdict()]++
			if e.GetDb()*e.GetDb() > t.DB*t.DB {
				t.DB = e.GetDb()
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the judgements of all laptops: %w", err)
	}
	return trials, devices, nil
}
