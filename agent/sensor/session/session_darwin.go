package session

import (
	"context"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// detailZoneOnly says what this system's sense leaves out.
const detailZoneOnly = "time zone only: logon sessions are not read on this system yet"

// system is what the sense keeps between observations.
type system struct{}

func newSystem(host.Host) system { return system{} }

// Observe fills Place.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	into.Place = place(zone(s.host))
	if err := ctx.Err(); err != nil {
		return err
	}
	return host.Partial{Detail: detailZoneOnly}
}
