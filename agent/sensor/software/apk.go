package software

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// parseAPK streams Alpine's list of installed packages, of which each line is a letter,
// a colon and a value, and calls found for every package. The slices are valid during
// the call.
func parseAPK(r io.Reader, found func(name, version []byte)) error {
	lines := bufio.NewReaderSize(r, 16<<10)
	var name, version []byte
	for {
		line, err := readLine(lines)
		switch {
		case len(line) == 0: // an empty line ends a package
			if len(name) > 0 {
				found(name, version)
			}
			name, version = name[:0], version[:0]
		case len(line) > 2 && line[0] == 'P' && line[1] == ':':
			name = append(name[:0], line[2:]...)
		case len(line) > 2 && line[0] == 'V' && line[1] == ':':
			version = append(version[:0], line[2:]...)
		}
		if errors.Is(err, io.EOF) {
			if len(name) > 0 {
				found(name, version)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("read installed packages: %w", err)
		}
	}
}
