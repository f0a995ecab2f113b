package doctor

import "io/fs"

// open knows nothing here: who may look is in lists that the mode does not show.
func open(fs.FileInfo) bool { return false }
