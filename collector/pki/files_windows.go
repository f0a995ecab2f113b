package pki

// syncDir does nothing: Windows cannot sync a directory, and NTFS keeps a log of
// renames.
func syncDir(string) error { return nil }

// checkPrivate does nothing: files inherit the access list of their directory,
// which a mode does not show.
func checkPrivate(string) error { return nil }
