// Package host is what a sense may touch of the machine it observes: the files
// under one root, the clock, and the words for what it could not see.
//
// On a laptop the root is "/". A test, or a scan of a mounted disk, names another
// folder instead, and every sense then reads that tree and nothing else. The
// package imports nothing of Farmhound.
package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Host is the machine as the senses see it. The zero value is the running machine.
type Host struct {
	// Root is the folder that stands for "/". Empty means "/".
	Root string
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Live reports whether the host is the running machine, so that asking its kernel
// and asking its files give answers about the same thing.
func (h Host) Live() bool {
	return h.Root == "" || filepath.Clean(h.Root) == string(filepath.Separator)
}

// Time is the current time of the host's clock.
func (h Host) Time() time.Time {
	if h.Now == nil {
		return time.Now()
	}
	return h.Now()
}

// errSpecial is the error for what is neither a file nor a folder.
var errSpecial = errors.New("neither a regular file nor a folder")

// Open opens a file or folder by its absolute name on the host. Under another root than
// "/" a name or symbolic link that leads out of the root is an error. Many names lie where
// anybody can put something: a pipe, a socket or a device in the way is an error as well,
// and never blocks.
func (h Host) Open(name string) (*os.File, error) {
	// To open some devices is to set them going.
	if !ofKernel(name) {
		if info, err := h.Stat(name); err != nil {
			return nil, err
		} else if err := plain(name, info); err != nil {
			return nil, err
		}
	}
	f, err := h.open(name, neverBlock)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat() // it may be another by now
	if err == nil {
		err = plain(name, info)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

func (h Host) open(name string, flags int) (*os.File, error) {
	if h.Live() {
		return os.OpenFile(name, os.O_RDONLY|flags, 0)
	}
	root, err := os.OpenRoot(h.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.OpenFile(inside(name), os.O_RDONLY|flags, 0)
}

// ofKernel reports whether the kernel alone puts files where the name is.
func ofKernel(name string) bool {
	return strings.HasPrefix(name, "/sys/") || strings.HasPrefix(name, "/proc/")
}

func plain(name string, info fs.FileInfo) error {
	if info.Mode().IsRegular() || info.IsDir() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: name, Err: errSpecial}
}

// ReadFile reads at most limit bytes of a file; a longer file is cut, not refused.
func (h Host) ReadFile(name string, limit int64) ([]byte, error) {
	f, err := h.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// ReadLine reads the first line of a small file such as those under /sys, without
// surrounding white space. A file that cannot be read gives an empty line.
func (h Host) ReadLine(name string) string {
	data, err := h.ReadFile(name, 4096)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSpace(line)
}

// ReadLink returns where a symbolic link points, unresolved.
func (h Host) ReadLink(name string) (string, error) {
	if h.Live() {
		return os.Readlink(name)
	}
	root, err := os.OpenRoot(h.Root)
	if err != nil {
		return "", err
	}
	defer root.Close()
	return root.Readlink(inside(name))
}

// Stat describes a file, following links. It does not open it, so that a pipe that
// somebody left in the way cannot block.
func (h Host) Stat(name string) (fs.FileInfo, error) {
	if h.Live() {
		return os.Stat(name)
	}
	root, err := os.OpenRoot(h.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Stat(inside(name))
}

// ReadNames lists at most limit names of a folder, in the folder's own order.
func (h Host) ReadNames(name string, limit int) ([]string, error) {
	f, err := h.open(name, neverBlock|onlyFolder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(limit)
	if err != nil && !errors.Is(err, io.EOF) {
		return names, fmt.Errorf("list %s: %w", name, err)
	}
	return names, nil
}

func inside(name string) string {
	name = strings.TrimPrefix(filepath.ToSlash(filepath.Clean(name)), "/")
	if name == "" {
		return "."
	}
	return name
}

// Partial is the error of a sense that observed, but not everything: what it did
// fill in counts. Detail is one of the sense's own fixed sentences, at most 128
// bytes, and never holds a value that was read.
type Partial struct{ Detail string }

// Error returns the detail.
func (p Partial) Error() string { return p.Detail }

// Hidden joins the details of what a sense could not see into one Partial, or nil
// where there is none. Details that no longer fit in a health fact are left out.
func Hidden(details ...string) error {
	const longest = 128
	joined := ""
	for _, d := range details {
		switch {
		case d == "" || strings.Contains(joined, d):
		case joined == "":
			joined = d
		case len(joined)+len(d)+2 <= longest:
			joined += "; " + d
		}
	}
	if joined == "" {
		return nil
	}
	return Partial{Detail: joined}
}
