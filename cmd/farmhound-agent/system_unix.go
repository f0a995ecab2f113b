//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// privilegeHint says what an ordinary user misses.
func privilegeHint() string {
	if os.Geteuid() == 0 {
		return ""
	}
	return "You are an ordinary user: the service runs with more rights and can see processes and records of other users. Run this as root to see what it would send."
}

func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
