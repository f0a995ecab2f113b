package pki

// syncDir does nothing: Windows cannot sync a directory, and NTFS keeps a log of
// renames.
func syncDir(string) error { return nil }
