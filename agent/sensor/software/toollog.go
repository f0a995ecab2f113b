package software

import (
	"net/netip"
	"slices"
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

// silence is how long a session lasts of which nothing more is written: what ended it may
// have been written where nobody looked.
const silence = 16 * time.Hour

// caller is a session as a log tells of it; end is zero while it lasts.
type caller struct {
	visit
	name string // tells it from the log's others
	peer netip.Addr
	path farmhoundv1.SessionPath

	role  string    // what AnyDesk calls the process that wrote of it first
	let   bool      // whether the log says that somebody was let in
	heard time.Time // when it was last written of
}

// logFormat is how a tool writes down when sessions begin and end.
type logFormat struct {
	// split takes the time off a line; ok is false for lines that are of no interest.
	split func(line string, now time.Time) (at time.Time, rest string, ok bool)
	note  func(l *toolLog, at time.Time, rest string)
	// apart says that each file is one process's, whose names for sessions are its own.
	// Otherwise one file may have a session's beginning and another its end.
	apart bool
	// atLeast is how long a session lasts that is one, where nothing says that somebody
	// was let in: some logs have every attempt.
	atLeast time.Duration
}

// toolLog follows what a tool writes down, in one file or several.
type toolLog struct {
	tool string
	*logFormat

	lines  []logLine // not noted yet
	mixed  bool      // lines are of several files
	open   []caller  // under way, oldest first
	closed []caller  // ended and not told yet
	ended  time.Time // when all that were open ended; what began before is over
	peer   netip.Addr
	peerAt time.Time
}

type logLine struct {
	at   time.Time
	rest string
}

// take takes what was appended to one of the files, for settle.
func (l *toolLog) take(data []byte, now time.Time) {
	before := len(l.lines)
	for line := range strings.Lines(plainText(data)) {
		if len(line) > maxVisitLine {
			continue
		}
		if at, rest, ok := l.split(strings.TrimRight(line, "\r\n"), now); ok {
			l.lines = append(l.lines, logLine{at, rest})
		}
	}
	l.mixed = l.mixed || before > 0 && len(l.lines) > before
}

// settle notes what was taken, in the order in which it was written.
func (l *toolLog) settle() {
	if l.mixed {
		slices.SortStableFunc(l.lines, func(a, b logLine) int { return a.at.Compare(b.at) })
	}
	for _, line := range l.lines {
		l.note(l, line.at, line.rest)
	}
	l.lines, l.mixed = nil, false
}

// begin opens a session. One with the same name is still the same.
func (l *toolLog) begin(c caller) {
	if l.find(c.name) == nil && c.start.After(l.ended) && len(l.open) < maxCallers && len(c.account) <= maxAccount {
		c.heard = c.start
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

// counts says whether a session that lasts until then is one, and no mere attempt.
func (l *toolLog) counts(c *caller, until time.Time) bool {
	return c.let || until.Sub(c.start) >= l.atLeast
}

// finish ends the sessions that are over, which began before.
func (l *toolLog) finish(at time.Time, over func(*caller) bool) {
	kept := l.open[:0]
	for _, c := range l.open {
		if c.start.After(at) || !over(&c) {
			kept = append(kept, c)
			continue
		}
		if c.end = at; l.counts(&c, at) && len(l.closed) < maxCallers {
			l.closed = append(l.closed, c)
		}
	}
	clear(l.open[len(kept):])
	l.open = kept
}

// finishNamed ends the session with the name.
func (l *toolLog) finishNamed(name string, at time.Time) {
	l.finish(at, func(c *caller) bool { return c.name == name })
}

// finishAll ends every session.
func (l *toolLog) finishAll(at time.Time) { l.finish(at, func(*caller) bool { return true }) }

// expire ends the sessions whose end nobody wrote down: the tool does not run, or has
// run only since later, or says nothing more.
func (l *toolLog) expire(now, since time.Time, running bool) {
	if !running {
		l.finish(later(now, l.latest()), func(*caller) bool { return true })
		return
	}
	if since.Before(now) {
		l.finish(since, func(c *caller) bool { return c.start.Add(together).Before(since) })
	}
	l.finish(now, func(c *caller) bool { return now.Sub(c.heard) >= silence })
}

// latest is when the latest session began.
func (l *toolLog) latest() (at time.Time) {
	for i := range l.open {
		at = later(at, l.open[i].start)
	}
	return at
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

// chromeRemoteDesktopLog is the system's log, where its host writes.
var chromeRemoteDesktopLog = logFormat{split: splitChromeRemoteDesktop, note: noteChromeRemoteDesktop}

func splitChromeRemoteDesktop(line string, now time.Time) (at time.Time, rest string, ok bool) {
	if !strings.Contains(line, "chromoting") {
		return time.Time{}, "", false
	}
	if at, rest, ok = syslogTime(line, now); ok {
		_, rest, ok = strings.Cut(rest, "]: ")
	}
	return at, rest, ok
}

// noteChromeRemoteDesktop reads a line of the system's log that the host wrote:
//
//	2026-11-25T10:11:12.123456+01:00 nb-114 chromoting[812]: Client connected: a@example.com/chromoting_ftl_1
//
// The address comes in lines of its own, one for every channel.
func noteChromeRemoteDesktop(l *toolLog, at time.Time, rest string) {
	const unknown = farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN
	if name, ok := strings.CutPrefix(rest, "Client connected: "); ok {
		name = strings.TrimSuffix(name, ".")
		account, _, _ := strings.Cut(name, "/")
		if account != "" {
			l.begin(caller{visit: visit{account: strings.ToLower(account), start: at}, name: name, path: unknown})
		}
	} else if name, ok := strings.CutPrefix(rest, "Client disconnected: "); ok {
		if name = strings.TrimSuffix(name, "."); name != "" {
			l.finishNamed(name, at)
		}
	} else if rest, ok := strings.CutPrefix(rest, "Channel IP for client: "); ok {
		name, rest, _ := strings.Cut(rest, " ip='")
		if c := l.find(name); c != nil {
			c.heard = at
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

// rustDeskLog is the log of RustDesk's server, which has every connection, whether or not
// somebody came in by it.
var rustDeskLog = logFormat{split: splitRustDesk, note: noteRustDesk, apart: true, atLeast: rustDeskPatience}

// splitRustDesk reads a line of it:
//
//	[2026-11-25 10:11:12.123456 +01:00] INFO [src/server/connection.rs:345] #1 Connection opened from 203.0.113.9:51234.
func splitRustDesk(line string, _ time.Time) (at time.Time, rest string, ok bool) {
	stamp, rest, ok := strings.Cut(strings.TrimPrefix(line, "["), "] ")
	if !ok {
		return time.Time{}, "", false
	}
	at, err := time.Parse("2006-01-02 15:04:05 -07:00", stamp)
	if err != nil {
		return time.Time{}, "", false
	}
	_, rest, ok = strings.Cut(rest, "] #")
	return at.UTC(), rest, ok
}

func noteRustDesk(l *toolLog, at time.Time, rest string) {
	number, message, _ := strings.Cut(rest, " ")
	if word, ok := strings.CutPrefix(message, "Connection opened from "); ok {
		end, err := netip.ParseAddrPort(strings.TrimSuffix(word, "."))
		if err == nil {
			l.restartRustDesk(number, at)
			l.begin(caller{visit: visit{start: at}, name: number, peer: end.Addr().Unmap(), path: farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN})
		}
	} else if strings.HasPrefix(message, "Connection closed") && number != "" {
		l.finishNamed(number, at)
	} else if c := l.find(number); c != nil {
		c.heard = at
	}
}

// restartRustDesk ends what a server had open that has gone: numbers rise while one runs,
// and one after another begins anew. Those of the same moment may be out of order.
func (l *toolLog) restartRustDesk(number string, at time.Time) {
	lower := func(a, b string) bool { return len(a) < len(b) || len(a) == len(b) && a < b }
	l.finish(at, func(c *caller) bool {
		return c.name == number || lower(number, c.name) && at.Sub(c.start) > together
	})
}
