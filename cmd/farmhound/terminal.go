package main

import (
	"io"
	"os"
)

// pipeWidth is how wide tables are that no terminal shows, in characters.
const pipeWidth = 120

// widthOf returns how many characters fit a line of where w goes.
func widthOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n := terminalWidth(f); n > 0 {
			return max(n, 40)
		}
	}
	return pipeWidth
}

// isTerminal reports whether somebody types what r reads.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && terminalWidth(f) > 0
}
