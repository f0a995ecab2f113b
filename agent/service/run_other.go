//go:build !windows

package service

import "context"

// Run runs a program until ctx is done. Service managers other than Windows' ask
// a program to stop by a signal, which the caller turns into ctx, and tell nothing of
// what changed.
func Run(ctx context.Context, program func(ctx context.Context, changed <-chan struct{}) error) error {
	return program(ctx, nil)
}
