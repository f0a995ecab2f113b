//go:build unix

package doctor

import "io/fs"

// open reports whether others than the owner may look into a directory.
func open(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
