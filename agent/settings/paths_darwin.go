package settings

import (
	"os"
	"path/filepath"
)

const systemDir = "/Library/Application Support/Farmhound"

// DefaultFile is where the settings file lies.
func DefaultFile() string { return systemDir + "/agent.json" }

// DefaultStateDir is the service's state directory, and for an ordinary user one
// of the user's own.
func DefaultStateDir() string {
	if os.Geteuid() != 0 {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, "Library", "Application Support", "Farmhound", "agent")
		}
	}
	return systemDir + "/agent"
}
