package software

import (
	"context"

	"github.com/shirou/gopsutil/v3/process"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const thisSystem = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS

// runningProcesses lists the processes whose start this user may know.
func runningProcesses(ctx context.Context) ([]identity, error) {
	processes, err := process.ProcessesWithContext(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]identity, 0, len(processes))
	for _, p := range processes {
		if created, err := p.CreateTimeWithContext(ctx); err == nil {
			list = append(list, identity{p.Pid, created})
		}
	}
	return list, nil
}

// programOf returns the path and name of a process's program, as far as this user
// may know them.
func programOf(ctx context.Context, pid int32) (path, name string) {
	p := &process.Process{Pid: pid}
	path, _ = p.ExeWithContext(ctx)
	name, _ = p.NameWithContext(ctx)
	return path, name
}
