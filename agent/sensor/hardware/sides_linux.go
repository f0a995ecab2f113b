package hardware

import (
	"path"
	"strconv"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/usb"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// sides is what the lists of HID and SCSI devices add where a tree does not hold
// them below the interface that they belong to.
type sides struct {
	host host.Host
	// reports are folders of HID devices by "device:interface number".
	reports map[string][]string
	// storage are inquiry names by device.
	storage map[string][]string
}

func sideLinks(h host.Host) sides {
	s := sides{host: h, reports: map[string][]string{}, storage: map[string][]string{}}
	names, _ := h.ReadNames(hidFolder, maxNames)
	for _, name := range names {
		folder := follow(h, path.Join(hidFolder, name))
		if port, number, ok := s.ownerOf(folder); ok {
			key := port + ":" + number
			s.reports[key] = append(s.reports[key], folder)
		} else if port, number, ok := s.physical(folder); ok {
			key := port + ":" + number
			s.reports[key] = append(s.reports[key], folder)
		}
	}
	names, _ = h.ReadNames(scsiFolder, maxNames)
	for _, name := range names {
		if strings.Count(name, ":") != 3 {
			continue
		}
		folder := follow(h, path.Join(scsiFolder, name))
		if port, _, ok := s.ownerOf(folder); ok && len(s.storage[port]) < maxStorage {
			if inquiry := inquiryName(h, folder); inquiry != "" {
				s.storage[port] = append(s.storage[port], inquiry)
			}
		}
	}
	return s
}

// ownerOf finds the interface in the path that a link leads to.
func (s sides) ownerOf(folder string) (port, number string, ok bool) {
	target, err := s.host.ReadLink(folder)
	if err != nil {
		target = folder // followed already
	}
	for part := range strings.SplitSeq(target, "/") {
		if isInterface(part) {
			device, rest, _ := strings.Cut(part, ":")
			_, last, _ := strings.Cut(rest, ".")
			port, number, ok = device, last, true
		}
	}
	return port, number, ok
}

// physical finds the port and interface in what the kernel calls the device's
// physical path, "usb-0000:00:14.0-4.2/input1". It does not tell the bus.
func (s sides) physical(folder string) (port, number string, ok bool) {
	data, err := s.host.ReadFile(path.Join(folder, "uevent"), 4096)
	if err != nil {
		return "", "", false
	}
	for line := range strings.Lines(string(data)) {
		phys, found := strings.CutPrefix(strings.TrimSpace(line), "HID_PHYS=usb-")
		if !found {
			continue
		}
		where, input, slashed := strings.Cut(phys, "/input")
		hyphen := strings.LastIndexByte(where, '-')
		if slashed && hyphen >= 0 && isNumber(input) {
			return "*-" + where[hyphen+1:], input, true
		}
	}
	return "", "", false
}

// complete reads the report descriptor of an interface that has none yet.
func (s sides) complete(d *device, f *function) {
	if f.digest != nil || f.Class != usb.ClassHID {
		return
	}
	_, ports, _ := strings.Cut(d.port, "-")
	own := ":" + strconv.Itoa(int(f.Number))
	for _, key := range []string{d.port + own, "*-" + ports + own} {
		for _, folder := range s.reports[key] {
			if f.digest == nil && isHID(path.Base(folder), d.vendor, d.product) {
				usbReader{host: s.host}.reportAt(f, folder)
			}
		}
	}
}
