package software

import (
	"bytes"
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const thisSystem = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

// runningProcesses asks the kernel; process libraries would fork ps for it.
func runningProcesses(context.Context) ([]identity, error) {
	processes, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, fmt.Errorf("sysctl kern.proc.all: %w", err)
	}
	list := make([]identity, 0, len(processes))
	for i := range processes {
		p := &processes[i].Proc
		list = append(list, identity{p.P_pid, p.P_starttime.Nano() / 1e6})
	}
	return list, nil
}

// programOf returns the path and name of a process's program, as far as this user
// may know them. The path is the first of the words that the process was started
// with, which the kernel keeps after their count.
func programOf(_ context.Context, pid int32) (path, name string) {
	const countSize = 4
	if started, err := unix.SysctlRaw("kern.procargs2", int(pid)); err == nil && len(started) > countSize {
		word, _, _ := bytes.Cut(started[countSize:], []byte{0})
		path = string(word)
	}
	if p, err := unix.SysctlKinfoProc("kern.proc.pid", int(pid)); err == nil {
		comm, _, _ := bytes.Cut(p.Proc.P_comm[:], []byte{0})
		name = string(comm)
	}
	return path, name
}
