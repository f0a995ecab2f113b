package sensor

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// maxFirmware bounds the tables that firmware is asked for.
const maxFirmware = 1 << 20

func readSystem(Host) *farmhoundv1.System {
	f := parseSMBIOS(tableOfFirmware(firmwareTable()))
	s := &farmhoundv1.System{
		Serial: f.serial, Manufacturer: f.manufacturer, Model: f.model,
		Os:        farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS,
		OsVersion: osVersion(),
		Chassis:   chassisOf(f.manufacturer, f.model, f.chassis),
	}
	s.Hostname, _ = os.Hostname()
	return s
}

// firmwareTable asks Windows for the raw SMBIOS tables.
func firmwareTable() []byte {
	const provider = 'R'<<24 | 'S'<<16 | 'M'<<8 | 'B'
	get := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemFirmwareTable")
	if get.Find() != nil {
		return nil
	}
	size, _, _ := get.Call(provider, 0, 0, 0)
	if size == 0 || size > maxFirmware {
		return nil
	}
	raw := make([]byte, size)
	got, _, _ := get.Call(provider, 0, uintptr(unsafe.Pointer(&raw[0])), size)
	if got == 0 || got > size {
		return nil
	}
	return raw[:got]
}

// osVersion is the edition with its build, which says more than the marketing name.
func osVersion() string {
	v := windows.RtlGetVersion()
	edition := "Windows"
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Windows NT\CurrentVersion`, registry.QUERY_VALUE)
	if err == nil {
		defer key.Close()
		if name, _, err := key.GetStringValue("EditionID"); err == nil {
			edition = "Windows " + name
		}
	}
	return fmt.Sprintf("%s %d.%d.%d", edition, v.MajorVersion, v.MinorVersion, v.BuildNumber)
}
