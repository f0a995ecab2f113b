package software

import "os"

// openLog opens a file that somebody else may have put there.
func openLog(name string) (*os.File, error) { return os.Open(name) }
