package software

import (
	"context"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// system is what the sense keeps between scans.
type system struct{ macSystem }

func newSystem(h host.Host) system {
	if !h.Live() {
		return system{newMacSystem(nil, h)}
	}
	return system{newMacSystem(machine{}, h)}
}

// Observe fills Software and RemoteSessions. A session that ended since the last
// call is told once more, with its end.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	return s.system.observe(ctx, s.host, s.catalog.Load(), *s.keys.Load(), into)
}
