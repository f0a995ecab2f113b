package software

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// macSSHParts are the programs of the ssh server, and those that copy files by it: a
// shell is none of them.
var macSSHParts = [...]string{"sshd", "sshd-session", "sshd-auth", "sshd-keygen-wrapper", "sftp-server", "scp"}

// macFinder finds the control sessions of one scan.
type macFinder struct {
	*macScan
	neighbourhood
	tools map[string]*tool
	seen  []sighting
}

// findSessions finds the control sessions that are open and marks their tools.
func (n *macScan) findSessions(h host.Host, tools map[string]*tool) *macFinder {
	f := &macFinder{macScan: n, tools: tools}
	f.near, _ = links.List(h) // without interfaces nothing is near
	for _, s := range n.suspects {
		f.connectionsOf(s)
	}
	for _, s := range n.suspects {
		f.addSessionProcess(s)
	}
	for i := range f.seen {
		tools[f.seen[i].tool].controlled = true
	}
	return f
}

// connectionsOf adds the sessions that come in over a suspect's own connections.
func (f *macFinder) connectionsOf(s *macSuspect) {
	for _, t := range s.tools {
		spec, ok := f.catalog.Session(onMac, t.entry.GetId())
		if !ok {
			continue
		}
		for i := range f.rows {
			row := &f.rows[i]
			if row.PID == uint32(s.pid) && row.State == sockets.Established {
				f.judgeConnection(s, t, spec.Ports, row)
			}
		}
		return
	}
}

// judgeConnection adds a session if the connection is control through the tool.
func (f *macFinder) judgeConnection(s *macSuspect, t *tool, usual []uint16, row *sockets.Owned) {
	g := sighting{
		key:  fmt.Sprintf("%s %v %v", t.entry.GetId(), row.Local, row.Remote),
		tool: t.entry.GetId(), kind: t.entry.GetSession(), peer: row.Remote.Addr(), bytes: &row.Socket,
		path: farmhoundv1.SessionPath_SESSION_PATH_DIRECT, established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION,
	}
	switch {
	case f.listenerOf(row) != nil || slices.Contains(usual, row.Local.Port()):
		if t.entry.GetSession() == farmhoundv1.SessionKind_SESSION_KIND_SHELL && !f.hasShell(s.pid) {
			return
		}
		if f.fromHere(row) && !f.throughLoopback(row, &g) {
			return
		}
	case !slices.Contains(reversible[:], t.entry.GetId()) || f.fromHere(row):
		return
	}
	if !f.fromHere(row) {
		g.trip = &row.Socket // one within the laptop says nothing of who is behind it
	}
	g.class = classOf(g.peer, f.isNear)
	if g.peer == row.Remote.Addr() && f.fromHere(row) {
		g.class = farmhoundv1.PeerClass_PEER_CLASS_LOOPBACK // whichever of its addresses was used
	}
	f.seen = append(f.seen, g)
}

// throughLoopback finds out who is behind a connection from this laptop itself. It is
// false where that is no session of its own.
func (f *macFinder) throughLoopback(row *sockets.Owned, g *sighting) bool {
	g.path = farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN
	other := otherEnd(f.rows, row)
	return other == nil || f.carriedBy(other.PID, g)
}

// carriedBy judges the process at the other end of a connection within the laptop.
func (f *macFinder) carriedBy(pid uint32, g *sighting) bool {
	for _, s := range f.suspects {
		if uint32(s.pid) != pid {
			continue
		}
		for _, id := range s.entries {
			t := f.tools[id] // a helper of the ssh server is one of it without a port of its own
			switch {
			case t == nil:
			case t.entry.GetSession() == farmhoundv1.SessionKind_SESSION_KIND_DESKTOP:
				return false // the tool's own parts, or a session that shows as the other tool's
			case t.entry.GetSession() == farmhoundv1.SessionKind_SESSION_KIND_SHELL:
				f.carriedByShell(s.pid, g)
			case isCarrier(t.entry.GetCategory()):
				g.path = farmhoundv1.SessionPath_SESSION_PATH_RELAY
			}
		}
	}
	return true
}

// carriedByShell takes the far end of the ssh connection that carries a session: that of
// the process, or of the one that it was made by.
func (f *macFinder) carriedByShell(pid int32, g *sighting) {
	parent := pid
	if p, ok := f.processWith(pid); ok && p.parent > launchd {
		parent = p.parent
	}
	for i := range f.rows {
		row := &f.rows[i]
		if (row.PID == uint32(pid) || row.PID == uint32(parent)) && row.State == sockets.Established &&
			f.listenerOf(row) != nil && !f.fromHere(row) {
			g.peer, g.path = row.Remote.Addr(), farmhoundv1.SessionPath_SESSION_PATH_DIRECT
			return
		}
	}
}

// hasShell reports whether something that is no part of the ssh server itself runs below
// one of its processes. Copying files is no session.
func (f *macFinder) hasShell(server int32) bool {
	return slices.ContainsFunc(f.running, func(p macProcess) bool {
		return !slices.Contains(macSSHParts[:], p.comm) && f.below(p, server)
	})
}

// below reports whether a process descends from another. A parent that began later is a
// stranger that has the number now.
func (f *macFinder) below(p macProcess, ancestor int32) bool {
	const deepest = 8
	for range deepest {
		if p.parent <= launchd {
			return false
		}
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

// processWith returns the process with a number.
func (n *macScan) processWith(pid int32) (macProcess, bool) {
	at := slices.IndexFunc(n.running, func(p macProcess) bool { return p.pid == pid })
	if at < 0 {
		return macProcess{}, false
	}
	return n.running[at], true
}

// addSessionProcess adds a session that shows by a process which runs only during one,
// unless the tool's session was seen otherwise.
func (f *macFinder) addSessionProcess(s *macSuspect) {
	for _, t := range s.tools {
		id := t.entry.GetId()
		spec, ok := f.catalog.Session(onMac, id)
		if !ok || !slices.ContainsFunc(spec.Processes, func(name string) bool { return strings.EqualFold(name, path.Base(s.fileName())) }) {
			continue
		}
		shell := spec.Kind == farmhoundv1.SessionKind_SESSION_KIND_SHELL
		if shell && !f.hasShell(s.pid) || slices.ContainsFunc(f.seen, func(g sighting) bool { return g.tool == id }) {
			continue
		}
		f.seen = append(f.seen, sighting{
			key: fmt.Sprintf("%s process %d %d", id, s.pid, s.created.UnixNano()), tool: id, kind: spec.Kind,
			startedAt: s.created, path: farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN,
			established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_PROCESS,
		})
	}
}
