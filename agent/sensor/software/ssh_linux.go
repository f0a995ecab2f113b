package software

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/procfs"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/utmp"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// maxDepth bounds the walk from a process to its ancestors.
const maxDepth = 64

// sshConnection is one connection that an OpenSSH server took.
type sshConnection struct {
	row     *sockets.Socket
	holders []*suspect // the processes that serve it
}

// sshConnections returns the connections into sshd. What a session's processes hold
// besides (forwarded ports and their listeners) is left out: those listeners are
// held by the very processes that hold the connection.
func (n *scan) sshConnections() (list []sshConnection) {
	for i := range n.rows {
		row := &n.rows[i]
		if !alive(row) {
			continue
		}
		var holders []*suspect
		for _, h := range n.holders(row) {
			if h.suspect.sshd {
				holders = append(holders, h.suspect)
			}
		}
		if len(holders) > 0 && n.listensElsewhere(row, holders) {
			list = append(list, sshConnection{row, holders})
		}
	}
	return list
}

// listensElsewhere reports whether the listener that took the connection is not
// held by those who hold the connection.
func (n *scan) listensElsewhere(row *sockets.Socket, holders []*suspect) bool {
	for _, listener := range n.listeners {
		if !listener.Covers(row) {
			continue
		}
		if !slices.ContainsFunc(n.holders(listener), func(h holding) bool { return slices.Contains(holders, h.suspect) }) {
			return true
		}
	}
	return false
}

// sshConnectionOf returns the connection that an sshd process serves.
func (f *sessionFinder) sshConnectionOf(s *suspect) *sshConnection {
	for i := range f.ssh {
		if slices.Contains(f.ssh[i].holders, s) {
			return &f.ssh[i]
		}
	}
	return nil
}

// findShells adds a session for every ssh connection with a terminal. A connection
// that only copies files, forwards ports or runs a command has none, however long
// it lasts and whatever terminals that command makes for its own use.
func (f *sessionFinder) findShells() {
	var served []*suspect // the sshd processes nearest above their terminals
	for _, p := range f.all {
		if p.PseudoTerminal < 0 {
			continue
		}
		if s := f.sshdAbove(p); s != nil && !slices.Contains(served, s) && f.serves(s, p.PseudoTerminal) {
			served = append(served, s)
		}
	}
	var told []*sshConnection // several terminals can share one connection
	for _, s := range served {
		t := s.shellTool()
		if t == nil {
			continue
		}
		c := f.sshConnectionOf(s)
		switch {
		case c != nil && !slices.Contains(told, c):
			told = append(told, c)
			f.seen = append(f.seen, f.shellOver(t, c))
		case c == nil && s.hidden:
			f.seen = append(f.seen, f.hiddenShell(t, s))
		}
	}
}

// sshdAbove returns the nearest sshd process among the ancestors of p.
func (f *sessionFinder) sshdAbove(p *procfs.Process) *suspect {
	for range maxDepth {
		p = f.processes.Lookup(p.Parent)
		if p == nil {
			return nil
		}
		if s, ok := p.Memo.(*suspect); ok && s.sshd {
			return s
		}
	}
	return nil
}

// serves reports whether an sshd process made the terminal: its title lists those
// it made. A server that has no such title is taken to have made every one below it.
func (f *sessionFinder) serves(s *suspect, terminal int) bool {
	lines, known := f.terminalsOf(s)
	return !known || slices.Contains(lines, fmt.Sprintf("pts/%d", terminal))
}

// terminalsOf returns the terminals in a session process's title, which is such as
// "sshd: user@pts/0,pts/2", or "sshd: user@notty" where it has none. The user's
// name may have an @ of its own.
func (f *sessionFinder) terminalsOf(s *suspect) (lines []string, known bool) {
	title := strings.TrimSpace(strings.Join(f.processes.Arguments(s.Process), " "))
	at := strings.LastIndexByte(title, '@')
	if at < 0 {
		return nil, false
	}
	return strings.Split(title[at+1:], ","), true
}

// shellTool is the catalogue's entry for the ssh server, if it has one.
func (s *suspect) shellTool() *tool {
	for _, t := range s.tools {
		if t.entry.GetSession() == farmhoundv1.SessionKind_SESSION_KIND_SHELL {
			return t
		}
	}
	return nil
}

func (f *sessionFinder) shellOver(t *tool, c *sshConnection) sighting {
	var started time.Time
	for _, s := range c.holders {
		if started.IsZero() || s.StartedAt.Before(started) {
			started = s.StartedAt
		}
	}
	g := sighting{
		key: keyOf(t.entry.GetId(), c.row), tool: t.entry.GetId(), kind: farmhoundv1.SessionKind_SESSION_KIND_SHELL,
		startedAt: started, peer: c.row.Remote.Addr(), path: farmhoundv1.SessionPath_SESSION_PATH_DIRECT,
		established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_PROCESS, bytes: c.row, trip: c.row,
	}
	if f.fromHere(c.row) && !f.behindLoopback(&g, c) {
		g.path, g.trip = farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN, nil
	}
	f.classify(&g, c.row)
	return g
}

// behindLoopback finds whose ssh connection comes from this laptop itself.
func (f *sessionFinder) behindLoopback(g *sighting, c *sshConnection) bool {
	known := *g
	if !f.throughLoopback(c.row, &known) || known.path == farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN {
		return false
	}
	*g = known
	return true
}

// hiddenShell is a session of which only processes can be seen, for want of
// permission. Its connection is known if the record of logins names its peer, or if
// it is the only one that it can be.
func (f *sessionFinder) hiddenShell(t *tool, s *suspect) sighting {
	g := sighting{
		key:  fmt.Sprintf("%s process %d %d", t.entry.GetId(), s.PID, s.StartedAt.UnixNano()),
		tool: t.entry.GetId(), kind: farmhoundv1.SessionKind_SESSION_KIND_SHELL, startedAt: s.StartedAt,
		path:        farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN,
		established: farmhoundv1.EstablishedBy_ESTABLISHED_BY_PROCESS,
	}
	g.peer = f.loginPeer(s)
	candidates := f.hiddenConnections(t, g.peer)
	if len(candidates) == 1 {
		row := candidates[0]
		g.peer, g.bytes, g.trip = row.Remote.Addr(), row, row
	}
	if g.peer.IsValid() && !g.peer.IsLoopback() {
		g.path = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
	}
	g.class = classOf(g.peer, f.sameNetwork)
	return g
}

// loginPeer returns the address that the record of logins has for a session
// process's terminals.
func (f *sessionFinder) loginPeer(s *suspect) netip.Addr {
	lines, _ := f.terminalsOf(s)
	logins, _ := utmp.Read(f.host) // without the record there is no address
	for _, l := range logins {
		if slices.Contains(lines, l.Line) {
			return l.Peer
		}
	}
	return netip.Addr{}
}

// hiddenConnections returns the connections that nobody visible holds, into a port
// on which the tool usually takes them, from a peer if that is known.
func (f *sessionFinder) hiddenConnections(t *tool, peer netip.Addr) (list []*sockets.Socket) {
	spec, _ := f.catalog.Session(linux, t.entry.GetId())
	for i := range f.rows {
		row := &f.rows[i]
		if alive(row) && len(f.holders(row)) == 0 && row.UID == 0 && f.inbound(row) &&
			(!peer.IsValid() || peer == row.Remote.Addr()) &&
			(peer.IsValid() || slices.Contains(spec.Ports, row.Local.Port())) {
			list = append(list, row)
		}
	}
	return list
}
