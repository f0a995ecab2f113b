package hands

import (
	"path"
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// describe reads what /sys says of an input device by the name of its node.
func describe(h host.Host, s *Sensor, places usbPlaces, name string) inputDevice {
	var d inputDevice
	link, err := h.ReadLink(path.Join(classFolder, name))
	if err != nil {
		return d
	}
	// It leads to .../inputN/eventN, from the folder that it stands in.
	folder := path.Dir(path.Join(classFolder, link))
	if !strings.HasPrefix(folder, "/sys/devices/") {
		return d
	}
	line := func(file string) string { return h.ReadLine(path.Join(folder, file)) }
	d.path, d.name = folder, line("name")
	d.bus, d.vendor = hex16(line("id/bustype")), hex16(line("id/vendor"))
	d.capabilities(line("capabilities/key"), line("capabilities/rel"), line("capabilities/abs"))
	if !d.keyboard && !d.pointer {
		return d
	}
	if at := usbFolder(h, folder); at != "" {
		place := places.of(h, s.catalog.Load(), at)
		d.fixed, d.console = place.fixed, place.console
	}
	return d
}

func hex16(text string) uint16 {
	n, err := strconv.ParseUint(text, 16, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}
