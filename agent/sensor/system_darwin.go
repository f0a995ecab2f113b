package sensor

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// readSystem asks the kernel. The serial number is in IOKit only, which is not read
// on this system yet.
func readSystem(Host) *farmhoundv1.System {
	model, _ := unix.Sysctl("hw.model")
	version, _ := unix.Sysctl("kern.osproductversion")
	s := &farmhoundv1.System{
		Manufacturer: "Apple Inc.", Model: model,
		Os:        farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS,
		OsVersion: strings.TrimSpace("macOS " + version),
		Chassis:   macChassis(model),
	}
	s.Hostname, _ = os.Hostname()
	return s
}

// macChassis goes by the model's name; newer ones (Mac15,3) do not tell.
func macChassis(model string) farmhoundv1.Chassis {
	switch {
	case strings.HasPrefix(model, "MacBook"):
		return farmhoundv1.Chassis_CHASSIS_LAPTOP
	case strings.HasPrefix(model, "VirtualMac"):
		return farmhoundv1.Chassis_CHASSIS_VIRTUAL
	case strings.HasPrefix(model, "iMac"), strings.HasPrefix(model, "Macmini"), strings.HasPrefix(model, "MacPro"):
		return farmhoundv1.Chassis_CHASSIS_DESKTOP
	}
	return farmhoundv1.Chassis_CHASSIS_UNSPECIFIED
}
