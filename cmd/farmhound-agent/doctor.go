package main

import (
	"context"
	"errors"
)

type doctorCommand struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// Run checks one thing after another.
func (c doctorCommand) Run(context.Context, *commandLine, process) error {
	return errors.New("there is nothing to check yet")
}
