//go:build unix && !darwin

package settings

import (
	"os"
	"path/filepath"
)

// DefaultFile is where the settings file lies.
func DefaultFile() string { return "/etc/farmhound/agent.json" }

// DefaultStateDir is the service's state directory, and for an ordinary user one
// of the user's own.
func DefaultStateDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/farmhound-agent"
	}
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "/var/lib/farmhound-agent"
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "farmhound-agent")
}
