package software

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/pefile"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/terminals"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// Fixed details of what a scan of Windows could not see.
const (
	detailPrograms  = "programs of other users are hidden without administrator's rights"
	detailOwners    = "connections and their owners could not be listed"
	detailEStats    = "round trips and bytes are hidden: statistics of connections were refused"
	detailTerminals = "terminal sessions could not be listed"
	detailWinLogs   = "remote-control tools' own logs could not be read"
)

const (
	maxWinProcesses = 20_000
	maxPrograms     = 4096 // files whose names are remembered
)

// winSystem is what the sense keeps between scans on Windows.
type winSystem struct {
	machine   windowsMachine
	inventory winInventory
	tracker   *tracker
	logs      logs

	catalog  *catalog.Catalog
	known    map[winIdentity]*winKnown
	programs map[string]pefile.Program // by path, so that a program's many processes are one file read
	running  []winProcess
	rows     []sockets.Owned
}

// winIdentity tells a process from another that has its number later.
type winIdentity struct {
	pid     uint32
	created int64
}

// winKnown is what was found out about a process.
type winKnown struct {
	suspect *winSuspect // nil where the catalogue knows nothing of it
	hidden  bool        // its program's path could not be read
	seen    bool        // in the latest scan
}

func newWinSystem(m windowsMachine) winSystem {
	return winSystem{
		machine: m, inventory: winInventory{machine: m}, tracker: newTracker(), logs: newLogs(winLogs{m}, winLogSources),
		known: map[winIdentity]*winKnown{}, programs: map[string]pefile.Program{},
	}
}

// winScan is one look at the machine.
type winScan struct {
	catalog    *catalog.Catalog
	machine    windowsMachine
	suspects   []*winSuspect
	running    []winProcess
	rows       []sockets.Owned
	terminals  []terminals.Session
	rdpPort    uint16
	unmeasured bool
}

// observe fills Software and RemoteSessions. A session that ended since the last call
// is told once more, with its end.
func (y *winSystem) observe(ctx context.Context, h host.Host, c *catalog.Catalog, keys fleetkey.Ring, into *farmhoundv1.Report) error {
	if err := y.inventory.refresh(ctx, h.Time(), c); err != nil {
		return fmt.Errorf("look at what is installed: %w", err)
	}
	n := &winScan{catalog: c, machine: y.machine}
	hidden, err := y.findSuspects(ctx, n)
	if err != nil {
		return err
	}
	details := slices.Clone(y.inventory.details)
	if hidden {
		details = append(details, detailPrograms)
	}
	if y.rows, err = y.machine.AppendSockets(y.rows[:0]); err != nil {
		details = append(details, detailOwners)
	}
	n.rows = y.rows
	if n.terminals, n.rdpPort, err = y.machine.Terminals(); err != nil {
		details = append(details, detailTerminals)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	tools := n.findTools(&y.inventory)
	f := n.findSessions(h, tools)
	if n.unmeasured {
		details = append(details, detailEStats)
	}
	y.logs.follow(h.Time(), y.inventory.at, y.machine.Homes, tools, y.tracker, keys)
	seen := y.logs.tell(h.Time(), f.seen, tools, y.tracker, f.isNear, keys)
	y.logs.tellEnded(tools, y.tracker, f.isNear, keys)
	if y.logs.hidden {
		details = append(details, detailWinLogs)
	}
	into.RemoteSessions = y.tracker.update(h.Time(), seen)
	if ctx.Err() == nil {
		y.tracker.forgetEnded()
	}
	into.Software = reportTools(tools, keys)
	return host.Hidden(details...)
}

// findSuspects lists the processes and looks at those that are new. It says whether
// the programs of some are hidden.
func (y *winSystem) findSuspects(ctx context.Context, n *winScan) (hidden bool, err error) {
	if y.running, err = y.machine.AppendProcesses(y.running[:0]); err != nil {
		return false, fmt.Errorf("list processes: %w", err)
	}
	if y.catalog != n.catalog {
		clear(y.known)
		y.catalog = n.catalog
	}
	n.running = y.running[:min(len(y.running), maxWinProcesses)]
	for _, p := range n.running {
		id := winIdentity{p.pid, p.created.UnixNano()}
		k := y.known[id]
		if k == nil {
			if err := ctx.Err(); err != nil {
				return false, fmt.Errorf("look at processes: %w", err)
			}
			k = y.look(p)
			y.known[id] = k
		}
		k.seen = true
		hidden = hidden || k.hidden
		if k.suspect != nil {
			k.suspect.listens, k.suspect.tools = k.suspect.listens[:0], k.suspect.tools[:0]
			n.suspects = append(n.suspects, k.suspect)
		}
	}
	for id, k := range y.known {
		if !k.seen {
			delete(y.known, id)
		}
		k.seen = false
	}
	return hidden, nil
}

// look reads a process's details, once.
func (y *winSystem) look(p winProcess) *winKnown {
	const lastOfKernel = 4 // Idle and System, which have no program
	path := y.machine.ProgramPath(p.pid)
	k := &winKnown{hidden: path == "" && p.pid > lastOfKernel && strings.Contains(p.image, ".")}
	k.suspect = judgeWindows(y.machine, p, path, y.program(path), y.catalog)
	return k
}

// program reads a program's names. The file of a program that runs cannot be changed,
// but it may be another one the next time: what ran long ago is forgotten in time.
func (y *winSystem) program(path string) pefile.Program {
	if path == "" {
		return pefile.Program{}
	}
	key := strings.ToLower(path)
	p, ok := y.programs[key]
	if !ok {
		if len(y.programs) >= maxPrograms {
			clear(y.programs)
		}
		p, _ = y.machine.Program(path) // what cannot be read says nothing of itself
		y.programs[key] = p
	}
	return p
}

// findTools matches what is installed and what runs against the catalogue.
func (n *winScan) findTools(v *winInventory) map[string]*tool {
	tools := map[string]*tool{}
	for _, m := range n.catalog.Match(onWindows, v.facts) {
		toolOf(tools, m.Entry)
	}
	n.attach()
	var facts []catalog.Fact
	for _, s := range n.suspects {
		facts = append(append(facts[:0], s.facts...), v.facts...)
		for _, row := range s.listens {
			facts = append(facts, catalog.Port(row.Local.Port()))
		}
		for _, m := range n.catalog.Match(onWindows, facts) {
			if slices.Contains(s.entries, m.Entry.GetId()) {
				t := toolOf(tools, m.Entry)
				t.addWinProcess(n.catalog, s, m)
				t.unattended = t.unattended || v.daemons[s.pid] && t.entry.GetUnattended()
				s.tools = append(s.tools, t)
			}
		}
	}
	for id, t := range tools {
		if i := v.found[id]; i != nil {
			t.addInstallation(i)
		}
		if t.version == "" {
			t.version = n.versionOf(t)
		}
	}
	return tools
}

// attach gives every suspect the ports that it listens on.
func (n *winScan) attach() {
	byPID := make(map[uint32]*winSuspect, len(n.suspects))
	for _, s := range n.suspects {
		byPID[s.pid] = s
	}
	for i := range n.rows {
		row := &n.rows[i]
		if row.PID == 0 {
			row.PID = n.guess(row.Local.Port())
		}
		if s := byPID[row.PID]; s != nil && row.State == sockets.Listen {
			s.listens = append(s.listens, row)
		}
	}
}

// guess is the process that a socket without an owner is taken to belong to: one whose
// tool has sessions on that port. A socket that one process made and another serves
// may have none; zero says that none is known.
func (n *winScan) guess(port uint16) uint32 {
	for _, s := range n.suspects {
		for _, id := range s.entries {
			if spec, ok := n.catalog.Session(onWindows, id); ok && slices.Contains(spec.Ports, port) {
				return s.pid
			}
		}
	}
	return 0
}

// versionOf is the version that a program of the tool says it has.
func (n *winScan) versionOf(t *tool) string {
	for _, s := range n.suspects {
		if slices.Contains(s.tools, t) {
			if version := cleanVersion(s.program.Version); version != "" {
				return version
			}
		}
	}
	return ""
}

// processWith returns the process with a number.
func (n *winScan) processWith(pid uint32) (winProcess, bool) {
	at := slices.IndexFunc(n.running, func(p winProcess) bool { return p.pid == pid })
	if at < 0 {
		return winProcess{}, false
	}
	return n.running[at], true
}

// addWinProcess notes a process that belongs to the tool.
func (t *tool) addWinProcess(c *catalog.Catalog, s *winSuspect, m catalog.Match) {
	t.addProcess(ownProcess{created: s.created, renamed: s.renamed(c, t.entry), writable: s.writable()}, m)
	t.signed = worse(t.signed, s.signerKnown(c, t.entry))
	for _, row := range s.listens {
		t.addPort(row.Local)
	}
}
