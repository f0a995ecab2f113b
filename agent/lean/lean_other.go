//go:build !linux

package lean

// releaseProgram has nothing to do: these systems trim a process themselves.
func releaseProgram() error { return nil }
