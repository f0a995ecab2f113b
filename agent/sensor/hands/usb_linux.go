package hands

import (
	"path"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

const maxNames = 4096

// usbFolder returns the folder of the USB device that a device under /sys/devices
// belongs to, empty where it is none.
func usbFolder(h host.Host, folder string) string {
	for ; len(folder) > len("/sys/devices/"); folder = path.Dir(folder) {
		if !strings.Contains(path.Base(folder), ":") && h.ReadLine(folder+"/idVendor") != "" {
			return folder
		}
	}
	return ""
}

// usbPlace is what the hardware sense says of a USB device: whether it is inside the
// laptop, and whether it looks like a remote console.
type usbPlace struct{ fixed, console bool }

// usbPlaces are the places of USB devices by their folders, for the time of one look:
// a device has several event nodes, and is read once for all of them.
type usbPlaces map[string]usbPlace

func (u usbPlaces) of(h host.Host, known *catalog.Catalog, folder string) usbPlace {
	if p, ok := u[folder]; ok {
		return p
	}
	var p usbPlace
	if d, ok := hardware.USB(h, known, folder); ok {
		r, recognised := known.RecogniseUSB(d)
		p = usbPlace{fixed: d.GetBuiltIn(), console: recognised && r.RemoteConsole()}
	}
	u[folder] = p
	return p
}
