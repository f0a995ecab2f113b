//go:build unix

package pki

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes a rename durable. File systems that cannot sync a directory say
// EINVAL; there the rename is as durable as it gets.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}
