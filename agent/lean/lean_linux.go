package lean

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// releaseProgram tells the kernel that the program's own read-only pages are not
// needed for now. They are as they are in the file, so nothing is lost: a page that is
// needed again is mapped again, from the page cache as a rule.
func releaseProgram() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find the program's pages: %w", err)
	}
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("find the program's pages: %w", err)
	}
	defer file.Close()
	mappings, err := clean(file, program)
	if err != nil {
		return fmt.Errorf("find the program's pages: %w", err)
	}
	var problems []error
	for _, m := range mappings {
		pages := unsafe.Slice((*byte)(unsafe.Add(nil, m.from)), m.to-m.from) //nolint:gosec // the kernel's own word for where they are
		if err := unix.Madvise(pages, unix.MADV_DONTNEED); err != nil {
			problems = append(problems, fmt.Errorf("give pages of the program back: %w", err))
		}
	}
	return errors.Join(problems...)
}

// mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// clean returns the mappings of a file that cannot be written and hold no page that
// differs from it, whether in memory or swapped out. (Pages that smaps calls dirty may
// only be on their way to the disk: the file was installed just now.) A program that is relocated when it is loaded has such pages: they
// would come back as they are in the file, unrelocated.
func clean(smaps io.Reader, file string) ([]mapping, error) {
	var found []mapping
	var current *mapping
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 5 && !strings.HasSuffix(fields[0], ":") {
			current = nil
			if len(fields) >= 6 && strings.HasSuffix(lines.Text(), " "+file) && (fields[1] == "r-xp" || fields[1] == "r--p") {
				m, err := parseRange(fields[0])
				if err != nil {
					return nil, err
				}
				found = append(found, m)
				current = &found[len(found)-1]
			}
			continue
		}
		if current == nil || len(fields) < 2 {
			continue
		}
		if key := fields[0]; (key == "Anonymous:" || key == "Swap:") && fields[1] != "0" {
			found, current = found[:len(found)-1], nil
		}
	}
	return found, lines.Err()
}

func parseRange(text string) (mapping, error) {
	from, to, _ := strings.Cut(text, "-")
	first, err := strconv.ParseUint(from, 16, strconv.IntSize)
	if err != nil {
		return mapping{}, fmt.Errorf("%q is no range of addresses: %w", text, err)
	}
	last, err := strconv.ParseUint(to, 16, strconv.IntSize)
	if err != nil {
		return mapping{}, fmt.Errorf("%q is no range of addresses: %w", text, err)
	}
	if last <= first {
		return mapping{}, fmt.Errorf("%q is no range of addresses", text)
	}
	return mapping{uintptr(first), uintptr(last)}, nil
}
