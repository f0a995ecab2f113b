//go:build !windows

package service

import "context"

// Run runs a program until ctx is done. Service managers other than Windows' ask
// a program to stop by a signal, which the caller turns into ctx.
func Run(ctx context.Context, program func(context.Context) error) error { return program(ctx) }
