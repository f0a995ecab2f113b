package hardware

import (
	"context"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const operatingSystem = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

// detailUnread says what this system's sense leaves out.
const detailUnread = "USB devices, displays and lid are not read on this system yet"

type system struct{}

func newSystem(host.Host) system { return system{} }

func (s *system) changed() bool { return false }

func (s *system) devices(ctx context.Context) (found, error) {
	return found{hidden: []string{detailUnread}}, ctx.Err()
}

func (s *system) power() power { return power{} }
