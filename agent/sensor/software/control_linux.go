package software

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/links"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Ports of X displays over TCP.
const (
	firstDisplayPort = 6000
	lastDisplayPort  = 6063
)

// sessionFinder finds the control sessions of one scan.
type sessionFinder struct {
	*scan
	host  host.Host
	tools map[string]*tool
	ssh   []sshConnection
	near  []links.Link
	asked bool // whether near has been filled
	seen  []sighting
}

// findSessions returns the control sessions that are open and marks their tools.
func (n *scan) findSessions(h host.Host, tools map[string]*tool) *sessionFinder {
	f := &sessionFinder{scan: n, host: h, tools: tools, ssh: n.sshConnections()}
	for i := range n.rows {
		if row := &n.rows[i]; alive(row) {
			f.judgeConnection(row)
		}
	}
	f.findShells()
	f.findProcesses()
	for i := range f.seen {
		tools[f.seen[i].tool].controlled = true
	}
	return f
}

// findProcesses adds the sessions that show by a process which runs only during one,
// unless the tool's session was seen otherwise.
func (f *sessionFinder) findProcesses() {
	for _, s := range f.suspects {
		for _, t := range s.tools {
			id := t.entry.GetId()
			spec, ok := f.catalog.Session(linux, id)
			if !ok || !slices.Contains(spec.Processes, s.Name()) || slices.ContainsFunc(f.seen, func(g sighting) bool { return g.tool == id }) {
				continue
			}
			f.seen = append(f.seen, sighting{
				key: fmt.Sprintf("%s process %d %d", id, s.PID, s.StartedAt.UnixNano()), tool: id, kind: t.entry.GetSession(),
				startedAt: s.StartedAt, path: farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN,
				established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_PROCESS,
			})
		}
	}
}

// longestSilence is how long a peer may leave unanswered what is sent to it again and
// again before it has gone: its machine sleeps, or its network ended without a word.
const longestSilence = 45 * time.Second

// alive reports whether somebody is at the other end of a connection.
func alive(row *sockets.Socket) bool {
	return row.State == sockets.Established && row.Silent < longestSilence
}

// links lists the interfaces, once somebody asks.
func (f *sessionFinder) links() []links.Link {
	if !f.asked {
		f.asked = true
		f.near, _ = links.List(f.host) // without interfaces nothing is near
	}
	return f.near
}

// sameNetwork reports whether an address is on a network that this laptop is
// attached to.
func (f *sessionFinder) sameNetwork(addr netip.Addr) bool {
	return slices.ContainsFunc(f.links(), func(l links.Link) bool { return l.Local() && l.Holds(addr) })
}

// judgeConnection adds a session if the connection is control through a tool.
func (f *sessionFinder) judgeConnection(row *sockets.Socket) {
	t, usual := f.controlTool(row)
	if t == nil {
		return
	}
	g := sighting{
		key: keyOf(t.entry.GetId(), row), tool: t.entry.GetId(), kind: t.entry.GetSession(),
		peer: row.Remote.Addr(), path: farmhoundv1.SessionPath_SESSION_PATH_DIRECT,
		established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_CONNECTION, bytes: row, trip: row,
	}
	switch {
	case f.inbound(row) || slices.Contains(usual, row.Local.Port()):
		if f.fromHere(row) && !f.throughLoopback(row, &g) {
			return
		}
	case !f.dialledOut(row, t):
		return
	}
	f.classify(&g, row)
	f.seen = append(f.seen, g)
}

// classify says what kind of network the peer of a connection is on.
func (f *sessionFinder) classify(g *sighting, row *sockets.Socket) {
	g.class = classOf(g.peer, f.sameNetwork)
	if g.peer == row.Remote.Addr() && f.fromHere(row) {
		g.class = farmhoundv1.PeerClass_PEER_CLASS_LOOPBACK // whichever of its addresses was used
	}
}

// controlTool returns the tool that gives control by connections and holds this
// one, and the ports on which its sessions usually come in. Shells of ssh are told
// by their processes instead.
func (f *sessionFinder) controlTool(row *sockets.Socket) (*tool, []uint16) {
	for _, s := range f.suspectsWith(row) {
		if s.sshd {
			continue
		}
		for _, t := range s.tools {
			if spec, ok := f.catalog.Session(linux, t.entry.GetId()); ok {
				return t, spec.Ports
			}
		}
	}
	return nil, nil
}

// suspectsWith returns the suspects that hold a socket, or are taken to.
func (f *sessionFinder) suspectsWith(row *sockets.Socket) (list []*suspect) {
	for _, h := range f.holders(row) {
		list = append(list, h.suspect)
	}
	if list == nil && f.hidden {
		for _, s := range f.suspects {
			if s.hidden && slices.Contains(s.connections, row) {
				list = append(list, s)
			}
		}
	}
	return list
}

// inbound reports whether a connection came in: something listens where it arrived.
func (f *sessionFinder) inbound(row *sockets.Socket) bool {
	return slices.ContainsFunc(f.listeners, func(l *sockets.Socket) bool { return l.Covers(row) })
}

// fromHere reports whether a connection comes from this laptop itself: over loopback,
// to its own address, or into another network namespace of it.
func (f *sessionFinder) fromHere(row *sockets.Socket) bool {
	peer := row.Remote.Addr()
	return peer.IsLoopback() || peer == row.Local.Addr() || slices.ContainsFunc(f.links(), func(l links.Link) bool {
		return slices.ContainsFunc(l.Prefixes, func(p netip.Prefix) bool { return p.Addr() == peer })
	})
}

// dialledOut reports whether a connection that the tool made itself is control: a
// server of a display that connects to a viewer, which waits to be connected to.
func (f *sessionFinder) dialledOut(row *sockets.Socket, t *tool) bool {
	port := row.Remote.Port()
	return slices.Contains(reversible[:], t.entry.GetId()) && !f.fromHere(row) &&
		(port < firstDisplayPort || port > lastDisplayPort)
}

// throughLoopback finds out who is behind a connection from this laptop itself. It
// is false where that is no session of its own.
func (f *sessionFinder) throughLoopback(row *sockets.Socket, g *sighting) bool {
	g.path = farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN
	g.trip = nil // within the laptop
	for _, owner := range f.otherEnd(row) {
		if owner.sshd {
			// Carried by ssh, whose client is the controlling side's own machine.
			if c := f.sshConnectionOf(owner); c != nil {
				g.peer, g.trip = c.row.Remote.Addr(), c.row
				g.path = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
			}
			return true
		}
		for _, t := range owner.tools {
			switch {
			case t.entry.GetSession() == farmhoundv1.SessionKind_SESSION_KIND_DESKTOP:
				return false // the tool's own parts, or a session that shows as the other tool's
			case isCarrier(t.entry.GetCategory()):
				g.path = farmhoundv1.SessionPath_SESSION_PATH_RELAY
			}
		}
	}
	return true
}

// otherEnd returns the suspects that hold the other end of a connection within
// the laptop.
func (f *sessionFinder) otherEnd(row *sockets.Socket) []*suspect {
	loopback := row.Remote.Addr().IsLoopback() // which every namespace has of its own
	for i := range f.rows {
		other := &f.rows[i]
		if other.Local == row.Remote && other.Remote == row.Local && (other.Space == row.Space || !loopback) {
			return f.suspectsWith(other)
		}
	}
	return nil
}

// keyOf tells a connection from every other: by the kernel's cookie where that is
// known, and by inode and ends.
func keyOf(tool string, row *sockets.Socket) string {
	if row.Cookie != 0 {
		return fmt.Sprintf("%s cookie %x", tool, row.Cookie)
	}
	return fmt.Sprintf("%s %d %v %v", tool, row.Inode, row.Local, row.Remote)
}
