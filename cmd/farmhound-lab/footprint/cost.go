package footprint

import (
	"context"
	"fmt"
	"time"

	"github.com/shirou/gopsutil/v3/process"
)

// costOf asks the system what a process has used since it was started.
func costOf(ctx context.Context, name string, pid int, passed time.Duration) (Cost, error) {
	c := Cost{Program: name}
	p := process.Process{Pid: int32(pid)} //nolint:gosec // of a process that was started here
	memory, err := p.MemoryInfoWithContext(ctx)
	if err != nil {
		return c, fmt.Errorf("measure the memory of %s: %w", name, err)
	}
	times, err := p.TimesWithContext(ctx)
	if err != nil {
		return c, fmt.Errorf("measure the processor time of %s: %w", name, err)
	}
	c.Resident = memory.RSS
	c.Processor = (times.User + times.System) * 1000 / passed.Minutes()
	// macOS tells nobody what a process wrote.
	if io, err := p.IOCountersWithContext(ctx); err == nil {
		disk := float64(io.WriteBytes) / passed.Minutes()
		c.Disk = &disk
	}
	return c, nil
}
