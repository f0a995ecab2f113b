package procfs

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	const tail = " S 1 24133 24133 34816 -1 4194304 98 0 1 0 0 0 0 0 20 0 1 0 844848 3133440 388 18446744073709551615"
	for _, tt := range []struct {
		name, line string
		want       stat
		wantErr    bool
	}{
		{name: "plain", line: "24133 (x11vnc)" + tail, want: stat{comm: []byte("x11vnc"), parent: 1, tty: 34816, flags: 4194304, start: 844848}},
		{name: "name made to confuse", line: "7 (a) R 9 (b" + ")" + tail, want: stat{comm: []byte("a) R 9 (b"), parent: 1, tty: 34816, flags: 4194304, start: 844848}},
		{name: "empty name", line: "7 ()" + tail, want: stat{comm: []byte{}, parent: 1, tty: 34816, flags: 4194304, start: 844848}},
		{name: "ended", line: "9 (x11vnc) Z" + tail[2:], want: stat{comm: []byte("x11vnc"), gone: true, parent: 1, tty: 34816, flags: 4194304, start: 844848}},
		{name: "empty", wantErr: true},
		{name: "cut short", line: "24133 (x11vnc) S 1 2 3", wantErr: true},
		{name: "parentheses the wrong way", line: ")(", wantErr: true},
		{name: "parent is no number", line: "7 (x) S one" + tail[4:], wantErr: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseStat([]byte(tt.line))
			if (err != nil) != tt.wantErr {
				t.Fatalf("error %v", err)
			}
			if err == nil {
				if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(stat{})); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestPseudoTerminal(t *testing.T) {
	t.Parallel()
	for tty, want := range map[int]int{
		34816: 0, 34819: 3, 136<<8 | 0xff: 255, 1<<20 | 136<<8: 256, 2<<20 | 136<<8 | 5: 517,
		0: -1, 0x0401: -1, 5 << 8: -1,
	} {
		if got := pseudoTerminal(tty); got != want {
			t.Errorf("device %#x is terminal %d, want %d", tty, got, want)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("24133 (cat) R 23959 23959 6759 0 -1 4194304 98 0 1 0 0 0 0 0 20 0 1 0 844848 3133440 388"))
	f.Add([]byte("7 (a) R 9 (b) S 1 1 1 34816 -1 4194304 98 0 1 0 0 0 0 0 20 0 1 0 1"))
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := parseStat(line)
		if err == nil && !bytes.Contains(line, s.comm) {
			t.Errorf("name %q is not in the line", s.comm)
		}
	})
}

func TestTableOfFixture(t *testing.T) {
	t.Parallel()
	table := NewTable(host.Host{Root: "testdata"})
	got, err := table.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	boot := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	want := []*Process{
		{
			PID: 812, Parent: 1, Comm: "sshd", PseudoTerminal: -1, StartedAt: boot.Add(12340 * time.Millisecond),
			Executable: "/usr/sbin/sshd", Arguments: []string{"sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"},
		},
		{
			PID: 2001, Parent: 812, Comm: "x11vnc", StartedAt: boot.Add(time.Hour), UID: 1000,
			Executable: "/tmp/x11vnc", Deleted: true, Arguments: []string{"x11vnc", "-display", ":0"},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Process{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if table.Hidden() {
		t.Error("nothing is hidden in this tree")
	}
	sockets, err := table.AppendSockets(nil, got[1])
	slices.Sort(sockets)
	if diff := cmp.Diff([]uint64{25191, 25204}, sockets); diff != "" || err != nil {
		t.Errorf("sockets (-want +got):\n%s error %v", diff, err)
	}
	again, err := table.Refresh(t.Context())
	if err != nil || again[1] != got[1] {
		t.Errorf("a process that runs on became another: %v", err)
	}
}

func TestTableErrors(t *testing.T) {
	t.Parallel()
	if _, err := NewTable(host.Host{Root: t.TempDir()}).Refresh(t.Context()); err == nil {
		t.Error("no error without /proc")
	}
}

func TestTableLive(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		farpath.Missing(t, "/proc")
	}
	table := NewTable(host.Host{})
	if _, err := table.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	self := table.Lookup(os.Getpid())
	if self == nil {
		t.Fatal("this process is missing")
	}
	if self.Parent != os.Getppid() || self.UID != uint32(os.Geteuid()) || !strings.HasSuffix(self.Name(), ".test") {
		t.Errorf("this process reads as %+v", self)
	}
	if age := time.Since(self.StartedAt); age < -3*time.Second || age > time.Hour {
		t.Errorf("this process started %v ago", age)
	}
}

func BenchmarkRefresh(b *testing.B) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		b.Skip("this machine has no /proc")
	}
	table := NewTable(host.Host{})
	if _, err := table.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := table.Refresh(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(table.ordered)), "processes")
}

func FuzzEffectiveUser(f *testing.F) {
	f.Add([]byte("Name:\tx11vnc\nUid:\t1000\t1001\t1000\t1000\nGid:\t1\n"))
	f.Add([]byte("Name:\tUid:\t7\t8\n"))
	f.Add([]byte("\nUid:\t1\t99999999999\n"))
	f.Fuzz(func(t *testing.T, status []byte) {
		if uid := effectiveUser(status); uid != 0 && !bytes.Contains(status, strconv.AppendUint(nil, uint64(uid), 10)) {
			t.Errorf("user %d is not in %q", uid, status)
		}
	})
}

func FuzzSocketInode(f *testing.F) {
	f.Add([]byte("socket:[25204]"))
	f.Add([]byte("socket:[]"))
	f.Add([]byte("pipe:[1]"))
	f.Fuzz(func(t *testing.T, link []byte) {
		if inode, ok := socketInode(link); ok && !bytes.HasPrefix(link, []byte("socket:[")) {
			t.Errorf("inode %d in %q", inode, link)
		}
	})
}

// Of a running process's files those count that it can write, and that are asked for.
func TestWritten(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	read, err := os.Create(filepath.Join(folder, "read"))
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	if read, err = os.Open(read.Name()); err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	for _, name := range []string{"written", "other"} {
		f, err := os.OpenFile(filepath.Join(folder, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	var got []string
	NewTable(host.Host{}).Written(&Process{PID: os.Getpid()}, func(path []byte) bool {
		return strings.HasPrefix(string(path), folder) && !strings.HasSuffix(string(path), "other")
	}, func(path string) { got = append(got, path) })
	if len(got) != 1 || got[0] != filepath.Join(folder, "written") {
		t.Errorf("written: %q", got)
	}
}

func TestForWriting(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"pos:\t0\nflags:\t0100000\n": false, "pos:\t0\nflags:\t0102001\n": true, "flags:\t02\n": true, "flags:\t9\n": false, "": false, "pos:\t1\n": false,
	} {
		if got := forWriting([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
