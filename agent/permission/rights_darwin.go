package permission

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const system = "macos"

// RightsOf returns the rights of a running process.
func RightsOf(pid int) (Rights, error) {
	process, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return Rights{}, fmt.Errorf("read rights of process %d: %w", pid, err)
	}
	return Rights{Known: true, Administrator: process.Eproc.Ucred.Uid == 0}, nil
}
