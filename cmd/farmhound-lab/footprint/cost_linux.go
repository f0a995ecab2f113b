package footprint

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is USER_HZ, in milliseconds.
const tick = 10

// costOf reads what a process has used since it was started.
func costOf(name string, pid int, passed time.Duration) (Cost, error) {
	c := Cost{Program: name}
	folder := fmt.Sprintf("/proc/%d/", pid)
	memory, err := os.ReadFile(folder + "statm")
	if err != nil {
		return c, fmt.Errorf("measure %s: %w", name, err)
	}
	stat, err := os.ReadFile(folder + "stat")
	if err != nil {
		return c, fmt.Errorf("measure %s: %w", name, err)
	}
	io, err := os.ReadFile(folder + "io")
	if err != nil {
		return c, fmt.Errorf("measure %s: %w", name, err)
	}
	pages := number(bytes.Fields(memory), 1)
	times := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	_, written, _ := bytes.Cut(io, []byte("\nwrite_bytes: "))
	c.Resident = pages * uint64(os.Getpagesize())
	c.Processor = float64(number(times, 11)+number(times, 12)) * tick / passed.Minutes()
	c.Disk = float64(number(bytes.Fields(written), 0)) / passed.Minutes()
	return c, nil
}

func number(fields [][]byte, at int) uint64 {
	if at >= len(fields) {
		return 0
	}
	n, err := strconv.ParseUint(string(fields[at]), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
