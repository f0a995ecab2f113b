package macprogram

import "golang.org/x/sys/unix"

// Path is where a process's program lies, empty where that is hidden. The kernel shows it
// of this user's processes, and all to root.
func Path(pid int32) string {
	started, err := unix.SysctlRaw("kern.procargs2", int(pid))
	if err != nil {
		return ""
	}
	return pathIn(started)
}
