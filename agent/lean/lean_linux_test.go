package lean

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Only what is as it is in the file may be given up: a program that was relocated when it
// was loaded has read-only pages that are not.
func TestClean(t *testing.T) {
	t.Parallel()
	smaps := `00400000-00a57000 r-xp 00000000 fe:00 10 /usr/bin/farmhound-agent
Rss:                6428 kB
Private_Dirty:        64 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00a57000-011ad000 r--p 00657000 fe:00 10                         /usr/bin/farmhound-agent
Private_Dirty:         0 kB
Anonymous:             0 kB
Swap:                  0 kB
011ad000-01200000 r--p 00dad000 fe:00 10                         /usr/bin/farmhound-agent
Private_Dirty:        12 kB
Anonymous:            12 kB
01200000-01224000 r--p 00e00000 fe:00 10                         /usr/bin/farmhound-agent
Private_Dirty:         0 kB
Swap:                  4 kB
01224000-01260000 rw-p 00e24000 fe:00 10                         /usr/bin/farmhound-agent
Anonymous:             0 kB
7f2fcee32000-7f2fcef88000 r-xp 00026000 fe:00 32                 /usr/lib/x86_64-linux-gnu/libc.so.6
Anonymous:             0 kB
7f2fcef90000-7f2fcef94000 r--p 00000000 00:00 0
7fff00000000-7fff00021000 rw-p 00000000 00:00 0                  [stack]
Anonymous:             0 kB
`
	got, err := clean(strings.NewReader(smaps), "/usr/bin/farmhound-agent")
	if err != nil {
		t.Fatal(err)
	}
	want := []mapping{{0x400000, 0xa57000}, {0xa57000, 0x11ad000}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mapping{})); diff != "" {
		t.Error(diff)
	}
	if _, err := clean(strings.NewReader("zz-00 r-xp 0 fe:00 1 /bin/x\n"), "/bin/x"); err == nil {
		t.Error("a range that is none was read")
	}
}

// What was given up comes back when it is needed: the test goes on running.
func TestRelease(t *testing.T) {
	t.Parallel()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if found, err := clean(file, program); err != nil || len(found) == 0 {
		t.Errorf("no page of %s can be given up: %v, %v", program, found, err)
	}
	for range 3 {
		if err := Release(); err != nil {
			t.Error(err)
		}
	}
}
