package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// days is how long the demo's fleet lives.
const days = 28

// Command is the demo as a command of the laboratory.
type Command struct {
	Seed   *uint64       `help:"Draws every persona anew; without one, a random one."`
	For    time.Duration `help:"End by itself after this time, for example 90s; without it, when interrupted."`
	Output string        `short:"o" help:"text, or json: the result last, on one line." enum:"text,json" default:"text"`
}

// Surroundings are what the command runs in.
type Surroundings struct {
	Version string
	// Out takes the result, Progress what happens on the way.
	Out, Progress io.Writer
}

// Run runs the demo. As text, everything goes to Out.
func (c *Command) Run(ctx context.Context, s *Surroundings) error {
	out := s.Out
	seed := rand.Uint64N(1_000_000) //nolint:gosec // chooses a world, keeps no secret
	if c.Seed != nil {
		seed = *c.Seed
	}
	o := Options{Seed: seed, Days: days, For: c.For, Version: s.Version, Progress: s.Progress}
	if c.Output == "text" {
		o.Progress = out
		o.CaughtUp = func(r *Result) error {
			if err := r.Print(out); err != nil || c.For > 0 {
				return err
			}
			_, err := fmt.Fprintln(out, "\nThis computer keeps reporting; interrupt to end the demo.")
			return err
		}
	}
	result, err := Run(ctx, o)
	if err != nil {
		return err
	}
	switch {
	case result == nil && c.Output == "json":
		return errors.New("the demo was interrupted before it came to a result")
	case result == nil:
		_, err := fmt.Fprintln(out, "\nInterrupted; nothing is left behind.")
		return err
	case c.Output != "json":
		return nil
	}
	line, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("render the result: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s\n", line)
	return err
}
