//go:build unix

package host

import "golang.org/x/sys/unix"

// Flags with which files are opened: a pipe that nobody writes to opens at once and a
// terminal does not become the agent's own, and nothing but a folder is listed.
const (
	neverBlock = unix.O_NONBLOCK | unix.O_NOCTTY
	onlyFolder = unix.O_DIRECTORY
)
