// Package hardware is the sense for what the laptop is plugged into: USB devices as
// wholes, displays by their own description, lid and power.
//
// Serial numbers of peripherals are classed and leave as keyed hashes only; of a
// report descriptor only its digest and what it declares; of storage the maker's
// name for it, never a volume or a file. The package imports proto/ and
// agent/sensor/host.
package hardware

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// Name is the sense's name in health facts.
const Name = "hardware"

// Most of what a report may hold, from the schema.
const (
	maxReported = 64
	maxDisplays = 16
)

// maxDevices bounds how many devices are read at all.
const maxDevices = 512

// Sensor is the sense. Observe is for one goroutine at a time; Count may be called
// beside it.
type Sensor struct {
	host   host.Host
	config atomic.Pointer[config]
	system system

	mu     sync.Mutex // guards shelf
	shelf  shelf
	latest *observed
}

// config is what a policy can change.
type config struct {
	catalog *catalog.Catalog
	keys    fleetkey.Ring
}

// observed is what the last full reading found, for as long as nothing changes.
type observed struct {
	config   *config
	usb      []*farmhoundv1.UsbDevice
	displays []*farmhoundv1.Display
	hidden   []string
}

// New returns the sense for a host, with the catalogue that knows hardware and the
// keys to hash serial numbers with.
func New(h host.Host, c *catalog.Catalog, keys fleetkey.Ring) *Sensor {
	s := &Sensor{host: h, system: newSystem(h)}
	s.Use(c, keys)
	return s
}

// Name returns the sense's name.
func (s *Sensor) Name() string { return Name }

// Use changes catalogue and keys from the next observation on. It may be called
// while an observation is under way.
func (s *Sensor) Use(c *catalog.Catalog, keys fleetkey.Ring) { s.config.Store(&config{c, keys}) }

// Observe fills Hardware. Devices are read again only when the system's lists of
// them have changed.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	changed := s.system.changed()
	now := s.system.power(changed)
	s.note(now)
	config := s.config.Load()
	if s.latest == nil || changed || s.latest.config != config {
		s.latest = nil
		found, err := s.system.devices(ctx)
		if err != nil {
			return err
		}
		s.latest = config.observe(found)
	}
	into.Hardware = &farmhoundv1.Hardware{
		Usb: s.latest.usb, Displays: s.latest.displays,
		LidClosed: now.lidClosed, Power: now.source, BatteryCycles: now.cycles,
	}
	return host.Hidden(s.latest.hidden...)
}

// found is what a system's devices say of themselves.
type found struct {
	usb      []device
	displays []panel
	// hidden are fixed sentences on what could not be read.
	hidden []string
}

func (c *config) observe(f found) *observed {
	o := &observed{config: c, hidden: f.hidden}
	for i := range f.usb[:min(len(f.usb), maxDevices)] {
		o.usb = append(o.usb, c.usb(&f.usb[i]))
	}
	o.usb = reported(o.usb)
	for i := range f.displays[:min(len(f.displays), maxDisplays)] {
		o.displays = append(o.displays, c.display(&f.displays[i]))
	}
	return o
}

// reported keeps as many devices as a report holds. Those that were recognised stay
// before the others, so that nobody hides one behind a crowd.
func reported(all []*farmhoundv1.UsbDevice) []*farmhoundv1.UsbDevice {
	over := len(all) - maxReported
	if over <= 0 {
		return all
	}
	for i := len(all) - 1; i >= 0 && over > 0; i-- {
		if all[i].GetRecognisedBy() == farmhoundv1.RecognisedBy_RECOGNISED_BY_UNSPECIFIED {
			all = slices.Delete(all, i, i+1)
			over--
		}
	}
	return all[:min(len(all), maxReported)]
}
