package software

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/terminals"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// remoteDesktop is the catalogue's id of the system's own.
const remoteDesktop = "windows-remote-desktop"

// winSSHD is the server of shells, whose connections are sessions only once a shell runs.
const winSSHD = "sshd"

// winFinder finds the control sessions of one scan.
type winFinder struct {
	*winScan
	neighbourhood
	tools map[string]*tool
	seen  []sighting
}

// findSessions returns the control sessions that are open and marks their tools.
func (n *winScan) findSessions(h host.Host, tools map[string]*tool) *winFinder {
	f := &winFinder{winScan: n, tools: tools}
	f.near, _ = links.List(h) // without interfaces nothing is near
	for _, s := range n.suspects {
		f.connectionsOf(s)
	}
	for i := range n.terminals {
		f.addTerminal(&n.terminals[i])
	}
	for _, s := range n.suspects {
		f.addSessionProcess(s)
	}
	for i := range f.seen {
		if t := tools[f.seen[i].tool]; t != nil {
			t.controlled = true
		}
	}
	return f
}

// connectionsOf adds the sessions that come in over a suspect's own connections.
func (f *winFinder) connectionsOf(s *winSuspect) {
	for _, t := range s.tools {
		spec, ok := f.catalog.Session(onWindows, t.entry.GetId())
		if !ok || t.entry.GetId() == remoteDesktop {
			continue
		}
		for i := range f.rows {
			row := &f.rows[i]
			if row.PID == s.pid && row.State == sockets.Established {
				f.judgeConnection(s, t, spec.Ports, row)
			}
		}
		return
	}
}

// judgeConnection adds a session if the connection is control through the tool.
func (f *winFinder) judgeConnection(s *winSuspect, t *tool, usual []uint16, row *sockets.Owned) {
	g := sighting{
		key:  fmt.Sprintf("%s %d %v %v", t.entry.GetId(), row.PID, row.Local, row.Remote),
		tool: t.entry.GetId(), kind: t.entry.GetSession(), peer: row.Remote.Addr(),
		path: farmhoundv1.SessionPath_SESSION_PATH_DIRECT, established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION,
	}
	switch {
	case f.inbound(row) || slices.Contains(usual, row.Local.Port()):
		if t.entry.GetId() == winSSHD && !f.hasShell(s.pid) {
			return
		}
		if f.fromHere(row) && !f.throughLoopback(row, &g) {
			return
		}
	case !slices.Contains(reversible[:], t.entry.GetId()) || f.fromHere(row):
		return
	}
	f.measure(row, &g)
	g.class = f.classOf(g.peer, row)
	f.seen = append(f.seen, g)
}

// measure takes a connection's round trips and bytes, where Windows tells them: of IPv4.
// Those of a connection within the laptop say nothing of who is behind it.
func (f *winFinder) measure(row *sockets.Owned, g *sighting) {
	if !row.Local.Addr().Is4() {
		return
	}
	if err := f.machine.Measure(row); err != nil {
		f.unmeasured = true
		return
	}
	g.bytes = &row.Socket
	if g.peer == row.Remote.Addr() && !f.fromHere(row) {
		g.trip = &row.Socket
	}
}

func (f *winFinder) classOf(peer netip.Addr, row *sockets.Owned) farmhoundv1.PeerClass {
	if row != nil && peer == row.Remote.Addr() && f.fromHere(row) {
		return farmhoundv1.PeerClass_PEER_CLASS_LOOPBACK // whichever of its addresses was used
	}
	return classOf(peer, f.isNear)
}

// inbound reports whether a connection came in: something listens where it arrived.
func (f *winFinder) inbound(row *sockets.Owned) bool {
	return slices.ContainsFunc(f.rows, func(l sockets.Owned) bool {
		return l.State == sockets.Listen && l.Covers(&row.Socket)
	})
}

// throughLoopback finds out who is behind a connection from this laptop itself. It is
// false where that is no session of its own.
func (f *winFinder) throughLoopback(row *sockets.Owned, g *sighting) bool {
	g.path = farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN
	other := otherEnd(f.rows, row)
	return other == nil || f.carriedBy(other.PID, g)
}

// carriedBy judges the process at the other end of a connection within the laptop.
func (f *winFinder) carriedBy(pid uint32, g *sighting) bool {
	for _, s := range f.suspects {
		if s.pid != pid {
			continue
		}
		for _, t := range s.tools {
			switch {
			case t.entry.GetSession() == farmhoundv1.SessionKind_SESSION_KIND_DESKTOP:
				return false // the tool's own parts, or a session that shows as the other tool's
			case t.entry.GetId() == winSSHD:
				f.carriedBySSH(pid, g)
			case isCarrier(t.entry.GetCategory()):
				g.path = farmhoundv1.SessionPath_SESSION_PATH_RELAY
			}
		}
	}
	return true
}

// carriedBySSH takes the far end of the ssh connection that carries a session.
func (f *winFinder) carriedBySSH(pid uint32, g *sighting) {
	for i := range f.rows {
		row := &f.rows[i]
		if row.PID == pid && row.State == sockets.Established && f.inbound(row) && !f.fromHere(row) {
			g.peer, g.path = row.Remote.Addr(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT
			return
		}
	}
}

// hasShell reports whether something that is no part of the ssh server itself runs
// below one of its processes. Copying files is no session.
func (f *winFinder) hasShell(server uint32) bool {
	parts := []string{"sshd.exe", "sshd-session.exe", "sshd-auth.exe", "sftp-server.exe", "scp.exe", "conhost.exe"}
	return slices.ContainsFunc(f.running, func(p winProcess) bool {
		return !slices.Contains(parts, strings.ToLower(p.image)) && f.below(p, server)
	})
}

// below reports whether a process descends from another. A parent that began later is
// a stranger that has the number now.
func (f *winFinder) below(p winProcess, ancestor uint32) bool {
	const deepest = 8
	for range deepest {
		parent, ok := f.processWith(p.parent)
		if !ok || parent.pid == p.pid || parent.created.After(p.created) {
			return false
		}
		if parent.pid == ancestor {
			return true
		}
		p = parent
	}
	return false
}

// addTerminal adds a session that Windows itself shows to somebody elsewhere.
func (f *winFinder) addTerminal(s *terminals.Session) {
	if !s.Remote() || s.Protocol != terminals.RDP {
		return
	}
	g := sighting{
		key: fmt.Sprintf("terminal %d %d", s.ID, s.ConnectedAt.UnixNano()), tool: remoteDesktop,
		kind: farmhoundv1.SessionKind_SESSION_KIND_DESKTOP, startedAt: s.ConnectedAt,
		path: farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN, established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_SYSTEM,
	}
	if row := f.connectionOf(s); row != nil {
		g.peer, g.path = row.Remote.Addr(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT
		if f.fromHere(row) {
			f.throughLoopback(row, &g)
		}
		f.measure(row, &g)
		g.class = f.classOf(g.peer, row)
	} else {
		// The client's own word, in its own network: all there is to say.
		g.peer = s.Client
		g.class = f.classOf(g.peer, nil)
	}
	if entry, ok := f.catalog.Entry(remoteDesktop); ok {
		t := toolOf(f.tools, entry)
		t.running = true
		t.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_SERVICE)
	}
	f.seen = append(f.seen, g)
}

// connectionOf finds the connection that carries a session: the only one there is, or
// the one from the address that the client names.
func (f *winFinder) connectionOf(s *terminals.Session) *sockets.Owned {
	var only *sockets.Owned
	count := 0
	for i := range f.rows {
		row := &f.rows[i]
		if row.State != sockets.Established || row.Local.Port() != f.rdpPort {
			continue
		}
		if row.Remote.Addr() == s.Client {
			return row
		}
		only, count = row, count+1
	}
	if count != 1 {
		return nil
	}
	return only
}

// addSessionProcess adds a session that shows by a process which runs only during
// one, unless the tool's session was seen otherwise.
func (f *winFinder) addSessionProcess(s *winSuspect) {
	for _, t := range s.tools {
		id := t.entry.GetId()
		spec, ok := f.catalog.Session(onWindows, id)
		if !ok || id == remoteDesktop || !slices.ContainsFunc(spec.Processes, func(name string) bool {
			return strings.EqualFold(name, s.fileName()) || strings.EqualFold(name, s.program.Original)
		}) {
			continue
		}
		if slices.ContainsFunc(f.seen, func(g sighting) bool { return g.tool == id }) {
			continue
		}
		f.seen = append(f.seen, sighting{
			key: fmt.Sprintf("%s process %d %d", id, s.pid, s.created.UnixNano()), tool: id, kind: t.entry.GetSession(),
			startedAt: s.created, path: farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN,
			established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_PROCESS,
		})
	}
}
