package software

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/elffile"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/procfs"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Fixed details of what a scan could not see.
const (
	detailFiles    = "open files of other users' processes are hidden without root"
	detailSockets  = "connections could not be listed"
	detailMeasures = "round trips are hidden: socket diagnostics were refused"
)

// system is what the sense keeps between scans on Linux.
type system struct {
	processes *procfs.Table
	sockets   *sockets.Lister
	inventory inventory
	tracker   *tracker
	logs      logs
	programs  elffile.Reader
	writtenAt time.Time // when what unknown programs write was last looked at

	suspects []*suspect
	holdings []holding
	inodes   []uint64
}

func newSystem(h host.Host) system {
	return system{
		processes: procfs.NewTable(h), sockets: sockets.NewLister(h),
		inventory: inventory{host: h}, tracker: newTracker(), logs: newLogs(hostLogs{h}, logSources),
	}
}

// Observe fills Software and RemoteSessions. A session that ended since the last
// call is told once more, with its end.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	c := s.catalog.Load()
	if err := s.system.inventory.refresh(ctx, c); err != nil {
		return fmt.Errorf("look at what is installed: %w", err)
	}
	processes, err := s.system.processes.Refresh(ctx)
	if err != nil {
		return err
	}
	s.system.findSuspects(c, processes)
	rows, measured, listErr := s.system.sockets.List(ctx, s.system.elsewhere()...)
	if ctx.Err() != nil {
		return fmt.Errorf("list connections: %w", ctx.Err())
	}
	details := slices.Clone(s.system.inventory.details)
	if listErr != nil {
		details = append(details, detailSockets)
	}
	if s.host.Live() && !measured {
		details = append(details, detailMeasures)
	}

	scan := s.system.gather(c, processes, rows)
	if scan.hidden {
		details = append(details, detailFiles)
	}
	tools := scan.findTools(&s.system.inventory)
	finder := scan.findSessions(s.host, tools)
	s.system.readLogs(finder, *s.keys.Load())
	if s.system.logs.hidden {
		details = append(details, detailLogs)
	}
	into.RemoteSessions = s.system.tracker.update(s.host.Time(), finder.seen)
	if ctx.Err() == nil {
		s.system.tracker.forgetEnded()
	}
	into.Software = reportTools(tools, *s.keys.Load())
	return host.Hidden(details...)
}

// holding says that a suspect holds a socket.
type holding struct {
	inode   uint64
	suspect *suspect
}

// scan is one look at the machine.
type scan struct {
	catalog   *catalog.Catalog
	processes *procfs.Table
	all       []*procfs.Process
	suspects  []*suspect
	rows      []sockets.Socket
	listeners []*sockets.Socket // of rows
	holdings  []holding         // by rising inode
	hidden    bool
}

// findSuspects finds the suspects among the processes.
func (y *system) findSuspects(c *catalog.Catalog, processes []*procfs.Process) {
	y.suspects = y.suspects[:0]
	due := y.writtenAt != y.inventory.at // what is written changes; once a minute is enough
	y.writtenAt = y.inventory.at
	for _, p := range processes {
		s := y.judge(p, c)
		if due {
			y.addWritten(s)
		}
		if s.isSuspect() {
			if !s.placed {
				s.placed, s.contained = true, y.contained(s)
			}
			s.listens, s.connections, s.tools, s.hidden = s.listens[:0], s.connections[:0], s.tools[:0], false
			y.suspects = append(y.suspects, s)
		}
	}
}

// elsewhere returns the suspects' process ids by the network namespaces, other than
// the agent's own, that they are in: a container's, or one made to hide a tool.
func (y *system) elsewhere() (processes [][]int) {
	own := y.processes.NetworkNamespace(nil)
	var others []string
	for _, s := range y.suspects {
		name := y.processes.NetworkNamespace(s.Process)
		if name == own || name == "" {
			continue
		}
		at := slices.Index(others, name)
		if at < 0 {
			at = len(others)
			others, processes = append(others, name), append(processes, nil)
		}
		processes[at] = append(processes[at], s.PID)
	}
	return processes
}

// gather gives each suspect its sockets.
func (y *system) gather(c *catalog.Catalog, processes []*procfs.Process, rows []sockets.Socket) *scan {
	y.holdings = y.holdings[:0]
	n := &scan{catalog: c, processes: y.processes, all: processes, rows: rows}
	for _, s := range y.suspects {
		var err error
		if y.inodes, err = y.processes.AppendSockets(y.inodes[:0], s.Process); errors.Is(err, fs.ErrPermission) {
			s.hidden, n.hidden = true, true
		}
		for _, inode := range y.inodes {
			y.holdings = append(y.holdings, holding{inode, s})
		}
	}
	slices.SortStableFunc(y.holdings, func(a, b holding) int {
		switch {
		case a.inode < b.inode:
			return -1
		case a.inode > b.inode:
			return 1
		}
		return 0
	})
	n.suspects, n.holdings = y.suspects, y.holdings
	n.attach()
	return n
}

// attach gives every suspect the sockets that it holds.
func (n *scan) attach() {
	for i := range n.rows {
		row := &n.rows[i]
		if row.State == sockets.Listen {
			n.listeners = append(n.listeners, row)
		}
		for _, h := range n.holders(row) {
			h.suspect.hold(row)
		}
	}
	if !n.hidden {
		return
	}
	// Where open files are hidden, a socket of the same user on a port that the
	// catalogue names is taken for the tool's own.
	for _, s := range n.suspects {
		if s.hidden && !s.sshd {
			n.guess(s)
		}
	}
}

func (s *suspect) hold(row *sockets.Socket) {
	if row.State == sockets.Listen {
		s.listens = append(s.listens, row)
	} else {
		s.connections = append(s.connections, row)
	}
}

func (n *scan) guess(s *suspect) {
	usual := n.usualPorts(s)
	for i := range n.rows {
		row := &n.rows[i]
		if row.UID == s.UID && row.Inode != 0 && slices.Contains(usual, row.Local.Port()) && len(n.holders(row)) == 0 {
			s.hold(row)
		}
	}
}

// usualPorts are the ports that the catalogue gives for control through the
// entries that a suspect touches.
func (n *scan) usualPorts(s *suspect) (ports []uint16) {
	for _, id := range s.entries {
		if spec, ok := n.catalog.Session(linux, id); ok {
			ports = append(ports, spec.Ports...)
		}
	}
	return ports
}

// holders returns the suspects that hold a socket.
func (n *scan) holders(row *sockets.Socket) []holding {
	if row.Inode == 0 {
		return nil
	}
	first, found := slices.BinarySearchFunc(n.holdings, row.Inode, func(h holding, inode uint64) int {
		switch {
		case h.inode < inode:
			return -1
		case h.inode > inode:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	last := first
	for last < len(n.holdings) && n.holdings[last].inode == row.Inode {
		last++
	}
	return n.holdings[first:last]
}

// findTools matches what is installed and what runs against the catalogue.
func (n *scan) findTools(v *inventory) map[string]*tool {
	tools := map[string]*tool{}
	for _, m := range n.catalog.Match(linux, v.facts) {
		toolOf(tools, m.Entry)
	}
	var facts []catalog.Fact
	for _, s := range n.suspects {
		if s.contained {
			continue
		}
		facts = append(append(facts[:0], s.facts...), v.facts...)
		for _, row := range s.listens {
			facts = append(facts, catalog.Port(row.Local.Port()))
		}
		for _, m := range n.catalog.Match(linux, facts) {
			if slices.Contains(s.entries, m.Entry.GetId()) {
				t := toolOf(tools, m.Entry)
				t.addSuspect(s, m)
				s.tools = append(s.tools, t)
			}
		}
	}
	for id, t := range tools {
		if i := v.found[id]; i != nil {
			t.addInstallation(i)
		}
	}
	n.findContained(tools)
	return tools
}

// addSuspect notes a process that belongs to the tool.
func (t *tool) addSuspect(s *suspect, m catalog.Match) {
	t.addProcess(ownProcess{created: s.StartedAt, renamed: s.renamed(t.entry), writable: s.writable()}, m)
	if t.entry.GetSession() == farmhoundv1.SessionKind_SESSION_KIND_DESKTOP && s.fixedCredential() {
		t.credential, t.unattended = true, true
	}
	for _, row := range s.listens {
		t.addPort(row.Local)
	}
}
