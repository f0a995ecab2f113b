// Package procfs lists the processes of a Linux machine from its /proc, cheaply
// enough to be asked every few seconds.
//
// One short file is read per process and scan. What does not change while a process
// runs one program (its file, arguments and owner) is read once. Process details
// stay in memory and are for matching; nothing here leaves the laptop by itself.
// The package imports nothing of Farmhound but agent/sensor/host.
package procfs

import (
	"bytes"
	"errors"
	"math"
)

// kernelThread is PF_KTHREAD of linux/sched.h.
const kernelThread = 0x00200000

// stat is what the senses need of /proc/PID/stat.
type stat struct {
	comm   []byte // the kernel's name of the process, at most 15 bytes
	gone   bool   // it has ended, and its parent has not asked how
	parent int
	tty    int // device number of the controlling terminal, zero without one
	flags  uint64
	start  uint64 // clock ticks from boot to the start of the process
}

var errStat = errors.New("not in the format of /proc/PID/stat")

// parseStat parses the one line of /proc/PID/stat. The name may hold anything, spaces
// and parentheses included, so it ends at the last one.
func parseStat(line []byte) (s stat, err error) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return s, errStat
	}
	s.comm = line[open+1 : end]
	rest := line[end+1:]
	const first = 3 // the number that proc(5) gives the first field of rest
	for number := first; number <= 22; number++ {
		rest = bytes.TrimLeft(rest, " ")
		stop := bytes.IndexByte(rest, ' ')
		if stop < 0 {
			stop = len(rest)
		}
		field := rest[:stop]
		rest = rest[stop:]
		ok := true
		switch number {
		case 3: // state letter
			ok = len(field) == 1
			s.gone = ok && (field[0] == 'Z' || field[0] == 'X')
		case 4:
			s.parent, ok = parseInt(field)
		case 7:
			s.tty, ok = parseInt(field)
		case 9:
			s.flags, ok = parseUint(field)
		case 22:
			s.start, ok = parseUint(field)
		}
		if !ok {
			return s, errStat
		}
	}
	return s, nil
}

// pseudoTerminal returns N for the device number of the Unix98 pseudo-terminal
// /dev/pts/N, which is what a remote terminal session gets, and -1 for any other.
func pseudoTerminal(tty int) int {
	major, minor := tty>>8&0xfff, tty&0xff|tty>>12&0xfff00
	if major < 136 || major > 143 {
		return -1
	}
	return (major-136)<<8 + minor
}

func parseInt(text []byte) (int, bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	n, ok := parseUint(text)
	if !ok || n > math.MaxInt32 {
		return 0, false
	}
	if negative {
		return -int(n), true
	}
	return int(n), true
}

// parseUint is strconv.ParseUint for bytes, without allocation.
func parseUint(text []byte) (n uint64, ok bool) {
	if len(text) == 0 || len(text) > 20 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' || n > (math.MaxUint64-9)/10 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
