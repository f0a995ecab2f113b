package hands

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/systemtool"
)

const idleEvery = 25 * time.Second

// system is what the sense keeps on macOS.
type system struct {
	registry hidRegistry
	media    macMedia
	asked    time.Time
	last     state
}

func newSystem(s *Sensor) system {
	return system{
		registry: newRegistry(s.ledger, s.catalog.Load, systemtool.Run),
		media:    macMedia{ask: systemtool.Run, now: s.host.Time},
	}
}

func (y *system) look(ctx context.Context) state {
	if now := time.Now(); now.Sub(y.asked) >= idleEvery {
		y.asked = now
		y.last = y.registry.look(ctx)
		var named func(pid int) string
		if processes, err := unix.SysctlKinfoProcSlice("kern.proc.all"); err == nil {
			y.last.assistive = runsAssistive(processes)
			named = func(pid int) string { return nameOf(processes, pid) }
		}
		y.media.look(ctx, named, &y.last)
	}
	return y.last
}

func (*system) close() error { return nil }

// runsAssistive reports whether assistive technology runs. The kernel has the first
// sixteen bytes of names.
func runsAssistive(processes []unix.KinfoProc) *bool {
	runs := false
	for i := range processes {
		runs = runs || assistive[strings.ToLower(unix.ByteSliceToString(processes[i].Proc.P_comm[:]))]
	}
	return &runs
}

// nameOf returns the name of a process, "" for one that ended.
func nameOf(processes []unix.KinfoProc, pid int) string {
	for i := range processes {
		if p := &processes[i].Proc; int(p.P_pid) == pid {
			return unix.ByteSliceToString(p.P_comm[:])
		}
	}
	return ""
}
