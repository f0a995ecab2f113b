package hands

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// firstPerson is the lowest id of a user who is a person; accounts below are the
// system's own (SYS_UID_MAX of login.defs).
const firstPerson = 1000

// errForeign is a file that is not what its name suggests, or somebody else's.
var errForeign = errors.New("not a file of who is to have written it")

// readOwned reads a file whose name somebody without rights may have chosen, while the
// agent may open everything. What is opened is looked at before it is touched: a pipe
// would wait for ever, a device may act on being opened, and a file of somebody else is
// not to be passed on.
func readOwned(name string, limit int64, owned func(uid uint32) bool) ([]byte, error) {
	at, err := unix.Open(name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a file by a name of others: %w", err)
	}
	defer unix.Close(at)
	var info unix.Stat_t
	if err := unix.Fstat(at, &info); err != nil {
		return nil, fmt.Errorf("look at a file by a name of others: %w", err)
	}
	if info.Mode&unix.S_IFMT != unix.S_IFREG || !owned(info.Uid) {
		return nil, errForeign
	}
	// The same file again, whatever has the name by now.
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(at), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a file by a name of others: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read a file by a name of others: %w", err)
	}
	return data, nil
}

// identify notes who runs the server with a process id, and whether its program is the
// system's. Effective is the user that it runs as.
func (s *xServer) identify(h host.Host, pid int, effective uint32) {
	s.pid, s.user = pid, effective
	folder := "/proc/" + strconv.Itoa(pid)
	s.starter = effective
	if status, err := h.ReadFile(folder+"/status", 4096); err == nil {
		s.starter = realUser(status, effective)
	}
	var program unix.Stat_t
	if err := unix.Stat(folder+"/exe", &program); err == nil {
		s.system = program.Uid == 0 && program.Mode&(unix.S_IFMT|0o022) == unix.S_IFREG
	}
}

// realUser is the user who started a process, by its status; otherwise is returned
// where that does not say.
func realUser(status []byte, otherwise uint32) uint32 {
	for line := range bytes.Lines(status) {
		if ids, ok := bytes.CutPrefix(line, []byte("Uid:")); ok {
			fields := bytes.Fields(ids)
			if len(fields) == 0 {
				return otherwise
			}
			if n, err := strconv.ParseUint(string(fields[0]), 10, 32); err == nil {
				return uint32(n)
			}
		}
	}
	return otherwise
}

// mayOwn reports whether a file that the server was called with may belong to a user:
// to who started it, for whoever is allowed to name a file is allowed to read it. What
// belongs to the system, such as a display manager's file, is passed on only to the
// system's own program that root has started.
func (s *xServer) mayOwn(uid uint32) bool {
	if s.starter != 0 {
		return uid == s.starter
	}
	return s.user == 0 && s.system && uid < firstPerson
}

// lockedBy returns the number of the display that a server chose by itself, by the
// lock that it keeps in /tmp; empty where there is none.
func lockedBy(h host.Host, s *xServer) string {
	const folder = "/tmp"
	names, _ := h.ReadNames(folder, maxNames)
	for _, name := range names {
		number, isLock := strings.CutPrefix(name, ".X")
		number, ends := strings.CutSuffix(number, "-lock")
		if !isLock || !ends || number == "" || strings.Trim(number, "0123456789") != "" {
			continue
		}
		lock, err := readOwned(path.Join(h.Root, folder, name), 64, func(uid uint32) bool { return uid == s.user || uid == s.starter })
		if err == nil && string(bytes.TrimSpace(lock)) == strconv.Itoa(s.pid) {
			return number
		}
	}
	return ""
}
