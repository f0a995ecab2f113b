//go:build !linux

package spool

import "os"

// pageByPage has nothing to do: what a page costs that changes is these systems' own.
func pageByPage(*os.File) {}
