package procfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// Bounds on what is read of one machine and of one process.
const (
	maxProcesses = 100_000
	maxFiles     = 65_536
	maxArguments = 4096
	// maxSpaces bounds the names of namespaces that are remembered.
	maxSpaces = 256
	// threadScans is after how many scans the ids of kernel threads are looked at again,
	// of which a laptop has more than programs: one may have become a process' id.
	threadScans = 4
	// ticksPerSecond is USER_HZ, which is 100 on every architecture Linux has
	// kept an ABI for since 2.6.
	ticksPerSecond = 100
)

// Process is one process. Its pointer stays the same from scan to scan for as long
// as the process runs the same program.
type Process struct {
	PID, Parent int
	// Comm is the kernel's name for it: the program's file name cut to 15 bytes,
	// unless the process chose another.
	Comm string
	// StartedAt is when it was started, to a hundredth of a second.
	StartedAt time.Time
	// UID is its effective user.
	UID uint32
	// PseudoTerminal is the N of the /dev/pts/N that controls it, -1 without one.
	PseudoTerminal int
	// Executable is the path of its program, empty where that is hidden from this
	// user. Deleted is whether the file has been removed since.
	Executable string
	Deleted    bool
	// Arguments begins with the name under which it was called.
	Arguments []string
	// Memo is for the caller: it is nil at first and kept with the process.
	Memo any

	start uint64
	scan  uint64
}

// Name is the file name of the program, empty where that is hidden.
func (p *Process) Name() string {
	if p.Executable == "" {
		return ""
	}
	return path.Base(p.Executable)
}

// CalledName is the file name under which it was called, empty where it has none.
func (p *Process) CalledName() string {
	if len(p.Arguments) == 0 || p.Arguments[0] == "" {
		return ""
	}
	return path.Base(p.Arguments[0])
}

// Table is the list of processes. It is for one goroutine at a time.
type Table struct {
	host     host.Host
	byPID    map[int]*Process
	ordered  []*Process
	bootTime time.Time
	bootRead time.Time // when bootTime was read, by this machine's clocks
	scan     uint64
	hidden   bool
	ids      []int
	files    []int
	spaces   map[string]string
	threads  map[int]struct{} // ids that were kernel threads' a few scans ago
	reader
}

// NewTable returns an empty Table for the host.
func NewTable(h host.Host) *Table {
	return &Table{host: h, byPID: map[int]*Process{}, spaces: map[string]string{}, threads: map[int]struct{}{}, reader: reader{data: make([]byte, 32<<10), root: -1}}
}

// Refresh reads the processes anew and returns those that run a program (kernel
// threads and the remains of ended ones do not), by rising process id. The slice is valid until the next call.
func (t *Table) Refresh(ctx context.Context) ([]*Process, error) {
	if err := t.readBootTime(); err != nil {
		return nil, err
	}
	if err := t.begin(); err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer t.end()
	var err error
	if t.ids, err = t.numbers(t.ids[:0], maxProcesses); err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	if t.scan++; t.scan%threadScans == 0 {
		clear(t.threads)
	}
	t.hidden = false
	t.ordered = t.ordered[:0]
	for i, pid := range t.ids {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("list processes: %w", ctx.Err())
		}
		if pid > 0 {
			t.refresh(pid)
		}
	}
	for pid, p := range t.byPID {
		if p.scan != t.scan {
			delete(t.byPID, pid)
		}
	}
	slices.SortFunc(t.ordered, func(a, b *Process) int { return a.PID - b.PID })
	return t.ordered, nil
}

// Hidden reports whether, in the last Refresh, the program of some process could
// not be seen for want of permission.
func (t *Table) Hidden() bool { return t.hidden }

// Lookup returns a process of the last Refresh by its id, or nil.
func (t *Table) Lookup(pid int) *Process { return t.byPID[pid] }

// refresh reads one process. A process that has gone meanwhile is no error.
func (t *Table) refresh(pid int) {
	if _, thread := t.threads[pid]; thread {
		return
	}
	line, err := t.read(pid, "stat")
	if err != nil {
		return
	}
	s, err := parseStat(line)
	if err != nil || s.gone {
		return
	}
	if s.flags&kernelThread != 0 {
		t.threads[pid] = struct{}{}
		return
	}
	p := t.byPID[pid]
	// A new program in the same process changes the name; a title does not.
	if p == nil || p.start != s.start || p.Comm != string(s.comm) {
		p = t.describe(pid, s)
		t.byPID[pid] = p
	}
	p.Parent, p.PseudoTerminal, p.scan = s.parent, pseudoTerminal(s.tty), t.scan
	t.hidden = t.hidden || p.Executable == ""
	t.ordered = append(t.ordered, p)
}

func (t *Table) describe(pid int, s stat) *Process {
	ticks := time.Duration(s.start) * (time.Second / ticksPerSecond)
	// s lies in memory that the next read overwrites.
	p := &Process{PID: pid, Comm: string(s.comm), start: s.start, StartedAt: t.bootTime.Add(ticks)}
	if link, err := t.host.ReadLink(procPath(pid, "exe")); err == nil {
		p.Executable, p.Deleted = strings.CutSuffix(link, " (deleted)")
	}
	p.Arguments = t.arguments(p)
	if status, err := t.read(pid, "status"); err == nil {
		p.UID = effectiveUser(status)
	}
	return p
}

// Arguments reads the arguments of a process anew, for those that put their state
// there. At most 4 KiB are read.
func (t *Table) Arguments(p *Process) []string {
	if t.begin() != nil {
		return nil
	}
	defer t.end()
	return t.arguments(p)
}

func (t *Table) arguments(p *Process) []string {
	line, err := t.read(p.PID, "cmdline")
	if err != nil || len(line) == 0 {
		return nil
	}
	line = bytes.TrimRight(line[:min(len(line), maxArguments)], "\x00")
	return strings.Split(string(line), "\x00")
}

// socketInode takes the number out of a link such as socket:[25204].
func socketInode(link []byte) (uint64, bool) {
	number, ok := bytes.CutPrefix(link, []byte("socket:["))
	if !ok {
		return 0, false
	}
	return parseUint(bytes.TrimSuffix(number, []byte{']'}))
}

func describe(err error) error { return fmt.Errorf("read open files of a process: %w", err) }

// forWriting takes the flags, in octal, out of /proc/PID/fdinfo/N.
func forWriting(info []byte) bool {
	_, line, found := bytes.Cut(info, []byte("flags:"))
	line, _, _ = bytes.Cut(line, []byte{'\n'})
	flags, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 8, 32)
	const access, readOnly = 3, 0
	return found && err == nil && flags&access != readOnly
}

// effectiveUser takes the second number of the Uid line out of /proc/PID/status.
func effectiveUser(status []byte) uint32 {
	_, line, found := bytes.Cut(status, []byte("\nUid:"))
	if !found {
		return 0
	}
	line, _, _ = bytes.Cut(line, []byte{'\n'})
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		return 0
	}
	uid, err := strconv.ParseUint(string(fields[1]), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(uid)
}

// readBootTime takes the time of boot from /proc/stat. The kernel derives it from
// two clocks and it wavers by a second; start times must not, so the first answer
// holds until the clock has been set.
func (t *Table) readBootTime() error {
	now := time.Now()
	// The file is long on a machine with many processors and interrupts.
	passed := now.Round(0).Sub(t.bootRead.Round(0))
	if !t.bootRead.IsZero() && (passed-now.Sub(t.bootRead)).Abs() < time.Second {
		return nil
	}
	data, err := t.host.ReadFile("/proc/stat", 1<<20)
	if err != nil {
		return fmt.Errorf("read time of boot: %w", err)
	}
	_, line, found := bytes.Cut(data, []byte("\nbtime "))
	if !found {
		return errors.New("read time of boot: /proc/stat does not tell it")
	}
	line, _, _ = bytes.Cut(line, []byte{'\n'})
	seconds, ok := parseUint(bytes.TrimSpace(line))
	if !ok || seconds > 1<<40 {
		return errors.New("read time of boot: /proc/stat has no number there")
	}
	boot := time.Unix(int64(seconds), 0).UTC()
	if off := boot.Sub(t.bootTime); off.Abs() > 2*time.Second {
		t.bootTime = boot
		clear(t.byPID)
	}
	t.bootRead = now
	return nil
}

func procPath(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}
