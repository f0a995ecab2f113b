package permission

import (
	"fmt"
	"os"
)

const system = "linux"

// RightsOf returns the rights of a running process.
func RightsOf(pid int) (Rights, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Rights{}, fmt.Errorf("read rights of process %d: %w", pid, err)
	}
	return parseStatus(string(text))
}
