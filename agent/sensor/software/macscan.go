package software

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/macprogram"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// Fixed details of what a scan of macOS could not see.
const (
	detailMacPrograms   = "programs of other users are hidden without root"
	detailMacOwners     = "connections and their owners could not be listed"
	detailMacStatistics = "round trips could not be listed"
	detailMacLogs       = "tools' own logs are hidden without root, or without Full Disk Access"
)

const (
	maxMacProcesses = 20_000
	maxMacPrograms  = 4096 // files whose names are remembered
	// quietInterval is how often connections are listed while no program of the
	// catalogue runs: then only what launchd itself listens for can be new.
	quietInterval = time.Minute
	// staleInterval is for how long a listing stands in for one that failed.
	staleInterval = 2 * time.Minute
	// tripInterval is how often round trips are asked for: they cost a program's start.
	tripInterval = time.Minute
	launchd      = 1
)

// macSystem is what the sense keeps between scans on macOS.
type macSystem struct {
	machine   macMachine // nil for a recorded disk
	inventory macInventory
	tracker   *tracker
	logs      logs

	catalog  *catalog.Catalog
	known    map[macKey]*macKnown
	programs map[string]macprogram.Identity // by path, so that a program's many processes are one file read
	running  []macProcess
	rows     []sockets.Owned
	spare    []sockets.Owned // memory for the next listing
	rowsAt   time.Time
	tripsAt  time.Time
}

// macKey tells a process from another that has its number later, and from itself when it
// has become another program, which changes neither its number nor its start.
type macKey struct {
	pid     int32
	created int64
	comm    string
}

// macKnown is what was found out about a process.
type macKnown struct {
	suspect *macSuspect // nil where the catalogue knows nothing of it
	hidden  bool        // its program's path could not be read
	seen    bool        // in the latest scan
}

func newMacSystem(m macMachine, h host.Host) macSystem {
	return macSystem{
		machine: m, inventory: macInventory{host: h, lists: map[string]*macList{}}, tracker: newTracker(),
		logs: newLogs(hostLogs{h}, macLogSources), known: map[macKey]*macKnown{}, programs: map[string]macprogram.Identity{},
	}
}

// macScan is one look at the machine.
type macScan struct {
	catalog  *catalog.Catalog
	suspects []*macSuspect
	running  []macProcess
	rows     []sockets.Owned
}

// observe fills Software and RemoteSessions. A session that ended since the last call
// is told once more, with its end.
func (y *macSystem) observe(ctx context.Context, h host.Host, c *catalog.Catalog, keys fleetkey.Ring, into *farmhoundv1.Report) error {
	var interfaces []string
	if y.machine != nil {
		interfaces = y.machine.Interfaces()
	}
	if err := y.inventory.refresh(ctx, h.Time(), c, interfaces); err != nil {
		return fmt.Errorf("look at what is installed: %w", err)
	}
	n := &macScan{catalog: c}
	details := slices.Clone(y.inventory.details)
	if y.machine == nil {
		into.Software = reportTools(n.findTools(&y.inventory), keys)
		return host.Hidden(append(details, detailMacRecorded)...)
	}
	hidden, err := y.findSuspects(ctx, n)
	if err != nil {
		return err
	}
	if hidden {
		details = append(details, detailMacPrograms)
	}
	if !y.listSockets(ctx, h.Time(), n) {
		details = append(details, detailMacOwners)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	tools := n.findTools(&y.inventory)
	f := n.findSessions(h, tools)
	y.logs.follow(h.Time(), y.inventory.at, y.inventory.homes, tools, y.tracker, keys)
	seen := y.logs.tell(h.Time(), f.seen, tools, y.tracker, f.isNear, keys)
	y.logs.tellEnded(tools, y.tracker, f.isNear, keys)
	if y.logs.hidden {
		details = append(details, detailMacLogs)
	}
	if !y.measure(ctx, h.Time(), seen) {
		details = append(details, detailMacStatistics)
	}
	into.RemoteSessions = y.tracker.update(h.Time(), seen)
	if ctx.Err() == nil {
		y.tracker.forgetEnded()
	}
	into.Software = reportTools(tools, keys)
	return host.Hidden(details...)
}

// listSockets lists the connections where somebody could have one that matters. It is
// false where they cannot be listed; what was listed a moment ago stands in for them, so
// that a session does not seem to end because a busy machine took too long to answer.
func (y *macSystem) listSockets(ctx context.Context, now time.Time, n *macScan) bool {
	var err error
	age := now.Sub(y.rowsAt).Abs()
	if len(n.suspects) > 0 || age >= quietInterval {
		var rows []sockets.Owned
		rows, err = y.machine.AppendSockets(ctx, y.spare[:0])
		switch {
		case err == nil:
			y.spare, y.rows, y.rowsAt = y.rows, rows, now
		case age >= staleInterval:
			y.rows = y.rows[:0]
		}
	}
	n.rows = y.rows
	return err == nil
}

// measure fills in the round trips of sessions with a connection, once in a while. It is
// false where they cannot be listed.
func (y *macSystem) measure(ctx context.Context, now time.Time, seen []sighting) bool {
	measurable := func(g sighting) bool { return g.trip != nil }
	if !slices.ContainsFunc(seen, measurable) || now.Sub(y.tripsAt).Abs() < tripInterval {
		return true
	}
	y.tripsAt = now
	list, err := y.machine.Statistics(ctx)
	if err != nil {
		return false
	}
	for i := range seen {
		if seen[i].trip != nil {
			seen[i].trip.Measure(list)
		}
	}
	return true
}

// findSuspects lists the processes and looks at those that are new. It says whether the
// programs of some are hidden.
func (y *macSystem) findSuspects(ctx context.Context, n *macScan) (hidden bool, err error) {
	if y.running, err = y.machine.AppendProcesses(y.running[:0]); err != nil {
		return false, fmt.Errorf("list processes: %w", err)
	}
	if y.catalog != n.catalog {
		clear(y.known)
		y.catalog = n.catalog
	}
	n.running = y.running[:min(len(y.running), maxMacProcesses)]
	for _, p := range n.running {
		id := macKey{p.pid, p.created.UnixNano(), p.comm}
		k := y.known[id]
		if k == nil {
			if err := ctx.Err(); err != nil {
				return false, fmt.Errorf("look at processes: %w", err)
			}
			program := y.machine.ProgramPath(p.pid)
			k = &macKnown{hidden: program == "" && p.pid > launchd}
			k.suspect = judgeMac(p, program, y.identify(program), y.catalog)
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

// identify reads what a program says of itself. What ran long ago is forgotten in time.
func (y *macSystem) identify(program string) macprogram.Identity {
	if program == "" {
		return macprogram.Identity{}
	}
	identity, ok := y.programs[program]
	if !ok {
		if len(y.programs) >= maxMacPrograms {
			clear(y.programs)
		}
		identity = macprogram.Read(y.inventory.host, program)
		y.programs[program] = identity
	}
	return identity
}

// findTools matches what is installed and what runs against the catalogue.
func (n *macScan) findTools(v *macInventory) map[string]*tool {
	tools := map[string]*tool{}
	n.attach()
	installed := append(slices.Clone(v.facts), n.awaited()...)
	for _, m := range n.catalog.Match(onMac, installed) {
		t := toolOf(tools, m.Entry)
		n.addAwaited(t)
	}
	var facts []catalog.Fact
	for _, s := range n.suspects {
		facts = append(append(facts[:0], s.facts...), v.facts...)
		for _, row := range s.listens {
			facts = append(facts, catalog.Port(row.Local.Port()))
		}
		for _, m := range n.catalog.Match(onMac, facts) {
			if slices.Contains(s.entries, m.Entry.GetId()) {
				t := toolOf(tools, m.Entry)
				t.addMacProcess(n.catalog, s, m)
				t.unattended = t.unattended || s.parent == launchd && v.daemons[s.path] && t.entry.GetUnattended()
				s.tools = append(s.tools, t)
			}
		}
	}
	for id, t := range tools {
		if i := v.found[id]; i != nil {
			t.addInstallation(i)
		}
	}
	return tools
}

// attach gives every suspect the sockets that it listens on, and those that launchd
// listens on for it: it has a connection that came in there.
func (n *macScan) attach() {
	byPID := make(map[uint32]*macSuspect, len(n.suspects))
	for _, s := range n.suspects {
		byPID[uint32(s.pid)] = s
	}
	for i := range n.rows {
		row := &n.rows[i]
		if row.State == sockets.Established && row.PID <= launchd {
			row.PID = n.guess(row)
		}
		s := byPID[row.PID]
		switch {
		case s == nil:
		case row.State == sockets.Listen:
			s.listens = append(s.listens, row)
		default:
			if l := n.listenerOf(row); l != nil && l.PID <= launchd && !slices.Contains(s.listens, l) {
				s.listens = append(s.listens, l)
			}
		}
	}
}

// guess is the process that a connection is taken to belong to which launchd took in and
// handed on: one whose tool has sessions on the port where it came in.
func (n *macScan) guess(row *sockets.Owned) uint32 {
	if n.listenerOf(row) == nil {
		return row.PID
	}
	for _, s := range n.suspects {
		for _, id := range s.entries {
			if spec, ok := n.catalog.Session(onMac, id); ok && slices.Contains(spec.Ports, row.Local.Port()) {
				return uint32(s.pid)
			}
		}
	}
	return row.PID
}

// listenerOf returns the socket on which a connection came in, nil where it went out.
func (n *macScan) listenerOf(row *sockets.Owned) *sockets.Owned {
	for i := range n.rows {
		if l := &n.rows[i]; l.State == sockets.Listen && l.Covers(&row.Socket) {
			return l
		}
	}
	return nil
}

// awaited are the ports on which launchd listens, to start who is meant when somebody
// connects: macOS' own screen sharing and its ssh server run at no other time.
func (n *macScan) awaited() (facts []catalog.Fact) {
	for i := range n.rows {
		if l := &n.rows[i]; l.State == sockets.Listen && l.PID <= launchd && n.catalog.KnowsPort(onMac, l.Local.Port()) {
			facts = append(facts, catalog.Port(l.Local.Port()))
		}
	}
	return facts
}

// addAwaited notes the ports on which launchd listens for a tool.
func (n *macScan) addAwaited(t *tool) {
	for i := range n.rows {
		l := &n.rows[i]
		if l.State == sockets.Listen && l.PID <= launchd && macTouches(n.catalog, t.entry, farmhoundv1.FactKind_FACT_KIND_PORT, catalog.Port(l.Local.Port()).Value) {
			t.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_LISTENER)
			t.unattended = t.unattended || t.entry.GetUnattended()
			if !l.Local.Addr().IsLoopback() {
				t.ports = append(t.ports, uint32(l.Local.Port()))
			}
		}
	}
}

// addMacProcess notes a process that belongs to the tool.
func (t *tool) addMacProcess(c *catalog.Catalog, s *macSuspect, m catalog.Match) {
	t.addProcess(ownProcess{created: s.created, renamed: s.renamed(c, t.entry), writable: s.writable()}, m)
	t.signed = worse(t.signed, s.signerKnown(c, t.entry))
	for _, row := range s.listens {
		t.addPort(row.Local)
	}
}
