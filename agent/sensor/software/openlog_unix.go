//go:build unix

package software

import (
	"os"

	"golang.org/x/sys/unix"
)

// openLog opens a file that somebody else may have put there: neither a pipe nor a link
// elsewhere that has been put in its place since gets in the way.
func openLog(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
}
