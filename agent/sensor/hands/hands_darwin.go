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
	asked    time.Time
	last     state
}

func newSystem(s *Sensor) system {
	return system{registry: newRegistry(s.ledger, s.catalog.Load, systemtool.Run)}
}

func (y *system) look(ctx context.Context) state {
	if now := time.Now(); now.Sub(y.asked) >= idleEvery {
		y.asked = now
		y.last = y.registry.look(ctx)
		y.last.assistive = runsAssistive()
	}
	return y.last
}

func (*system) close() error { return nil }

// runsAssistive reports whether assistive technology runs, nil where that cannot be
// known. The kernel has the first sixteen bytes of names.
func runsAssistive() *bool {
	processes, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil
	}
	runs := false
	for i := range processes {
		runs = runs || assistive[strings.ToLower(unix.ByteSliceToString(processes[i].Proc.P_comm[:]))]
	}
	return &runs
}
