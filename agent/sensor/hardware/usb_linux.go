package hardware

import (
	"path"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/hardware/usb"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// Where Linux shows devices. Devices and interfaces are symbolic links to folders
// under /sys/devices; a copy of the tree may hold folders in their place, or only
// what the links point to.
const (
	usbFolder  = "/sys/bus/usb/devices"
	hidFolder  = "/sys/bus/hid/devices"
	scsiFolder = "/sys/bus/scsi/devices"
	allDevices = "/sys/devices"
)

// Bounds on what is listed.
const (
	maxNames = 4096
	// maxDepth and maxFolders bound the search of a tree without /sys/bus.
	maxDepth   = 14
	maxFolders = 20000
)

// usbDevices reads every USB device but root hubs, ordered by port path.
func usbDevices(h host.Host) (devices []device, shown bool) {
	links := sideLinks(h)
	names, err := h.ReadNames(usbFolder, maxNames)
	folders := make(map[string]string, len(names))
	for _, name := range names {
		folders[name] = follow(h, path.Join(usbFolder, name))
	}
	if devices = readDevices(h, folders, links); len(devices) > 0 {
		return devices, true
	}
	// The lists may be missing, or lead nowhere in a copy.
	if h.Live() {
		return nil, err == nil
	}
	s := search{host: h, left: maxFolders, wanted: func(name string) bool { return isPort(name) || isInterface(name) }, found: map[string]string{}}
	s.in(allDevices, 0)
	return readDevices(h, s.found, links), err == nil || len(s.found) > 0
}

// readDevices reads the devices among folders of devices and interfaces.
func readDevices(h host.Host, folders map[string]string, links sides) []device {
	names := make([]string, 0, len(folders))
	for name := range folders {
		if isPort(name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, comparePorts)
	var devices []device
	for _, name := range names[:min(len(names), maxDevices)] {
		r := usbReader{host: h, folder: folders[name], name: name, folders: folders, links: links}
		if d, ok := r.device(); ok {
			devices = append(devices, d)
		}
	}
	return devices
}

// follow is where a folder is to be read. A link that names its target from the top
// leads out of a copied tree; within the tree it is followed by name.
func follow(h host.Host, folder string) string {
	if h.Live() {
		return folder
	}
	if target, err := h.ReadLink(folder); err == nil && path.IsAbs(target) {
		return path.Clean(target)
	}
	return folder
}

// search looks for folders by name in a tree.
type search struct {
	host   host.Host
	left   int
	wanted func(name string) bool
	found  map[string]string
}

func (s *search) in(folder string, depth int) {
	names, err := s.host.ReadNames(folder, maxNames)
	if err != nil {
		return
	}
	for _, name := range names {
		if s.left--; s.left < 0 {
			return
		}
		// Links lead back into the tree.
		below := path.Join(folder, name)
		if _, err := s.host.ReadLink(below); err == nil {
			continue
		}
		if info, err := s.host.Stat(below); err != nil || !info.IsDir() {
			continue
		}
		if s.wanted(name) {
			s.found[name] = below
		}
		if depth < maxDepth {
			s.in(below, depth+1)
		}
	}
}

// isPort recognises the name of a device: bus, hyphen, ports with dots between.
func isPort(name string) bool {
	bus, ports, ok := strings.Cut(name, "-")
	return ok && isNumber(bus) && !slices.ContainsFunc(strings.Split(ports, "."), func(p string) bool { return !isNumber(p) })
}

// isInterface recognises the name of an interface: device, colon, configuration,
// dot, number.
func isInterface(name string) bool {
	device, rest, ok := strings.Cut(name, ":")
	configuration, number, dotted := strings.Cut(rest, ".")
	return ok && dotted && isPort(device) && isNumber(configuration) && isNumber(number)
}

func isNumber(s string) bool {
	return s != "" && len(s) <= 4 && strings.Trim(s, "0123456789") == ""
}

// usbReader reads one device.
type usbReader struct {
	host    host.Host
	folder  string
	name    string
	folders map[string]string
	links   sides
}

func (r usbReader) line(name string) string { return r.host.ReadLine(path.Join(r.folder, name)) }

// device reads what the device says of itself. It is not ok for a folder without
// ids.
func (r usbReader) device() (device, bool) {
	d := device{
		port: r.name, manufacturer: r.line("manufacturer"), name: r.line("product"), serial: r.line("serial"),
		vendor: uint16(number(r.line("idVendor"), 16, 16)), product: uint16(number(r.line("idProduct"), 16, 16)),
		speed: uint32(number(r.line("speed"), 10, 32)),
	}
	raw, _ := r.host.ReadFile(path.Join(r.folder, "descriptors"), usb.MaxDescriptors)
	stated, ok := usb.ParseDescriptors(raw)
	if ok && d.vendor == 0 {
		d.vendor, d.product = stated.Vendor, stated.Product
	}
	if d.vendor == 0 && d.product == 0 && len(stated.Interfaces) == 0 {
		return device{}, false
	}
	switch r.line("removable") {
	case "fixed":
		d.builtIn = yes(true)
	case "removable":
		d.builtIn = yes(false)
	}
	for _, i := range stated.Interfaces {
		d.interfaces = append(d.interfaces, function{Interface: i})
	}
	for _, folder := range r.interfaceFolders() {
		r.interfaceAt(&d, folder)
	}
	slices.SortStableFunc(d.interfaces, func(a, b function) int { return int(a.Number) - int(b.Number) })
	for i := range d.interfaces {
		r.links.complete(&d, &d.interfaces[i])
	}
	if len(d.storage) == 0 {
		d.storage = r.links.storage[r.name]
	}
	return d, true
}

// interfaceFolders lists the folders of the device's interfaces: inside its own
// and, in a flattened copy, beside it.
func (r usbReader) interfaceFolders() []string {
	var folders []string
	seen := map[string]bool{}
	add := func(name, folder string) {
		if strings.HasPrefix(name, r.name+":") && isInterface(name) && !seen[name] && len(folders) < usb.MaxInterfaces {
			seen[name] = true
			folders = append(folders, folder)
		}
	}
	names, err := r.host.ReadNames(r.folder, maxNames)
	if err == nil {
		for _, name := range names {
			add(name, path.Join(r.folder, name))
		}
	}
	for name, folder := range r.folders {
		add(name, folder)
	}
	slices.Sort(folders)
	return folders
}

// interfaceAt adds what an interface's folder says to what the descriptors said.
func (r usbReader) interfaceAt(d *device, folder string) {
	line := func(name string) string { return r.host.ReadLine(path.Join(folder, name)) }
	_, last, _ := strings.Cut(path.Base(folder), ":")
	_, last, _ = strings.Cut(last, ".")
	own := uint8(number(last, 10, 8))
	i := slices.IndexFunc(d.interfaces, func(f function) bool { return f.Number == own })
	if i < 0 {
		d.interfaces = append(d.interfaces, function{Interface: usb.Interface{Number: own}})
		i = len(d.interfaces) - 1
	}
	f := &d.interfaces[i]
	if class := line("bInterfaceClass"); class != "" {
		f.Class = uint8(number(class, 16, 8))
		f.Subclass = uint8(number(line("bInterfaceSubClass"), 16, 8))
		f.Protocol = uint8(number(line("bInterfaceProtocol"), 16, 8))
	}
	f.name = line("interface")
	names, err := r.host.ReadNames(folder, maxNames)
	if err != nil {
		return
	}
	slices.Sort(names)
	for _, name := range names {
		switch below := path.Join(folder, name); {
		case isHID(name, d.vendor, d.product) && f.digest == nil:
			r.reportAt(f, below)
		case strings.HasPrefix(name, "host"):
			d.storage = append(d.storage, inquiryNames(r.host, below)...)
		case strings.HasPrefix(name, "ep_8") && f.Interval == 0 && f.Class == usb.ClassHID:
			f.Interval = uint8(number(r.host.ReadLine(path.Join(below, "bInterval")), 16, 8))
		}
	}
}

func (r usbReader) reportAt(f *function, folder string) {
	if raw, err := r.host.ReadFile(path.Join(folder, "report_descriptor"), usb.MaxReport); err == nil && len(raw) > 0 {
		f.read(raw)
	}
}

// isHID recognises the folder of a HID device of a USB device: bus 3, the ids, an
// instance. A receiver has further ones below, of what is paired with it.
func isHID(name string, vendor, product uint16) bool {
	ids, _, ok := strings.Cut(name, ".")
	parts := strings.Split(ids, ":")
	return ok && len(parts) == 3 && parts[0] == "0003" &&
		uint16(number(parts[1], 16, 16)) == vendor && uint16(number(parts[2], 16, 16)) == product
}

// inquiryNames reads the SCSI inquiry names below a SCSI host's folder.
func inquiryNames(h host.Host, folder string) []string {
	var names []string
	targets, err := h.ReadNames(folder, maxNames)
	if err != nil {
		return nil
	}
	slices.Sort(targets)
	for _, target := range targets {
		if !strings.HasPrefix(target, "target") {
			continue
		}
		units, err := h.ReadNames(path.Join(folder, target), maxNames)
		if err != nil {
			continue
		}
		slices.Sort(units)
		for _, unit := range units {
			if strings.Count(unit, ":") == 3 && len(names) < maxStorage {
				if name := inquiryName(h, path.Join(folder, target, unit)); name != "" {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

func inquiryName(h host.Host, folder string) string {
	parts := make([]string, 0, 3)
	for _, name := range []string{"vendor", "model", "rev"} {
		if s := h.ReadLine(path.Join(folder, name)); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}
