//go:build !windows

package settings

// MachinePolicy returns what the company's device management set on this machine.
// Where the system has no place for that, the settings file is it.
func MachinePolicy() (Layer, error) { return nil, nil }
