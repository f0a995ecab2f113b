package sensor

import (
	"strconv"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Where Linux shows firmware's words: SMBIOS on most laptops, the device tree on
// some with ARM processors.
const (
	dmiFolder        = "/sys/class/dmi/id/"
	deviceTreeFolder = "/sys/firmware/devicetree/base/"
)

func readSystem(h Host) *farmhoundv1.System {
	s := &farmhoundv1.System{
		Serial:       h.ReadLine(dmiFolder + "product_serial"),
		Manufacturer: h.ReadLine(dmiFolder + "sys_vendor"),
		Model:        h.ReadLine(dmiFolder + "product_name"),
		Os:           farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX,
		OsVersion:    osVersion(h),
		Hostname:     h.ReadLine("/proc/sys/kernel/hostname"),
	}
	if s.Model == "" {
		s.Serial = strings.TrimRight(h.ReadLine(deviceTreeFolder+"serial-number"), "\x00")
		s.Model = strings.TrimRight(h.ReadLine(deviceTreeFolder+"model"), "\x00")
	}
	// Windows' subsystem for Linux is a virtual machine without firmware of its own; the
	// laptop around it is the Windows agent's to tell.
	if strings.Contains(strings.ToLower(h.ReadLine("/proc/sys/kernel/osrelease")), "microsoft") {
		s.Manufacturer, s.Model = "Microsoft Corporation", "Windows Subsystem for Linux"
		s.Chassis = farmhoundv1.Chassis_CHASSIS_VIRTUAL
		return s
	}
	kind, _ := strconv.ParseUint(h.ReadLine(dmiFolder+"chassis_type"), 10, 7)
	s.Chassis = chassisOf(s.Manufacturer, s.Model, byte(kind))
	return s
}

// osVersion is the name that the distribution gives itself, with its version.
func osVersion(h Host) string {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		data, err := h.ReadFile(name, 64<<10)
		if err != nil {
			continue
		}
		fields := parseOSRelease(string(data))
		if fields["PRETTY_NAME"] != "" {
			return fields["PRETTY_NAME"]
		}
		return strings.TrimSpace(fields["NAME"] + " " + fields["VERSION_ID"])
	}
	return ""
}

// parseOSRelease reads the assignments of os-release(5), unquoted.
func parseOSRelease(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found || strings.HasPrefix(name, "#") {
			continue
		}
		if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		fields[name] = value
	}
	return fields
}
