//go:build !windows

package spool

import "syscall"

// passingErrors are those of a disk that may work again by itself.
var passingErrors = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO}
