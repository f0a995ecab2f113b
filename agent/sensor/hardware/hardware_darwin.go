package hardware

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	operatingSystem = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

	// Asking costs a process; what is attached changes rarely.
	devicesEvery = 5 * time.Minute
	powerEvery   = 2 * time.Minute

	maxOutput  = 8 << 20
	askTimeout = 5 * time.Second
)

// Fixed sentences on what could not be seen.
const (
	detailNoUSB      = "the system did not list USB devices"
	detailNoDisplays = "the system did not list displays"
)

// ioreg is the only program that is run, with one of these lists of arguments.
const ioreg = "/usr/sbin/ioreg"

var (
	askUSB      = []string{"-r", "-c", "IOUSBHostDevice", "-l", "-w0"}
	askDisplays = []string{"-r", "-c", "IODisplayConnect", "-l", "-w0"}
	askPanels   = []string{"-r", "-k", "DisplayAttributes", "-d", "1", "-w0"}
	askLid      = []string{"-r", "-k", "AppleClamshellState", "-d", "1", "-w0"}
	askBattery  = []string{"-r", "-c", "AppleSmartBattery", "-d", "1", "-w0"}
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
	objects, err := ask(ctx, askUSB)
	if err != nil {
		f.hidden = append(f.hidden, detailNoUSB)
	}
	f.usb = ioregDevices(objects)
	displays, err := ask(ctx, askDisplays)
	panels, other := ask(ctx, askPanels)
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
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	lid, _ := ask(ctx, askLid)
	battery, _ := ask(ctx, askBattery)
	s.lastPower = ioregPower(append(lid, battery...))
	return s.lastPower
}

// ask runs ioreg and reads at most maxOutput of what it prints.
func ask(ctx context.Context, arguments []string) ([]object, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, ioreg, arguments...)
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	_, copied := io.Copy(&text, io.LimitReader(out, maxOutput))
	if copied == nil {
		_, copied = io.Copy(io.Discard, out)
	}
	if err := command.Wait(); err != nil {
		return nil, err
	}
	return parseIoreg(text.String()), copied
}
