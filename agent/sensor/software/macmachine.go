package software

import (
	"context"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// onMac is the system whose facts the files mac*.go look for. They hold what is decided,
// on every system, so that tests on recordings of macOS run everywhere; what only a
// running macOS tells is fetched by machine_darwin.go, and the rest is read of files.
const onMac = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

// macMachine is what the sense asks of a running macOS.
type macMachine interface {
	// AppendProcesses appends every process to dst, whose memory is reused.
	AppendProcesses(dst []macProcess) ([]macProcess, error)
	// ProgramPath is where a process's program lies, empty where that is hidden.
	ProgramPath(pid int32) string
	// AppendSockets appends the connections and listeners to dst.
	AppendSockets(ctx context.Context, dst []sockets.Owned) ([]sockets.Owned, error)
	// Statistics lists the connections with their round trips.
	Statistics(context.Context) ([]sockets.Statistics, error)
	// Interfaces lists the names of network interfaces.
	Interfaces() []string
}

// macProcess is one process.
type macProcess struct {
	pid, parent int32
	created     time.Time
	comm        string // the kernel's name for it, cut to 16 bytes
}
