package session

import (
	"context"
	"slices"
	"time"

	"github.com/shirou/gopsutil/v3/process"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/utmpx"
	"github.com/farmhound-security/farmhound/agent/systemtool"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// screenInterval is how often the screens are asked for again: they cost a program's start.
const screenInterval = 30 * time.Second

// system is what the sense keeps between observations.
type system struct {
	zone    zoneMemory
	live    bool
	asked   time.Time
	known   bool
	screens []screen
}

func newSystem(h host.Host) system { return system{live: h.Live()} }

// Observe fills Logons and Place.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	into.Place = place(s.system.zone.zone(s.host))
	s.askScreens(ctx)
	recorded, err := utmpx.Read(s.host)
	if err != nil && !s.system.known {
		return host.Hidden(detailMacLogins)
	}
	if s.system.live {
		recorded = slices.DeleteFunc(recorded, func(l utmpx.Login) bool {
			// Records stay of sessions that did not end in order.
			alive, err := process.PidExistsWithContext(ctx, l.PID)
			return err == nil && !alive
		})
	}
	into.Logons = &farmhoundv1.Logons{Sessions: macLogons(s.system.screens, s.system.known, recorded)}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var hidden []string
	if err != nil {
		hidden = append(hidden, detailMacRecord)
	}
	if !s.system.known {
		hidden = append(hidden, detailMacScreens)
	}
	return host.Hidden(hidden...)
}

// askScreens asks again where that is due.
func (s *Sensor) askScreens(ctx context.Context) {
	now := s.host.Time()
	if !s.system.live || !s.system.asked.IsZero() && now.Sub(s.system.asked).Abs() < screenInterval {
		return
	}
	s.system.asked = now
	s.system.screens, s.system.known = nil, false
	if text, err := systemtool.Run(ctx, systemtool.Screens); err == nil {
		s.system.screens, s.system.known = screensOf(text)
	}
}
