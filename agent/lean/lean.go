// Package lean keeps the agent's process small. What it changes is of the whole
// process, so that only a program that is nothing but an agent may use it.
//
// A program touches most of its own pages once, while it starts: tables are built,
// types registered, a first handshake made. They stay resident although they are not
// needed again. Release gives them back; what is needed is read again from the file.
// The package may import nothing of this module.
package lean

import "runtime/debug"

// gcPercent halves the heap at which collection begins: an agent that looks every few
// seconds and otherwise sleeps can spare the processor time, not the memory.
const gcPercent = 50

// Prepare sets the process up to use little memory.
func Prepare() { debug.SetGCPercent(gcPercent) }

// Release gives back the memory that the process does not need any more: free heap,
// and on Linux the pages of the program itself. It is best called when the program
// has settled, and costs a few hundred page faults afterwards.
func Release() error {
	debug.FreeOSMemory()
	return releaseProgram()
}
