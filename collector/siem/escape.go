package siem

import (
	"bytes"
	"fmt"
	"unicode"
)

// escaped writes characters that JSON allows as they are, and that a terminal or a
// viewer would obey, as escapes: DEL, the C1 controls, and marks that turn text around.
func escaped(line []byte) []byte {
	obeyed := func(r rune) bool { return r < 0x10000 && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }
	if !bytes.ContainsFunc(line, obeyed) {
		return line
	}
	out := make([]byte, 0, len(line)+32)
	for _, r := range string(line) {
		if obeyed(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, string(r)...)
		}
	}
	return out
}
