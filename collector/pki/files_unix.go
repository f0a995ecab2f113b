//go:build unix

package pki

import (
	"errors"
	"fmt"
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

// checkPrivate refuses a key that everybody on this computer can read. The group
// may: that is how orchestrators mount secrets.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if others := info.Mode().Perm() & 0o007; others != 0 {
		return fmt.Errorf("its mode is %04o, so everybody on this computer may use the key: chmod o-rwx it", info.Mode().Perm())
	}
	return nil
}
