package host

// Flags with which files are opened. Windows has no pipes among its files.
const (
	neverBlock = 0
	onlyFolder = 0
)
