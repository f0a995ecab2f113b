package procfs

import (
	"errors"

	"golang.org/x/sys/unix"
)

// read reads a short file into the Table's buffer; a longer one is cut. On the
// running machine it does without os.File, which costs more than the read.
func (t *Table) read(name string) ([]byte, error) {
	if !t.host.Live() {
		return t.host.ReadFile(name, int64(cap(t.buffer)))
	}
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Read(fd, t.buffer)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return t.buffer[:max(n, 0)], err
	}
}
