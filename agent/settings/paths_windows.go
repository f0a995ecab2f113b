package settings

import (
	"os"
	"path/filepath"
)

// DefaultFile is where the settings file lies.
func DefaultFile() string { return filepath.Join(programData(), "Farmhound", "agent.json") }

// DefaultStateDir is the service's state directory.
func DefaultStateDir() string { return filepath.Join(programData(), "Farmhound", "agent") }

func programData() string {
	if dir := os.Getenv("ProgramData"); filepath.IsAbs(dir) {
		return dir
	}
	return `C:\ProgramData`
}
