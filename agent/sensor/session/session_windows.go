package session

import (
	"context"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// detailOffsetOnly says what this system's sense leaves out. Windows names time
// zones its own way, so that only the offset is told.
const detailOffsetOnly = "offset from UTC only: logon sessions are not read on this system yet"

// system is what the sense keeps between observations.
type system struct{}

func newSystem(host.Host) system { return system{} }

// Observe fills Place.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	_, seconds := s.host.Time().Local().Zone()
	minutes := int32(seconds / 60)
	into.Place = place("", &minutes)
	if err := ctx.Err(); err != nil {
		return err
	}
	return host.Partial{Detail: detailOffsetOnly}
}
