package hardware

import (
	"context"
	"path"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	operatingSystem = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX

	drmFolder   = "/sys/class/drm"
	powerFolder = "/sys/class/power_supply"
	lidFolder   = "/proc/acpi/button/lid"

	maxEDID = 128 * 256
)

// Fixed sentences on what could not be seen.
const (
	detailNoUSB      = "USB devices are not shown here"
	detailNoDisplays = "displays are not shown here"
)

// system reads Linux's sysfs and remembers what it looked like.
type system struct {
	host host.Host
	mark *mark
}

func newSystem(h host.Host) system { return system{host: h, mark: newMark(h)} }

// changed reports whether devices may have changed since the last call.
func (s *system) changed() bool { return s.mark.changed() }

// devices reads everything that is attached.
func (s *system) devices(ctx context.Context) (found, error) {
	var f found
	var shown bool
	if f.usb, shown = usbDevices(s.host); !shown {
		f.hidden = append(f.hidden, detailNoUSB)
	}
	if err := ctx.Err(); err != nil {
		return found{}, err
	}
	if f.displays, shown = displays(s.host); !shown {
		f.hidden = append(f.hidden, detailNoDisplays)
	}
	return f, ctx.Err()
}

// displays reads the connected connectors of all graphics cards.
func displays(h host.Host) (panels []panel, shown bool) {
	names, err := h.ReadNames(drmFolder, maxNames)
	if err != nil {
		return nil, false
	}
	slices.Sort(names)
	for _, name := range names {
		card, connector, ok := strings.Cut(name, "-")
		if !ok || !strings.HasPrefix(card, "card") || len(panels) == maxDisplays {
			continue
		}
		folder := path.Join(drmFolder, name)
		raw, _ := h.ReadFile(path.Join(folder, "edid"), maxEDID)
		// A connector that is switched off keeps its description.
		if status := h.ReadLine(path.Join(folder, "status")); status != "connected" && (status != "" || len(raw) == 0) {
			continue
		}
		panels = append(panels, panel{connector: connector, edid: raw, builtIn: yes(isOwnPanel(connector)), driver: driverOf(h, card, folder)})
	}
	return panels, true
}

// isOwnPanel recognises connectors that lead to a laptop's own screen.
func isOwnPanel(connector string) bool {
	for _, kind := range []string{"eDP-", "LVDS-", "DSI-"} {
		if strings.HasPrefix(connector, kind) {
			return true
		}
	}
	return false
}

// driverOf is the name of the driver behind a card. Cards without hardware have no
// driver to name, but their place among the devices names it.
func driverOf(h host.Host, card, connector string) string {
	if target, err := h.ReadLink(path.Join(drmFolder, card, "device/driver")); err == nil {
		return path.Base(target)
	}
	if target, err := h.ReadLink(connector); err == nil && strings.Contains(target, "/vkms/") {
		return "vkms"
	}
	return ""
}

// power reads lid, mains and battery.
func (s *system) power() power {
	p := power{lidClosed: lid(s.host)}
	names, err := s.host.ReadNames(powerFolder, maxNames)
	if err != nil {
		return p
	}
	slices.Sort(names)
	var mains, online, discharging bool
	for _, name := range names {
		line := func(attribute string) string { return s.host.ReadLine(path.Join(powerFolder, name, attribute)) }
		if line("scope") == "Device" {
			continue // the battery of a mouse
		}
		switch line("type") {
		case "Mains", "USB", "USB_C", "USB_PD", "Wireless":
			mains = true
			online = online || line("online") == "1"
		case "Battery":
			discharging = discharging || line("status") == "Discharging"
			if n := uint32(number(line("cycle_count"), 10, 31)); n > 0 && p.cycles == nil {
				p.cycles = proto.Uint32(n)
			}
		}
	}
	switch {
	case online:
		p.source = farmhoundv1.PowerSource_POWER_SOURCE_AC
	case mains || discharging:
		p.source = farmhoundv1.PowerSource_POWER_SOURCE_BATTERY
	}
	return p
}

func lid(h host.Host) *bool {
	names, err := h.ReadNames(lidFolder, maxNames)
	if err != nil {
		return nil
	}
	slices.Sort(names)
	for _, name := range names {
		// "state:      open"
		switch fields := strings.Fields(h.ReadLine(path.Join(lidFolder, name, "state"))); {
		case len(fields) == 2 && fields[1] == "open":
			return yes(false)
		case len(fields) == 2 && fields[1] == "closed":
			return yes(true)
		}
	}
	return nil
}
