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
		log          toolLog
		text         string
		open, closed []caller
	}{
		{"AnyDesk", toolLog{note: noteAnyDesk}, anyDeskCame,
			[]caller{{visit{account: "987654321", start: at(16, 0, 0, 500)}, "987654321", viewer, relay}}, nil},
		{"AnyDesk, ended", toolLog{note: noteAnyDesk}, anyDeskCame + anyDeskWent, nil,
			[]caller{{visit{"987654321", at(16, 0, 0, 500), at(16, 30, 0, 0)}, "987654321", viewer, relay}}},
		{"AnyDesk, the address first", toolLog{note: noteAnyDesk},
			"  info 2026-11-24 16:00:00.100 back 1 1 anynet.any_socket - Logged in from 203.0.113.9:61230 on relay 5e8a7c21.\n" +
				"  info 2026-11-24 16:00:00.500 back 1 1 anynet.any_socket - Accept request from 987654321 (via direct connection).\n",
			[]caller{{visit{account: "987654321", start: at(16, 0, 0, 500)}, "987654321", viewer, direct}}, nil},
		{"AnyDesk, of others", toolLog{note: noteAnyDesk}, "  info 2026-11-24 16:00:00.500 back 1 1 x - Accept request from somebody\n* * * *\n - \n", nil, nil},
		{"Chrome Remote Desktop", toolLog{note: noteChromeRemoteDesktop}, chromeCame,
			[]caller{{visit{account: "ada@example.com", start: at(16, 0, 0, 250)}, "Ada@example.com/chromoting_ftl_0523", viewer, direct}}, nil},
		{"Chrome Remote Desktop, ended", toolLog{note: noteChromeRemoteDesktop}, chromeCame + chromeWent, nil,
			[]caller{{visit{"ada@example.com", at(16, 0, 0, 250), at(16, 30, 0, 0)}, "Ada@example.com/chromoting_ftl_0523", viewer, direct}}},
		{"Chrome Remote Desktop, relayed, in the older form", toolLog{note: noteChromeRemoteDesktop},
			"Nov 24 17:00:00 nb-114 chromoting[812]: Client connected: a@example.com/x\n" +
				"Nov 24 17:00:01 nb-114 chromoting[812]: Channel IP for client: a@example.com/x ip='203.0.113.77:443' host_ip='unknown' channel='video' connection='relay'\n",
			[]caller{{visit{account: "a@example.com", start: at(16, 0, 0, 0)}, "a@example.com/x", netip.Addr{}, relay}}, nil},
		{"the system's log of others", toolLog{note: noteChromeRemoteDesktop}, "Nov 24 17:00:00 nb-114 sshd[1]: Client connected: a@example.com/x\n", nil, nil},
		{"RustDesk", toolLog{note: noteRustDesk, atLeast: rustDeskPatience}, rustDeskCame,
			[]caller{{visit{start: at(16, 0, 0, 250)}, "7", viewer, unknown}}, nil},
		{"RustDesk, ended", toolLog{note: noteRustDesk, atLeast: rustDeskPatience}, rustDeskCame + rustDeskWent, nil,
			[]caller{{visit{"", at(16, 0, 0, 250), at(16, 30, 0, 0)}, "7", viewer, unknown}}},
		{"RustDesk, an attempt", toolLog{note: noteRustDesk, atLeast: rustDeskPatience}, rustDeskCame + strings.Replace(rustDeskWent, "17:30:00", "17:00:09", 1), nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := tt.log
			l.read([]byte(tt.text), now)
			for _, c := range []struct{ want, got []caller }{{tt.open, l.open}, {tt.closed, l.closed}} {
				if diff := cmp.Diff(c.want, c.got, cmp.AllowUnexported(caller{}, visit{}), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

// However many come, what is kept of a log is bounded.
func TestToolLogIsBounded(t *testing.T) {
	t.Parallel()
	l := toolLog{note: noteRustDesk}
	for i := range 10 * maxCallers {
		l.read([]byte(strings.ReplaceAll(rustDeskCame, "#7", "#"+strings.Repeat("7", i+1))), time.Now())
	}
	if len(l.open) != maxCallers {
		t.Errorf("%d sessions are open", len(l.open))
	}
	l.finish("", time.Now())
	if len(l.open) != 0 || len(l.closed) != maxCallers {
		t.Errorf("%d are open and %d closed", len(l.open), len(l.closed))
	}
}

func FuzzToolLog(f *testing.F) {
	for _, seed := range []string{anyDeskCame + anyDeskWent, chromeCame + chromeWent, rustDeskCame + rustDeskWent} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, note := range []func(*toolLog, string, time.Time){noteAnyDesk, noteChromeRemoteDesktop, noteRustDesk} {
			l := toolLog{note: note}
			l.read(data, at(18, 0, 0, 0))
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
