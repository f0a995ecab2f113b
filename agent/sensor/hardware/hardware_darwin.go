package hardware

import (
	"context"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/ioreg"
	"github.com/farmhound-security/farmhound/agent/systemtool"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	operatingSystem = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

	// Asking costs a process; what is attached changes rarely.
	devicesEvery = 5 * time.Minute
	powerEvery   = 2 * time.Minute
)

// Fixed sentences on what could not be seen.
const (
	detailNoUSB      = "the system did not list USB devices"
	detailNoDisplays = "the system did not list displays"
)

// system asks macOS's registry.
type system struct {
	devicesAt, powerAt time.Time
	lastPower          power
}

func newSystem(host.Host) system { return system{} }

func (s *system) changed() bool {
	if time.Since(s.devicesAt) < devicesEvery {
		return false
	}
	s.devicesAt = time.Now()
	return true
}

func (s *system) devices(ctx context.Context) (found, error) {
	var f found
	objects, err := ask(ctx, systemtool.USBDevices)
	if err != nil {
		f.hidden = append(f.hidden, detailNoUSB)
	}
	f.usb = ioregDevices(objects)
	displays, err := ask(ctx, systemtool.Displays)
	panels, other := ask(ctx, systemtool.Panels)
	if err != nil && other != nil {
		f.hidden = append(f.hidden, detailNoDisplays)
	}
	f.displays = ioregDisplays(append(displays, panels...))
	return f, ctx.Err()
}

func (s *system) power(bool) power {
	if time.Since(s.powerAt) < powerEvery {
		return s.lastPower
	}
	s.powerAt = time.Now()
	ctx := context.Background() // each answer is bounded in time
	lid, _ := ask(ctx, systemtool.Lid)
	battery, _ := ask(ctx, systemtool.Battery)
	s.lastPower = ioregPower(append(lid, battery...))
	return s.lastPower
}

// ask asks for a part of the registry.
func ask(ctx context.Context, part systemtool.Tool) ([]ioreg.Object, error) {
	text, err := systemtool.Run(ctx, part)
	return ioreg.Parse(string(text)), err
}
