package hardware

import (
	"context"
	"maps"
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
	host     host.Host
	mark     *mark
	supplies []supply
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
	folders := connectors(h)
	if folders == nil {
		return nil, false
	}
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		card, connector, _ := strings.Cut(name, "-")
		if len(panels) == maxDisplays {
			break
		}
		folder := folders[name]
		raw, _ := h.ReadFile(path.Join(folder, "edid"), maxEDID)
		// A connector that is switched off keeps its description.
		if status := h.ReadLine(path.Join(folder, "status")); status != "connected" && (status != "" || len(raw) == 0) {
			continue
		}
		panels = append(panels, panel{connector: connector, edid: raw, builtIn: yes(isOwnPanel(connector)), driver: driverOf(h, card, path.Join(drmFolder, name))})
	}
	return panels, true
}

// connectors maps the names of connectors to their folders; nil where the tree shows
// no graphics at all.
func connectors(h host.Host) map[string]string {
	names, err := h.ReadNames(drmFolder, maxNames)
	if err != nil && h.Live() {
		return nil // the kernel's own list is there wherever it drives a display
	}
	if err != nil {
		s := search{host: h, left: maxFolders, wanted: isConnector, found: map[string]string{}}
		s.in(allDevices, 0)
		if len(s.found) == 0 {
			return nil
		}
		return s.found
	}
	folders := map[string]string{}
	for _, name := range names {
		if isConnector(name) {
			folders[name] = follow(h, path.Join(drmFolder, name))
		}
	}
	return folders
}

// isConnector recognises card0-HDMI-A-1.
func isConnector(name string) bool {
	card, _, ok := strings.Cut(name, "-")
	number, isCard := strings.CutPrefix(card, "card")
	return ok && isCard && isNumber(number)
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

// supply is one source of power, and what was read of it last.
type supply struct {
	folder  string
	battery bool
	status  string
	cycles  uint32
}

// power reads lid, mains and battery. Which supplies there are is read again when
// the system's lists of devices have changed.
func (s *system) power(renew bool) power {
	if renew {
		s.supplies = supplies(s.host)
	}
	p := power{lidClosed: lid(s.host)}
	var offline, online, battery, discharging bool
	for i := range s.supplies {
		u := &s.supplies[i]
		if !u.battery {
			// 1 is one fixed voltage, 2 one that was agreed on.
			switch s.host.ReadLine(path.Join(u.folder, "online")) {
			case "":
			case "0":
				offline = true
			default:
				online = true
			}
			continue
		}
		battery = true
		// Cycles are counted while the battery is in use.
		if status := s.host.ReadLine(path.Join(u.folder, "status")); status != u.status || renew {
			u.status = status
			u.cycles = uint32(number(s.host.ReadLine(path.Join(u.folder, "cycle_count")), 10, 31))
		}
		discharging = discharging || u.status == "Discharging"
		if u.cycles > 0 && p.cycles == nil {
			p.cycles = proto.Uint32(u.cycles)
		}
	}
	switch {
	case online:
		p.source = farmhoundv1.PowerSource_POWER_SOURCE_AC
	case discharging, battery && offline: // a port that gives nothing is no battery
		p.source = farmhoundv1.PowerSource_POWER_SOURCE_BATTERY
	}
	return p
}

// supplies lists what powers the laptop, without the batteries of mice and the like.
func supplies(h host.Host) []supply {
	names, err := h.ReadNames(powerFolder, maxNames)
	if err != nil {
		return nil
	}
	slices.Sort(names)
	var all []supply
	for _, name := range names {
		folder := path.Join(powerFolder, name)
		if h.ReadLine(path.Join(folder, "scope")) == "Device" {
			continue
		}
		switch h.ReadLine(path.Join(folder, "type")) {
		case "Mains", "USB", "USB_C", "USB_PD", "Wireless":
			all = append(all, supply{folder: folder})
		case "Battery":
			all = append(all, supply{folder: folder, battery: true})
		}
	}
	return all
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
