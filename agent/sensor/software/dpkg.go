package software

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxStatusLine bounds one line of dpkg's status file; lists of dependencies get long.
const maxStatusLine = 1 << 20

// parseDpkgStatus streams dpkg's status file and calls found for every package that
// is installed. The slices are valid during the call.
func parseDpkgStatus(r io.Reader, found func(name, version []byte)) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	var name, version []byte
	installed := false
	flush := func() {
		if installed && len(name) > 0 {
			found(name, version)
		}
		name, version, installed = name[:0], version[:0], false
	}
	for {
		line, err := readLine(lines)
		if len(line) == 0 && err == nil {
			flush() // an empty line ends a package
			continue
		}
		switch field, value, _ := bytes.Cut(line, []byte(": ")); string(field) {
		case "Package":
			name = append(name[:0], value...)
		case "Version":
			version = append(version[:0], value...)
		case "Status":
			// want, error flag, state: only the state says what is on disk.
			installed = bytes.HasSuffix(value, []byte(" installed"))
		}
		if errors.Is(err, io.EOF) {
			flush()
			return nil
		}
		if err != nil {
			return fmt.Errorf("read installed packages: %w", err)
		}
	}
}

// readLine returns a line without its end. Of a line longer than the reader's
// buffer the beginning is returned and the rest skipped: the fields read are short.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimRight(line, "\r\n"), err
	}
	start := bytes.Clone(line[:256])
	for skipped := 0; errors.Is(err, bufio.ErrBufferFull); skipped += len(line) {
		if skipped > maxStatusLine {
			return nil, errors.New("a line without end")
		}
		line, err = r.ReadSlice('\n')
	}
	return start, err
}
