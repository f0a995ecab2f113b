package software

import (
	"os"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/pefile"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/terminals"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// onWindows is the system whose facts the files win*.go look for. They hold what is
// decided, on every system, so that tests on recordings of Windows run everywhere;
// what is fetched is fetched by machine_windows.go.
const onWindows = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS

// windowsMachine is what the sense asks of Windows.
type windowsMachine interface {
	// AppendProcesses appends every process to dst, whose memory is reused.
	AppendProcesses(dst []winProcess) ([]winProcess, error)
	// ProgramPath is where a process's program lies, empty where that is hidden.
	ProgramPath(pid uint32) string
	// Program reads a program's own names; an error says that it cannot be read.
	Program(path string) (pefile.Program, error)
	// Trusted says whether Windows trusts a program's signature, nil where it does not say.
	Trusted(path string) *bool
	// Applications calls found for everything that is registered to be uninstalled.
	Applications(found func(winApplication)) error
	// Services lists the services that are registered.
	Services() ([]winService, error)
	// Packages lists the names of store packages that are installed.
	Packages() []string
	// Interfaces lists the names of network interfaces.
	Interfaces() []string
	// Homes lists the home folders of people.
	Homes() []string
	// IsFolder says whether a file or folder is there, and which of them it is.
	IsFolder(path string) (folder, exists bool)
	// OpenLog opens a log that a tool keeps.
	OpenLog(path string) (*os.File, error)
	// AppendSockets appends the connections and listeners to dst.
	AppendSockets(dst []sockets.Owned) ([]sockets.Owned, error)
	// Measure fills in a connection's round trips and bytes.
	Measure(*sockets.Owned) error
	// Terminals lists the sessions of people, and the port on which they come in.
	Terminals() (sessions []terminals.Session, port uint16, err error)
}

// winProcess is one process.
type winProcess struct {
	pid, parent uint32
	created     time.Time
	image       string // file name of its program
}

// winApplication is one key below one of the Uninstall keys.
type winApplication struct {
	key, name, version string
	user               bool // of one user's hive
}

// winService is one service.
type winService struct {
	name    string
	program string // its command line
	auto    bool   // started with the machine
	pid     uint32 // zero while it does not run
}
