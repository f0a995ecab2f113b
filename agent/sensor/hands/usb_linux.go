package hands

import (
	"crypto/sha256"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/usb"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	maxNames  = 4096
	maxReport = 4096 // HID_MAX_DESCRIPTOR_SIZE
)

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

// isConsole reports whether the USB device in a folder looks like a remote console.
func isConsole(h host.Host, known *catalog.Catalog, folder string) bool {
	r, ok := known.RecogniseUSB(readUSB(h, folder))
	return ok && r.RemoteConsole()
}

// readUSB reads as much of a USB device as recognising it takes.
func readUSB(h host.Host, folder string) *farmhoundv1.UsbDevice {
	line := func(name string) string { return h.ReadLine(path.Join(folder, name)) }
	hex := func(text string) uint32 { n, _ := strconv.ParseUint(text, 16, 16); return uint32(n) }
	d := &farmhoundv1.UsbDevice{
		VendorId: hex(line("idVendor")), ProductId: hex(line("idProduct")),
		Manufacturer: line("manufacturer"), Product: line("product"), PortPath: path.Base(folder),
	}
	if speed, err := strconv.ParseUint(line("speed"), 10, 32); err == nil {
		d.SpeedMbps = uint32(speed)
	}
	raw, _ := h.ReadFile(path.Join(folder, "descriptors"), usb.MaxDescriptors)
	stated, _ := usb.ParseDescriptors(raw)
	names, _ := h.ReadNames(folder, maxNames)
	slices.Sort(names)
	for _, i := range stated.Interfaces {
		f := &farmhoundv1.UsbInterface{
			Class: uint32(i.Class), Subclass: uint32(i.Subclass), Protocol: uint32(i.Protocol),
			HidVersion: uint32(i.HIDVersion), PollInterval: uint32(i.Interval),
		}
		suffix := "." + strconv.Itoa(int(i.Number))
		for _, name := range names {
			if strings.HasPrefix(name, path.Base(folder)+":") && strings.HasSuffix(name, suffix) {
				readInterface(h, path.Join(folder, name), f)
			}
		}
		d.Interfaces = append(d.Interfaces, f)
	}
	return d
}

func readInterface(h host.Host, folder string, f *farmhoundv1.UsbInterface) {
	f.Name = h.ReadLine(path.Join(folder, "interface"))
	names, _ := h.ReadNames(folder, maxNames)
	for _, name := range names {
		descriptor, err := h.ReadFile(path.Join(folder, name, "report_descriptor"), maxReport)
		if err != nil || len(descriptor) == 0 {
			continue
		}
		sum := sha256.Sum256(descriptor)
		report := usb.ParseReport(descriptor)
		f.ReportDescriptorSha256 = sum[:]
		f.Keyboard, f.AbsolutePointer, f.RelativePointer = report.Keyboard, report.AbsolutePointer, report.RelativePointer
		f.Digitizer, f.ConsumerControl = report.Digitizer, report.ConsumerControl
		return
	}
}
