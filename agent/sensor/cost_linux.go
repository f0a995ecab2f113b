package sensor

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ownCost is what this process has used of the processors since it started, and its
// resident memory.
func ownCost() (time.Duration, uint64) { return processorTime(), residentMemory() }

// residentMemory is what the kernel says, or what the runtime holds where that is hidden. It
// is asked at every look, hence without an os.File.
func residentMemory() uint64 {
	fd, err := unix.Open("/proc/self/statm", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return heldMemory()
	}
	defer unix.Close(fd)
	var data [128]byte
	n, err := unix.Read(fd, data[:])
	if err != nil {
		return heldMemory()
	}
	_, rest, _ := bytes.Cut(data[:n], []byte{' '})
	number, _, _ := bytes.Cut(rest, []byte{' '})
	pages, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return heldMemory()
	}
	return pages * uint64(os.Getpagesize())
}
