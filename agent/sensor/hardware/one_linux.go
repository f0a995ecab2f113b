package hardware

import (
	"path"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// USB reads the one USB device in a folder under /sys/devices as the sense reads all
// of them, so that another sense places it as this one does. Its serial number is
// classed and not hashed. It is not ok where the folder holds no device.
func USB(h host.Host, c *catalog.Catalog, folder string) (d *farmhoundv1.UsbDevice, ok bool) {
	r := usbReader{host: h, folder: folder, name: path.Base(folder), links: sideLinks(h)}
	if !isPort(r.name) {
		return nil, false
	}
	read, ok := r.device()
	if !ok {
		return nil, false
	}
	known := config{catalog: c, keys: fleetkey.Ring{}}
	return known.usb(&read), true
}
