package main

import (
	"errors"

	"golang.org/x/sys/windows"
)

// privilegeHint says what an ordinary user misses.
func privilegeHint() string {
	if windows.GetCurrentProcessToken().IsElevated() {
		return ""
	}
	return "You are not an administrator: the service runs with more rights and can see processes of other users. Run this in an administrator's command prompt to see what it would send."
}

func isBrokenPipe(err error) bool { return errors.Is(err, windows.ERROR_NO_DATA) }
