package software

import (
	"net/netip"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

const (
	// maxCallers bounds the sessions that one log has open, and those that wait to be told.
	maxCallers = 32
	// maxAccount bounds what a log calls an account, in bytes.
	maxAccount = 256
	// together is how far apart the lines of one session's beginning are written.
	together = 2 * time.Minute
)

// rustDeskPatience is how long a connection to RustDesk lasts that somebody came in by:
// it waits that long for a password.
const rustDeskPatience = 30 * time.Second

// caller is a session as a log tells of it; end is zero while it lasts.
type caller struct {
	visit
	name string // tells it from the log's others
	peer netip.Addr
	path farmhoundv1.SessionPath
}

// toolLog follows one log in which a tool writes down when sessions begin and end.
type toolLog struct {
	note func(l *toolLog, line string, now time.Time)
	// atLeast is how long a session lasts that is one: some logs have every attempt.
	atLeast time.Duration

	open   []caller // under way, oldest first
	closed []caller // ended and not told yet
	peer   netip.Addr
	peerAt time.Time
}

// read takes what was appended to the log.
func (l *toolLog) read(data []byte, now time.Time) {
	for line := range strings.Lines(plainText(data)) {
		if len(line) <= maxVisitLine {
			l.note(l, strings.TrimRight(line, "\r\n"), now)
		}
	}
}

// begin opens a session. One with the same name is still the same.
func (l *toolLog) begin(c caller) {
	if l.find(c.name) == nil && len(l.open) < maxCallers && len(c.account) <= maxAccount {
		l.open = append(l.open, c)
	}
}

func (l *toolLog) find(name string) *caller {
	for i := range l.open {
		if l.open[i].name == name {
			return &l.open[i]
		}
	}
	return nil
}

// finish ends the session with the name, or all of them without one.
func (l *toolLog) finish(name string, at time.Time) {
	kept := l.open[:0]
	for _, c := range l.open {
		if name != "" && c.name != name {
			kept = append(kept, c)
			continue
		}
		if c.end = later(at, c.start); c.end.Sub(c.start) >= l.atLeast && len(l.closed) < maxCallers {
			l.closed = append(l.closed, c)
		}
	}
	l.open = kept
}

// called tells of a session that a log saw begin and end. One that was seen while it
// lasted only learns what the log knows better; another of the same log's goes on.
func (t *tracker) called(tool string, kind farmhoundv1.SessionKind, c caller, class farmhoundv1.PeerClass, keys fleetkey.Ring) {
	r := t.visited(tool, kind, c.name, c.visit, keys).report
	if r.GetPeer() == "" && c.peer.IsValid() {
		r.Peer, r.PeerClass = c.peer.WithZone("").String(), class
	}
	if r.GetEstablishedBy() == farmhoundv1.EstablishedBy_ESTABLISHED_BY_LOG {
		r.Path, r.EndedAt = c.path, timestamppb.New(later(c.end, r.GetStartedAt().AsTime()))
	}
}

// noteAnyDesk reads a line of AnyDesk's trace, whose times are UTC:
//
//	info 2026-11-25 10:11:12.123  back 812 813  anynet.any_socket - Accept request from 987654321 (via relay).
//
// The address is in a line of its own, shortly before or after.
func noteAnyDesk(l *toolLog, line string, _ time.Time) {
	head, message, ok := strings.Cut(line, " - ")
	fields := strings.Fields(head)
	if !ok || len(fields) < 4 {
		return
	}
	at, err := time.Parse("2006-01-02 15:04:05", fields[1]+" "+fields[2])
	if err != nil {
		return
	}
	message = strings.TrimSpace(message)
	if rest, ok := strings.CutPrefix(message, "Accept request from "); ok {
		l.beginAnyDesk(rest, at)
	} else if rest, ok := strings.CutPrefix(message, "Incoming session request: "); ok {
		if open := strings.LastIndexByte(rest, '('); open >= 0 {
			l.beginAnyDesk(strings.Replace(rest[open+1:], ")", " ", 1), at)
		}
	} else if rest, ok := strings.CutPrefix(message, "Logged in from "); ok {
		l.addressAnyDesk(rest, at)
	} else if strings.HasPrefix(message, "Session closed") || strings.HasPrefix(message, "Session stopped") {
		l.finish("", at)
	}
}

func (l *toolLog) beginAnyDesk(rest string, at time.Time) {
	account, how, _ := strings.Cut(rest, " ")
	if account == "" || strings.Trim(account, "0123456789") != "" {
		return
	}
	c := caller{visit: visit{account: account, start: at}, name: account, path: farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN}
	switch {
	case strings.Contains(how, "relay"):
		c.path = farmhoundv1.SessionPath_SESSION_PATH_RELAY
	case strings.Contains(how, "direct"):
		c.path = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
	}
	if at.Sub(l.peerAt).Abs() <= together {
		c.peer = l.peer
	}
	if same := l.find(account); same != nil && c.path != farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN {
		same.path = c.path
	}
	l.begin(c)
}

func (l *toolLog) addressAnyDesk(rest string, at time.Time) {
	word, _, _ := strings.Cut(rest, " ")
	end, err := netip.ParseAddrPort(strings.TrimSuffix(word, "."))
	if err != nil {
		return
	}
	for i := range l.open {
		if c := &l.open[i]; !c.peer.IsValid() && at.Sub(c.start).Abs() <= together {
			c.peer = end.Addr()
			return
		}
	}
	l.peer, l.peerAt = end.Addr(), at
}

// noteChromeRemoteDesktop reads a line of the system's log that the host wrote:
//
//	2026-11-25T10:11:12.123456+01:00 nb-114 chromoting[812]: Client connected: a@example.com/chromoting_ftl_1
//
// The address comes in lines of its own, one for every channel.
func noteChromeRemoteDesktop(l *toolLog, line string, now time.Time) {
	if !strings.Contains(line, "chromoting") {
		return
	}
	at, rest, ok := syslogTime(line, now)
	if !ok {
		return
	}
	if _, rest, ok = strings.Cut(rest, "]: "); !ok {
		return
	}
	const unknown = farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN
	if name, ok := strings.CutPrefix(rest, "Client connected: "); ok {
		name = strings.TrimSuffix(name, ".")
		account, _, _ := strings.Cut(name, "/")
		if account != "" {
			l.begin(caller{visit: visit{account: strings.ToLower(account), start: at}, name: name, path: unknown})
		}
	} else if name, ok := strings.CutPrefix(rest, "Client disconnected: "); ok {
		if name = strings.TrimSuffix(name, "."); name != "" {
			l.finish(name, at)
		}
	} else if rest, ok := strings.CutPrefix(rest, "Channel IP for client: "); ok {
		name, rest, _ := strings.Cut(rest, " ip='")
		if c := l.find(name); c != nil {
			c.routeChromeRemoteDesktop(rest)
		}
	}
}

// routeChromeRemoteDesktop reads what follows ip=' in a line about a channel.
func (c *caller) routeChromeRemoteDesktop(rest string) {
	word, rest, _ := strings.Cut(rest, "'")
	end, err := netip.ParseAddrPort(word)
	if err == nil {
		c.peer = end.Addr()
	}
	switch _, how, _ := strings.Cut(rest, "connection='"); strings.TrimSuffix(strings.TrimSuffix(how, "."), "'") {
	case "direct", "stun":
		c.path = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
	case "relay":
		c.path = farmhoundv1.SessionPath_SESSION_PATH_RELAY
		c.peer = netip.Addr{} // the relay's
	}
}

// syslogTime takes the time off the beginning of a line of the system's log, in either
// of its forms: the older one has neither year nor zone.
func syslogTime(line string, now time.Time) (at time.Time, rest string, ok bool) {
	word, rest, _ := strings.Cut(line, " ")
	if at, err := time.Parse(time.RFC3339Nano, word); err == nil {
		return at.UTC(), rest, true
	}
	const layout = "Jan _2 15:04:05"
	if len(line) < len(layout) {
		return time.Time{}, "", false
	}
	at, err := time.ParseInLocation("2006 "+layout, now.Format("2006 ")+line[:len(layout)], now.Location())
	if err != nil {
		return time.Time{}, "", false
	}
	if at.After(now.AddDate(0, 0, 1)) {
		at = at.AddDate(-1, 0, 0) // of December, read in January
	}
	return at.UTC(), line[len(layout):], true
}

// noteRustDesk reads a line of the log of RustDesk's server, which has every connection,
// whether or not somebody came in by it:
//
//	[2026-11-25 10:11:12.123456 +01:00] INFO [src/server/connection.rs:345] #1 Connection opened from 203.0.113.9:51234.
func noteRustDesk(l *toolLog, line string, _ time.Time) {
	stamp, rest, ok := strings.Cut(strings.TrimPrefix(line, "["), "] ")
	if !ok {
		return
	}
	at, err := time.Parse("2006-01-02 15:04:05 -07:00", stamp)
	if err != nil {
		return
	}
	_, rest, ok = strings.Cut(rest, "] #")
	if !ok {
		return
	}
	number, message, _ := strings.Cut(rest, " ")
	if word, ok := strings.CutPrefix(message, "Connection opened from "); ok {
		end, err := netip.ParseAddrPort(strings.TrimSuffix(word, "."))
		if err == nil {
			l.begin(caller{visit: visit{start: at.UTC()}, name: number, peer: end.Addr().Unmap(), path: farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN})
		}
	} else if strings.HasPrefix(message, "Connection closed") && number != "" {
		l.finish(number, at.UTC())
	}
}
