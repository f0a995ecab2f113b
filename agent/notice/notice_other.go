//go:build !linux && !windows

package notice

import "context"

// watch waits for nothing: here the system tells programs with a run loop only.
func watch(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return nil
}
