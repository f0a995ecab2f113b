package notice

import (
	"context"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// managerVariable names a library that tells of devices as the configuration manager does,
// and checks how it is asked: cmd/farmhound-lab/winetest builds one, for Wine has none.
const managerVariable = "FARMHOUND_TEST_MANAGER"

// TestFollowWindows follows devices that come and go, and then no more.
func TestFollowWindows(t *testing.T) {
	t.Parallel()
	path := os.Getenv(managerVariable)
	if path == "" {
		farpath.Missing(t, "a library that "+managerVariable+" names")
	}
	library := windows.NewLazyDLL(path)
	count := func(name string) uintptr {
		n, _, _ := library.NewProc(name).Call()
		return n
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told atomic.Int64
	ended := make(chan error, 1)
	go func() { ended <- follow(ctx, library, func() { told.Add(1) }) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	const several = 20
	for deadline := time.Now().Add(20 * time.Second); told.Load() < several; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("told %d times", told.Load())
		}
	}
	if n := count("Registered"); n != uintptr(len(classes)) {
		t.Errorf("%d classes are followed, want %d", n, len(classes))
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := count("Registered"); n != 0 {
		t.Errorf("%d classes are followed still", n)
	}
	if got, want := uintptr(told.Load()), count("Told"); got != want || count("Wrong") != 0 {
		t.Errorf("told %d of %d times, %d of them in vain", got, want, count("Wrong"))
	}
}

// Where the system has no such manager, that is an error and not silence.
func TestFollowNobodyWindows(t *testing.T) {
	t.Parallel()
	if err := follow(t.Context(), windows.NewLazySystemDLL("kernel32.dll"), func() {}); err == nil {
		t.Error("followed by a library that tells nothing")
	}
}
