package software

import (
	"net/netip"
	"strings"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// anyDeskPatience is how long somebody has waited to be let in who is in: the trace has
// every attempt, and not every version says which one was let in.
const anyDeskPatience = 20 * time.Second

// anyDeskLog is AnyDesk's trace. The service has one, which tells who came; what the
// user's programs do, such as to end a session, is in the user's.
var anyDeskLog = logFormat{split: splitAnyDesk, note: noteAnyDesk, atLeast: anyDeskPatience}

// splitAnyDesk reads a line of it, whose times are UTC:
//
//	info 2026-11-25 10:11:12.123  back 812 813  anynet.any_socket - Accept request from 987654321 (via relay).
//
// The rest begins with the role of the process that wrote it.
func splitAnyDesk(line string, _ time.Time) (at time.Time, rest string, ok bool) {
	const stamp = "2006-01-02 15:04:05"
	_, line, ok = strings.Cut(strings.TrimLeft(line, " "), " ") // the level
	day, line, more := strings.Cut(strings.TrimLeft(line, " "), " ")
	hour, line, most := strings.Cut(line, " ")
	if !ok || !more || !most {
		return time.Time{}, "", false
	}
	at, err := time.Parse(stamp, day+" "+hour)
	return at, strings.TrimLeft(line, " "), err == nil
}

// noteAnyDesk notes what a line says. The address is in a line of its own, shortly before
// or after.
func noteAnyDesk(l *toolLog, at time.Time, rest string) {
	head, message, ok := strings.Cut(rest, " - ")
	fields := strings.Fields(head)
	if !ok || len(fields) == 0 {
		return
	}
	role, module := fields[0], fields[len(fields)-1]
	// Who sits here controls other computers by the same program.
	elsewhere := module == "app.frontend_session" || role == "front" && module != "app.backend_session"
	if role == "back" {
		for i := range l.open {
			l.open[i].heard = later(at, l.open[i].heard)
		}
	}
	message = strings.TrimSpace(message)
	if rest, ok := strings.CutPrefix(message, "Accept request from "); ok {
		l.beginAnyDesk(rest, role, at, true)
	} else if rest, ok := strings.CutPrefix(message, "Incoming session request: "); ok {
		if open := strings.LastIndexByte(rest, '('); open >= 0 {
			l.beginAnyDesk(strings.Replace(rest[open+1:], ")", " ", 1), role, at, false)
		}
	} else if rest, ok := strings.CutPrefix(message, "Logged in from "); ok {
		l.addressAnyDesk(rest, at)
	} else if module == "main" && strings.HasPrefix(message, "* * *") {
		// A process of the role began anew, and what the one before it had ended with it.
		l.finish(at, func(c *caller) bool { return c.role == role })
	} else if strings.HasPrefix(module, "app.") && strings.Contains(message, "Authenticated ") {
		if n := len(l.open); n > 0 {
			l.open[n-1].let = true
		}
	} else if !elsewhere && endsAnyDesk(message) {
		l.ended = later(at, l.ended)
		l.finishAll(at)
	}
}

// endsAnyDesk says whether a message is of the end of a session: whose, it does not say.
func endsAnyDesk(message string) bool {
	for _, end := range [...]string{
		"Session closed", "Session stopped", "The socket was closed remotely", "The user has requested a connection quit", "Received quit",
	} {
		if strings.HasPrefix(message, end) {
			return true
		}
	}
	return false
}

// beginAnyDesk begins a session. One comes that is accepted; the requests that follow are
// of the same.
func (l *toolLog) beginAnyDesk(rest, role string, at time.Time, comes bool) {
	account, how, _ := strings.Cut(rest, " ")
	if account == "" || strings.Trim(account, "0123456789") != "" {
		return
	}
	c := caller{visit: visit{account: account, start: at}, name: account, path: farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN, role: role}
	switch {
	case strings.Contains(how, "relay"):
		c.path = farmhoundv1.SessionPath_SESSION_PATH_RELAY
	case strings.Contains(how, "direct"):
		c.path = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
	}
	if at.Sub(l.peerAt).Abs() <= together {
		c.peer = l.peer
	}
	if comes { // whatever this one had open has ended
		l.finish(at, func(open *caller) bool { return open.name == account && at.Sub(open.start) > together })
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
