package hands

import (
	"context"
	"time"

	"github.com/farmhound-security/farmhound/agent/systemtool"
)

const (
	// detailOrigin says what this system does not tell a program that may not listen
	// to keys.
	detailOrigin = "when somebody was active is seen, not from which device; programs and camera are not seen"
	detailNone   = "input cannot be asked for"

	idleEvery = 25 * time.Second
)

// system is what the sense keeps on macOS.
type system struct {
	idler idler
	asked time.Time
	known bool
}

func newSystem(s *Sensor) system { return system{idler: idler{ledger: s.ledger}} }

func (y *system) look(ctx context.Context) state {
	if now := time.Now(); now.Sub(y.asked) >= idleEvery {
		y.asked = now
		idle, ok := askIdle(ctx)
		if y.known = ok; ok {
			y.idler.told(idle)
		}
	}
	if !y.known {
		return state{details: []string{detailNone}}
	}
	return state{input: activity, details: []string{detailOrigin}}
}

// askIdle asks for how long no input came.
func askIdle(ctx context.Context) (time.Duration, bool) {
	text, err := systemtool.Run(ctx, systemtool.Idle)
	if err != nil {
		return 0, false
	}
	return parseIdle(string(text))
}

func (*system) close() error { return nil }
