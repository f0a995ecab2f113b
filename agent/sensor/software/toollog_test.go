package software

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// What the tools write, with made-up numbers, names and addresses.
const (
	anyDeskCame = `   info 2026-11-24 15:59:58.100       back    812    812                   anynet.any_socket - Client-ID: 987654321 (FPR: 0123).
   info 2026-11-24 16:00:00.500       back    812    813                   anynet.any_socket - Accept request from 987654321 (via relay).
   info 2026-11-24 16:00:01.100       back    812    813                   anynet.relay_conn - External address: 198.51.100.20:50001.
   info 2026-11-24 16:00:02.700       back    812    813                   anynet.any_socket - Logged in from 203.0.113.9:61230 on relay 5e8a7c21.
   info 2026-11-24 16:00:03.700       back    812    813                         app.session - Incoming session request: DESKTOP (1) (987654321)
`
	anyDeskWent = `   info 2026-11-24 16:30:00.000       back    812    813                         app.session - Session closed by remote user.
`
	chromeCame = `2026-11-24T17:00:00.250000+01:00 nb-114 chromoting[812]: Client connected: Ada@example.com/chromoting_ftl_0523
2026-11-24T17:00:00.300000+01:00 nb-114 chromoting[812]: Channel IP for client: Ada@example.com/chromoting_ftl_0523 ip='203.0.113.9:51000' host_ip='192.168.1.20:40000' channel='event' connection='stun'
`
	chromeWent = `2026-11-24T17:30:00+01:00 nb-114 chromoting[812]: Client disconnected: Ada@example.com/chromoting_ftl_0523
`
	rustDeskCame = `[2026-11-24 17:00:00.250000 +01:00] INFO [src/server/connection.rs:345] #7 Connection opened from [::ffff:203.0.113.9]:51234.
`
	rustDeskWent = `[2026-11-24 17:30:00.000000 +01:00] INFO [src/server/connection.rs:1502] #7 Connection closed: Peer close
`
)

// at is a time on the day of the logs above.
func at(hour, minute, second, millisecond int) time.Time {
	return time.Date(2026, 11, 24, hour, minute, second, millisecond*1e6, time.UTC)
}

// logIn is what files tell together.
func logIn(f *logFormat, now time.Time, files ...string) *toolLog {
	l := &toolLog{logFormat: f}
	for _, text := range files {
		l.take([]byte(text), now)
	}
	l.settle()
	return l
}

func TestToolLogs(t *testing.T) {
	t.Parallel()
	const (
		unknown = farmhoundv1.SessionPath_SESSION_PATH_UNKNOWN
		direct  = farmhoundv1.SessionPath_SESSION_PATH_DIRECT
		relay   = farmhoundv1.SessionPath_SESSION_PATH_RELAY
	)
	viewer := netip.MustParseAddr("203.0.113.9")
	now := at(18, 0, 0, 0).In(time.FixedZone("", 3600))
	tests := []struct {
		name         string
		log          *logFormat
		text         string
		open, closed []caller
	}{
		{"AnyDesk", &anyDeskLog, anyDeskCame,
			[]caller{{visit: visit{account: "987654321", start: at(16, 0, 0, 500)}, name: "987654321", peer: viewer, path: relay}}, nil},
		{"AnyDesk, ended", &anyDeskLog, anyDeskCame + anyDeskWent, nil,
			[]caller{{visit: visit{"987654321", at(16, 0, 0, 500), at(16, 30, 0, 0)}, name: "987654321", peer: viewer, path: relay}}},
		{"AnyDesk, the address first", &anyDeskLog,
			"  info 2026-11-24 16:00:00.100 back 1 1 anynet.any_socket - Logged in from 203.0.113.9:61230 on relay 5e8a7c21.\n" +
				"  info 2026-11-24 16:00:00.500 back 1 1 anynet.any_socket - Accept request from 987654321 (via direct connection).\n",
			[]caller{{visit: visit{account: "987654321", start: at(16, 0, 0, 500)}, name: "987654321", peer: viewer, path: direct}}, nil},
		{"AnyDesk, of others", &anyDeskLog, "  info 2026-11-24 16:00:00.500 back 1 1 x - Accept request from somebody\n* * * *\n - \n", nil, nil},
		{"Chrome Remote Desktop", &chromeRemoteDesktopLog, chromeCame,
			[]caller{{visit: visit{account: "ada@example.com", start: at(16, 0, 0, 250)}, name: "Ada@example.com/chromoting_ftl_0523", peer: viewer, path: direct}}, nil},
		{"Chrome Remote Desktop, ended", &chromeRemoteDesktopLog, chromeCame + chromeWent, nil,
			[]caller{{visit: visit{"ada@example.com", at(16, 0, 0, 250), at(16, 30, 0, 0)}, name: "Ada@example.com/chromoting_ftl_0523", peer: viewer, path: direct}}},
		{"Chrome Remote Desktop, relayed, in the older form", &chromeRemoteDesktopLog,
			"Nov 24 17:00:00 nb-114 chromoting[812]: Client connected: a@example.com/x\n" +
				"Nov 24 17:00:01 nb-114 chromoting[812]: Channel IP for client: a@example.com/x ip='203.0.113.77:443' host_ip='unknown' channel='video' connection='relay'\n",
			[]caller{{visit: visit{account: "a@example.com", start: at(16, 0, 0, 0)}, name: "a@example.com/x", peer: netip.Addr{}, path: relay}}, nil},
		{"the system's log of others", &chromeRemoteDesktopLog, "Nov 24 17:00:00 nb-114 sshd[1]: Client connected: a@example.com/x\n", nil, nil},
		{"RustDesk", &rustDeskLog, rustDeskCame,
			[]caller{{visit: visit{start: at(16, 0, 0, 250)}, name: "7", peer: viewer, path: unknown}}, nil},
		{"RustDesk, ended", &rustDeskLog, rustDeskCame + rustDeskWent, nil,
			[]caller{{visit: visit{"", at(16, 0, 0, 250), at(16, 30, 0, 0)}, name: "7", peer: viewer, path: unknown}}},
		{"RustDesk, an attempt", &rustDeskLog, rustDeskCame + strings.Replace(rustDeskWent, "17:30:00", "17:00:09", 1), nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := logIn(tt.log, now, tt.text)
			for _, c := range []struct{ want, got []caller }{{tt.open, l.open}, {tt.closed, l.closed}} {
				if diff := cmp.Diff(c.want, c.got, cmp.AllowUnexported(caller{}, visit{}), cmpopts.IgnoreFields(caller{}, "role", "let", "heard"), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

// However many come, what is kept of a log is bounded.
func TestToolLogIsBounded(t *testing.T) {
	t.Parallel()
	l := &toolLog{logFormat: &rustDeskLog}
	for i := range 10 * maxCallers {
		l.take([]byte(strings.ReplaceAll(rustDeskCame, "#7", "#"+strings.Repeat("7", i+1))), time.Now())
		l.settle()
	}
	if len(l.open) != maxCallers {
		t.Errorf("%d sessions are open", len(l.open))
	}
	l.finishAll(time.Now())
	if len(l.open) != 0 || len(l.closed) != maxCallers {
		t.Errorf("%d are open and %d closed", len(l.open), len(l.closed))
	}
}

// anyDeskLine is a line of AnyDesk's trace of the day.
func anyDeskLine(hour, role, module, message string) string {
	return "   info 2026-11-24 " + hour + "       " + role + "    812    813    4    " + module + " - " + message + "\n"
}

// A session ends by whatever says so, in whichever of the tool's files.
func TestToolLogEnds(t *testing.T) {
	t.Parallel()
	service := anyDeskLine("16:00:00.500", "gsvc", "anynet.any_socket", "Accept request from 987654321 (via relay).") +
		anyDeskLine("16:00:01.500", "gsvc", "anynet.relay_conn", "Logged in from 203.0.113.9:61230 on relay 5e8a7c21.")
	again := anyDeskLine("16:40:00.000", "gsvc", "anynet.any_socket", "Accept request from 987654321 (via relay).")
	gone := "[2026-11-24 18:00:00.000000 +01:00] INFO [src/server/connection.rs:345] #1 Connection opened from 203.0.113.77:51234.\n"
	for name, tt := range map[string]struct {
		log   *logFormat
		files []string
		open  []time.Time
		ended []time.Time
	}{
		"in the user's trace": {log: &anyDeskLog, files: []string{service,
			anyDeskLine("16:30:00.000", "back", "app.session", "Session closed by 987654321.")}, ended: []time.Time{at(16, 30, 0, 0)}},
		"the socket": {log: &anyDeskLog, files: []string{service,
			anyDeskLine("16:30:00.000", "back", "app.backend_session", "The socket was closed remotely.")}, ended: []time.Time{at(16, 30, 0, 0)}},
		"a quit is asked for": {log: &anyDeskLog, files: []string{service,
			anyDeskLine("16:30:00.000", "back", "app.backend_session", "The user has requested a connection quit.")}, ended: []time.Time{at(16, 30, 0, 0)}},
		"a quit came": {log: &anyDeskLog, files: []string{service +
			anyDeskLine("16:30:00.000", "gsvc", "anynet.any_socket", "Received quit.")}, ended: []time.Time{at(16, 30, 0, 0)}},
		"the service began anew": {log: &anyDeskLog, files: []string{service +
			anyDeskLine("16:30:00.000", "gsvc", "main", "* * * * * * * * * * * * * *")}, ended: []time.Time{at(16, 30, 0, 0)}},
		"a window was opened": {log: &anyDeskLog, files: []string{service,
			anyDeskLine("16:30:00.000", "front", "main", "* * * * * * * * * * * * * *")}, open: []time.Time{at(16, 0, 0, 500)}},
		"one on another computer": {log: &anyDeskLog, files: []string{service,
			anyDeskLine("16:30:00.000", "front", "app.frontend_session", "The user has requested a connection quit.")}, open: []time.Time{at(16, 0, 0, 500)}},
		"the next is another, the end between them in the other file": {log: &anyDeskLog, files: []string{service + again,
			anyDeskLine("16:30:00.000", "back", "app.backend_session", "The socket was closed remotely.")}, ended: []time.Time{at(16, 30, 0, 0)}, open: []time.Time{at(16, 40, 0, 0)}},
		"the next is another, no end between them": {log: &anyDeskLog, files: []string{service + again}, ended: []time.Time{at(16, 40, 0, 0)}, open: []time.Time{at(16, 40, 0, 0)}},
		"rejected": {log: &anyDeskLog, files: []string{service,
			anyDeskLine("16:00:12.000", "back", "app.backend_session", "The socket was closed remotely.")}},
		"short, let in": {log: &anyDeskLog, files: []string{service,
			anyDeskLine("16:00:02.000", "back", "app.session", "3: Authenticated with permanent token.") +
				anyDeskLine("16:00:12.000", "back", "app.backend_session", "The socket was closed remotely.")}, ended: []time.Time{at(16, 0, 12, 0)}},
		"a server's numbers begin anew":     {log: &rustDeskLog, files: []string{rustDeskCame + gone}, ended: []time.Time{at(17, 0, 0, 0)}, open: []time.Time{at(17, 0, 0, 0)}},
		"a server's number is used anew":    {log: &rustDeskLog, files: []string{rustDeskCame + strings.ReplaceAll(gone, "#1", "#7")}, ended: []time.Time{at(17, 0, 0, 0)}, open: []time.Time{at(17, 0, 0, 0)}},
		"another comes while the one lasts": {log: &rustDeskLog, files: []string{rustDeskCame + strings.ReplaceAll(gone, "#1", "#10")}, open: []time.Time{at(16, 0, 0, 250), at(17, 0, 0, 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := logIn(tt.log, at(18, 0, 0, 0), tt.files...)
			var open, ended []time.Time
			for _, c := range l.open {
				open = append(open, c.start)
			}
			for _, c := range l.closed {
				ended = append(ended, c.end)
			}
			if diff := cmp.Diff([][]time.Time{tt.open, tt.ended}, [][]time.Time{open, ended}); diff != "" {
				t.Errorf("open and ended (-want +got):\n%s", diff)
			}
		})
	}
}

// Of what has ended, a line that comes late begins nothing.
func TestToolLogLateLine(t *testing.T) {
	t.Parallel()
	l := logIn(&anyDeskLog, at(18, 0, 0, 0), anyDeskCame+anyDeskWent)
	l.take([]byte(anyDeskLine("16:00:04.000", "back", "app.backend_session", "Incoming session request: - (987654321)")), at(18, 0, 0, 0))
	if l.settle(); len(l.open) != 0 {
		t.Errorf("open: %v", l.open)
	}
}

// A session ends as well by what is not written.
func TestToolLogExpires(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		now, since time.Time
		running    bool
		ended      time.Time // zero while it lasts
	}{
		"it lasts":                  {now: at(23, 0, 0, 0), since: at(8, 0, 0, 0), running: true},
		"started with the session":  {now: at(23, 0, 0, 0), since: at(16, 0, 30, 0), running: true},
		"the tool does not run":     {now: at(17, 0, 0, 0), ended: at(17, 0, 0, 0)},
		"the tool started since":    {now: at(17, 0, 0, 0), since: at(16, 20, 0, 0), running: true, ended: at(16, 20, 0, 0)},
		"nothing more is written":   {now: at(16, 0, 0, 500).Add(silence), since: at(8, 0, 0, 0), running: true, ended: at(16, 0, 0, 500).Add(silence)},
		"a clock that was set back": {now: at(16, 10, 0, 0), since: at(16, 20, 0, 0), running: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := logIn(&anyDeskLog, tt.now, anyDeskLine("16:00:00.500", "gsvc", "anynet.any_socket", "Accept request from 987654321 (via relay)."))
			l.expire(tt.now, tt.since, tt.running)
			if tt.ended.IsZero() {
				if len(l.open) != 1 || len(l.closed) != 0 {
					t.Errorf("open: %v, closed: %v", l.open, l.closed)
				}
				return
			}
			if len(l.open) != 0 || len(l.closed) != 1 || !l.closed[0].end.Equal(tt.ended) {
				t.Errorf("open: %v, closed: %v", l.open, l.closed)
			}
		})
	}
}

func FuzzToolLog(f *testing.F) {
	for _, seed := range []string{anyDeskCame + anyDeskWent, chromeCame + chromeWent, rustDeskCame + rustDeskWent} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []*logFormat{&anyDeskLog, &chromeRemoteDesktopLog, &rustDeskLog} {
			half := data[:len(data)/2]
			l := logIn(format, at(18, 0, 0, 0), string(data), string(half))
			if len(l.open) > maxCallers || len(l.closed) > maxCallers {
				t.Errorf("%d open, %d closed", len(l.open), len(l.closed))
			}
			for _, c := range l.closed {
				if c.end.Before(c.start) || len(c.account) > maxAccount {
					t.Errorf("%+v is no session", c)
				}
			}
		}
	})
}
