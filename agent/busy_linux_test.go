package agent

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// The budget of a laptop on which much runs and nothing changes.
const (
	busyProcesses   = 600
	busySockets     = 2_000
	busyAllocations = 200
	// busyRatio is how many times as long as the plainest reading of a line of every
	// process a look may take: milliseconds differ from machine to machine, that does
	// not. Measured: as long.
	busyRatio = 2
)

// plainReading is the processor time that reading a line of every process takes.
func plainReading(t *testing.T) time.Duration {
	t.Helper()
	used := func() time.Duration {
		var usage unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	began := used()
	const times = 10
	for range times {
		processes, err := os.ReadDir("/proc")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range processes {
			_, _ = os.ReadFile("/proc/" + p.Name() + "/stat") // what is no process has none
		}
	}
	return (used() - began) / times
}

// crowd makes this machine a busy one: with processes that sleep, and connections.
func crowd(t *testing.T) {
	t.Helper()
	sleep := farpath.Require(t, "sleep")[0]
	for range busyProcesses {
		c := exec.CommandContext(t.Context(), sleep, "600")
		if err := c.Start(); err != nil {
			farpath.Missing(t, fmt.Sprintf("%d processes: %v", busyProcesses, err))
		}
		t.Cleanup(func() {
			_ = c.Process.Kill()
			_ = c.Wait()
		})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	for range busySockets / 2 {
		for _, end := range [...]func() (net.Conn, error){
			func() (net.Conn, error) { return net.Dial("tcp", listener.Addr().String()) }, listener.Accept,
		} {
			conn, err := end()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}
}

// A look at a busy machine that is as it was stays within its budget: most looks, since
// some see something begin or end, and once a minute everything is looked at.
func TestBusyMachineBudget(t *testing.T) { //nolint:paralleltest // it counts what the whole process allocates
	crowd(t)
	body, err := newBody(Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := body.senses.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for range 3 {
		body.senses.Scan(t.Context())
	}
	const scans = 21
	counts := make([]uint64, 0, scans)
	cpu := body.senses.Scan(t.Context()).GetHealth().GetCpuSeconds()
	var before, after runtime.MemStats
	for range scans {
		runtime.ReadMemStats(&before)
		body.senses.Scan(t.Context())
		runtime.ReadMemStats(&after)
		counts = append(counts, after.Mallocs-before.Mallocs)
	}
	cpu = body.senses.Scan(t.Context()).GetHealth().GetCpuSeconds() - cpu
	slices.Sort(counts)
	each, plain := cpu/(scans+1), plainReading(t).Seconds()
	t.Logf("beside %d processes and %d sockets a scan allocates %d times (%d to %d) and takes %.1f ms of processor time, %.1f times a plain reading of every process",
		busyProcesses, busySockets, counts[scans/2], counts[0], counts[scans-1], each*1000, each/plain)
	if each > busyRatio*plain {
		t.Errorf("a scan takes %.1f ms of processor time, a plain reading of every process %.1f", each*1000, plain*1000)
	}
	if got := counts[scans/2]; got > busyAllocations {
		t.Errorf("a scan allocates %d times; the budget is %d", got, busyAllocations)
	}
}
