package software

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/macprogram"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/systemtool"
)

// machine is the running macOS.
type machine struct{}

// zombie is the state of a process that has ended and waits to be asked how (SZOMB).
const zombie = 5

// AppendProcesses asks the kernel; process libraries would start ps for it.
func (machine) AppendProcesses(dst []macProcess) ([]macProcess, error) {
	processes, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return dst, fmt.Errorf("sysctl kern.proc.all: %w", err)
	}
	for i := range processes {
		p := &processes[i]
		if p.Proc.P_stat == zombie {
			continue
		}
		comm, _, _ := bytes.Cut(p.Proc.P_comm[:], []byte{0})
		dst = append(dst, macProcess{
			pid: p.Proc.P_pid, parent: p.Eproc.Ppid, created: time.Unix(p.Proc.P_starttime.Unix()), comm: string(comm),
		})
	}
	return dst, nil
}

func (machine) ProgramPath(pid int32) string { return macprogram.Path(pid) }

func (machine) AppendSockets(ctx context.Context, dst []sockets.Owned) ([]sockets.Owned, error) {
	text, err := systemtool.Run(ctx, systemtool.Connections)
	return sockets.AppendNetstat(dst, string(text)), err
}

func (machine) Statistics(ctx context.Context) ([]sockets.Statistics, error) {
	text, err := systemtool.Run(ctx, systemtool.Statistics)
	return sockets.ParseNettop(string(text)), err
}

func (machine) Interfaces() (names []string) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range interfaces {
		names = append(names, i.Name)
	}
	return names
}
