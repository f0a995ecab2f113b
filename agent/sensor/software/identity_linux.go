package software

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/elffile"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/procfs"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// packagedFolders hold programs that packages install. Those are known by package and
// name, and what distributions write into them names the source they were built from,
// which has other programs as well.
var packagedFolders = [...]string{"/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/lib64/", "/usr/libexec/", "/bin/", "/sbin/", "/lib/", "/nix/store/", "/snap/"}

// maxWritten bounds the logs that one process is known by.
const maxWritten = 8

// ownWords reads what a process's program says of itself, unless a package put it there.
func (y *system) ownWords(p *procfs.Process) elffile.Program {
	packaged := slices.ContainsFunc(packagedFolders[:], func(folder string) bool { return strings.HasPrefix(p.Executable, folder) })
	if packaged || !path.IsAbs(p.Executable) {
		return elffile.Program{}
	}
	f, err := y.openProgram(p)
	if err != nil {
		return elffile.Program{}
	}
	defer f.Close()
	program, err := y.programs.Read(f)
	if err != nil {
		return elffile.Program{}
	}
	return program
}

// openProgram opens the file that a process runs: by way of the process on the running
// machine, where the file may have been removed or be in a container.
func (y *system) openProgram(p *procfs.Process) (*os.File, error) {
	if y.inventory.host.Live() {
		return os.OpenFile("/proc/"+strconv.Itoa(p.PID)+"/exe", os.O_RDONLY|unix.O_NONBLOCK, 0)
	}
	return y.inventory.host.Open(p.Executable)
}

// addOwnWords adds what the program says of itself to what shows of the process.
func (s *suspect) addOwnWords(program elffile.Program) {
	if s.command = commandName(program.Command); s.command != "" {
		if f := (catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PROCESS, Value: s.command}); !slices.Contains(s.facts, f) {
			s.facts = append(s.facts, f)
		}
	}
	if program.Package != "" {
		s.facts = append(s.facts, catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PACKAGE, Value: program.Package})
	}
}

// commandName is the name that Go gives to the program of a main package: the last part
// of its path that is no version.
func commandName(command string) string {
	name := path.Base(command)
	if digits, ok := strings.CutPrefix(name, "v"); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
		name = path.Base(path.Dir(command))
	}
	if name == "." || name == "/" || name == "command-line-arguments" {
		return ""
	}
	return name
}

// addWritten adds the logs of tools that a process writes: whatever it is called and
// wherever it lies, that is the tool. Only programs where anybody can put them are looked
// at, and only those that show nothing else.
func (y *system) addWritten(s *suspect) {
	if s.isSuspect() || !s.writable() || isInterpreter(s.Name()) {
		return
	}
	fact := func(path string) catalog.Fact {
		return catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_SESSION_LOG, Value: homeless(path)}
	}
	y.processes.Written(s.Process, func(path []byte) bool {
		return s.catalog.Knows(linux, fact(string(path)))
	}, func(path string) {
		if f := fact(path); !slices.Contains(s.facts, f) && len(s.facts) < maxWritten {
			s.facts = append(s.facts, f)
		}
	})
	for _, f := range s.facts {
		s.written = true
		s.touch(f)
	}
}
