package spool

import (
	"os"

	"golang.org/x/sys/unix"
)

// pageByPage makes the kernel keep a file in memory in single pages. A file that was
// written or read in larger pieces is kept in those, and then one page that changes
// costs the disk as many as its piece has. It is advice: where it is not taken, nothing
// but that is lost.
func pageByPage(file *os.File) {
	fd := int(file.Fd())
	_ = unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
	_ = unix.Fadvise(fd, 0, 0, unix.FADV_RANDOM)
}
