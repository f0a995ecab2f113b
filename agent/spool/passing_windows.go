package spool

import "golang.org/x/sys/windows"

// passingErrors are those of a disk that may work again by itself.
var passingErrors = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_WRITE_PROTECT, windows.ERROR_IO_DEVICE}
