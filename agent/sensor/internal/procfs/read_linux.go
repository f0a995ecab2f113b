package procfs

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct linux_dirent64 of getdents64(2).
const (
	direntLength = 16
	direntName   = 19
)

// reader reads files below /proc into memory that is used again. What package os
// allocates for a file is little, and adds up with every process of every scan.
type reader struct {
	path []byte // ends in a zero byte, for the kernel
	data []byte
	how  unix.OpenHow
	// root is the folder that stands for "/", opened for as long as a Refresh lasts;
	// unix.AT_FDCWD on the running machine.
	root int
}

// begin opens the host's root.
func (t *Table) begin() error {
	t.root = unix.AT_FDCWD
	if t.host.Live() {
		return nil
	}
	fd, err := unix.Open(filepath.Clean(t.host.Root), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	t.root = fd
	return nil
}

func (t *Table) end() {
	if t.root >= 0 {
		_ = unix.Close(t.root)
	}
	t.root = unix.AT_FDCWD
}

// open opens /proc, or a name in the folder of a process there. In a recorded tree the
// kernel itself refuses a name that leads out of the tree.
func (t *Table) open(pid int, name string, flags int) (int, error) {
	t.path = t.path[:0]
	if t.root < 0 {
		t.path = append(t.path, '/')
	}
	t.path = append(t.path, "proc"...)
	if pid > 0 {
		t.path = strconv.AppendInt(append(t.path, '/'), int64(pid), 10)
	}
	if name != "" {
		t.path = append(append(t.path, '/'), name...)
	}
	t.path = append(t.path, 0)
	t.how = unix.OpenHow{Flags: uint64(flags | unix.O_RDONLY | unix.O_CLOEXEC)}
	if t.root >= 0 {
		t.how.Resolve = unix.RESOLVE_BENEATH
	}
	for {
		var fd uintptr
		var errno unix.Errno
		if t.root < 0 {
			fd, _, errno = unix.Syscall6(unix.SYS_OPENAT, uintptr(t.root), uintptr(unsafe.Pointer(&t.path[0])), uintptr(t.how.Flags), 0, 0, 0) //nolint:gosec // a path of our own
		} else {
			fd, _, errno = unix.Syscall6(unix.SYS_OPENAT2, uintptr(t.root), uintptr(unsafe.Pointer(&t.path[0])), uintptr(unsafe.Pointer(&t.how)), unsafe.Sizeof(t.how), 0, 0) //nolint:gosec // likewise
		}
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EINTR:
		case unix.ENOSYS: // a kernel before 5.6
			return t.openInside()
		default:
			return -1, errno
		}
	}
}

// openInside opens the path in a recorded tree without the kernel's help.
func (t *Table) openInside() (int, error) {
	f, err := t.host.Open("/" + string(t.path[:len(t.path)-1]))
	if err != nil {
		return -1, err
	}
	defer f.Close()
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}

// read reads a short file of a process; a longer one is cut. The data are valid until
// the next call.
func (t *Table) read(pid int, name string) ([]byte, error) {
	fd, err := t.open(pid, name, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Read(fd, t.data)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return t.data[:max(n, 0)], err
	}
}

// numbers appends the ids of processes, in no order.
func (t *Table) numbers(dst []int, limit int) ([]int, error) {
	fd, err := t.open(0, "", unix.O_DIRECTORY)
	if err != nil {
		return dst, err
	}
	defer unix.Close(fd)
	return t.appendNumbers(dst, fd, limit)
}

func (t *Table) appendNumbers(dst []int, fd, limit int) ([]int, error) {
	for len(dst) < limit {
		n, err := unix.ReadDirent(fd, t.data)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			return dst, err
		}
		for entries := t.data[:n]; len(entries) > direntName; {
			length := int(binary.NativeEndian.Uint16(entries[direntLength:]))
			if length <= direntName || length > len(entries) {
				return dst, errors.New("the kernel listed a folder in another format")
			}
			if number, ok := leadingNumber(entries[direntName:length]); ok {
				dst = append(dst, number)
			}
			entries = entries[length:]
		}
	}
	return dst, nil
}

// leadingNumber parses a name that ends in a zero byte.
func leadingNumber(name []byte) (int, bool) {
	end := 0
	for end < len(name) && name[end] != 0 {
		end++
	}
	return parseInt(name[:end])
}

// link reads where a name in an opened folder points.
func (t *Table) link(folder int, name string) ([]byte, error) {
	t.path = append(append(t.path[:0], name...), 0)
	return t.readLink(folder)
}

func (t *Table) numberedLink(folder, number int) ([]byte, error) {
	t.path = append(strconv.AppendInt(t.path[:0], int64(number), 10), 0)
	return t.readLink(folder)
}

func (t *Table) readLink(folder int) ([]byte, error) {
	n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(folder), uintptr(unsafe.Pointer(&t.path[0])), //nolint:gosec // a path of our own
		uintptr(unsafe.Pointer(&t.data[0])), uintptr(len(t.data)), 0, 0) //nolint:gosec // a buffer of our own
	if errno != 0 {
		return nil, errno
	}
	return t.data[:n], nil
}

// AppendSockets appends the inodes of the sockets that a process holds. It is an
// error where they are hidden from this user, and none where the process has gone.
func (t *Table) AppendSockets(dst []uint64, p *Process) ([]uint64, error) {
	if err := t.begin(); err != nil {
		return dst, err
	}
	defer t.end()
	folder, err := t.open(p.PID, "fd", unix.O_DIRECTORY)
	if errors.Is(err, fs.ErrNotExist) {
		return dst, nil
	}
	if err != nil {
		return dst, describe(err)
	}
	defer unix.Close(folder)
	if t.files, err = t.appendNumbers(t.files[:0], folder, maxFiles); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return dst, describe(err)
	}
	for _, number := range t.files {
		link, err := t.numberedLink(folder, number)
		if errors.Is(err, fs.ErrPermission) {
			return dst, describe(err)
		}
		if inode, ok := socketInode(link); ok && err == nil {
			dst = append(dst, inode)
		}
	}
	return dst, nil
}

// Written calls found for every file that a process has open for writing and that is
// wanted, with its path on the host; deleted ones have another. The slice that wanted is
// given is valid during the call.
func (t *Table) Written(p *Process, wanted func(path []byte) bool, found func(path string)) {
	if t.begin() != nil {
		return
	}
	defer t.end()
	folder, err := t.open(p.PID, "fd", unix.O_DIRECTORY)
	if err != nil {
		return
	}
	defer unix.Close(folder)
	if t.files, err = t.appendNumbers(t.files[:0], folder, maxFiles); err != nil {
		return
	}
	for _, number := range t.files {
		link, err := t.numberedLink(folder, number)
		if err != nil || len(link) == 0 || link[0] != '/' || !wanted(link) {
			continue
		}
		name := string(link) // lies in memory that the next read overwrites
		if info, err := t.read(p.PID, "fdinfo/"+strconv.Itoa(number)); err == nil && forWriting(info) {
			found(name)
		}
	}
}

// NetworkNamespace names the network namespace that a process is in, or the calling
// thread for nil. It is empty where that is hidden from this user.
func (t *Table) NetworkNamespace(p *Process) string { return t.Namespace(p, "net") }

// Namespace names the namespace of a kind (net, pid, mnt) that a process is in, or the
// calling thread for nil. It is empty where that is hidden from this user.
func (t *Table) Namespace(p *Process, kind string) string {
	if t.begin() != nil {
		return ""
	}
	defer t.end()
	pid, folder := 0, "thread-self/ns"
	if p != nil {
		pid, folder = p.PID, "ns"
	}
	fd, err := t.open(pid, folder, unix.O_DIRECTORY)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	link, err := t.link(fd, kind)
	if err != nil {
		return ""
	}
	name, known := t.spaces[string(link)]
	if !known {
		if len(t.spaces) >= maxSpaces {
			clear(t.spaces)
		}
		name = string(link)
		t.spaces[name] = name
	}
	return name
}
