package systemtool

import (
	"context"
	"fmt"
	"io"
	"os/exec"
)

// Run runs a tool and returns what it printed, at most 8 MiB of it. An error says that
// it could not be run, failed, or took too long.
func Run(ctx context.Context, tool Tool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	run := exec.CommandContext(ctx, table[tool].path, table[tool].arguments...)
	run.Env = []string{"LC_ALL=C"}
	run.Dir = "/"
	run.WaitDelay = timeout
	out, err := run.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", run.Path, err)
	}
	if err := run.Start(); err != nil {
		return nil, fmt.Errorf("run %s: %w", run.Path, err)
	}
	text, failed := io.ReadAll(io.LimitReader(out, maxOutput))
	if failed == nil {
		_, failed = io.Copy(io.Discard, out)
	}
	if err := run.Wait(); err != nil {
		return nil, fmt.Errorf("run %s: %w", run.Path, err)
	}
	if failed != nil {
		return nil, fmt.Errorf("read what %s prints: %w", run.Path, failed)
	}
	return text, nil
}
