//go:build !windows

package main

// help runs the helper of a session; only Windows has one.
func help([]string) (ran bool, err error) { return false, nil }
