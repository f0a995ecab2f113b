package hands

import (
	"context"
	"time"

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
	}
	return y.last
}

func (*system) close() error { return nil }
