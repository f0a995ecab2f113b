package macprogram

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// Path is where a process's program lies, empty where that is hidden: the first of the
// words that it was started with, which the kernel keeps after their count. It shows them
// of this user's processes, and all to root.
func Path(pid int32) string {
	const countSize = 4
	started, err := unix.SysctlRaw("kern.procargs2", int(pid))
	if err != nil || len(started) <= countSize {
		return ""
	}
	word, _, _ := bytes.Cut(started[countSize:], []byte{0})
	return string(word)
}
