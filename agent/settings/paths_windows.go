package settings

import (
	"path/filepath"

	"golang.org/x/sys/windows/registry"
)

// DefaultFile is where the settings file lies.
func DefaultFile() string { return filepath.Join(programData(), "Farmhound", "agent.json") }

// DefaultStateDir is the service's state directory.
func DefaultStateDir() string { return filepath.Join(programData(), "Farmhound", "agent") }

// programData goes by what Windows itself goes by. The variable of that name is for
// whoever starts a program to set, and service and administrator must mean one folder.
func programData() string {
	const profiles = `SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList`
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, profiles, registry.QUERY_VALUE)
	if err != nil {
		return usualProgramData
	}
	defer key.Close()
	dir, _, err := key.GetStringValue("ProgramData")
	if err != nil {
		return usualProgramData
	}
	if dir, err = registry.ExpandString(dir); err != nil || !filepath.IsAbs(dir) {
		return usualProgramData
	}
	return dir
}

const usualProgramData = `C:\ProgramData`
