package session

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/utmpx"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestScreensOf(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/macos/root.plist")
	if err != nil {
		t.Fatal(err)
	}
	const head, tail = `<plist version="1.0"><dict>`, `</dict></plist>`
	for name, test := range map[string]struct {
		list  string
		want  []screen
		known bool
	}{
		"two people, one in front and locked": {string(data), []screen{{}, {onConsole: true, locked: true}}, true},
		"nobody":                              {head + "<key>IOConsoleUsers</key><array/>" + tail, nil, true},
		"locked as a whole": {head + `<key>IOConsoleLocked</key><true/><key>IOConsoleUsers</key><array><dict>
			<key>kCGSSessionOnConsoleKey</key><true/></dict></array>` + tail, []screen{{onConsole: true, locked: true}}, true},
		"no such array": {head + "<key>IOConsoleLocked</key><false/>" + tail, nil, false},
		"no list":       {"ioreg: error", nil, false},
		"no sessions":   {head + "<key>IOConsoleUsers</key><array><string>alice</string></array>" + tail, nil, true},
	} {
		got, known := screensOf([]byte(test.list))
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(screen{})); diff != "" || known != test.known {
			t.Errorf("%s: known %v (-want +got):\n%s", name, known, diff)
		}
	}
}

func TestMacLogons(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	yes, no := true, false
	at := func(minutes int) *timestamppb.Timestamp {
		return timestamppb.New(began.Add(time.Duration(minutes) * time.Minute))
	}
	console := utmpx.Login{Line: utmpx.Console, StartedAt: began}
	second := utmpx.Login{Line: utmpx.Console, StartedAt: began.Add(time.Minute)}
	terminal := utmpx.Login{Line: "ttys000", StartedAt: began.Add(2 * time.Minute)}
	ssh := utmpx.Login{Line: "ttys001", StartedAt: began.Add(3 * time.Minute), Peer: netip.MustParseAddr("203.0.113.9"), Remote: true}
	named := utmpx.Login{Line: "ttys002", StartedAt: began.Add(4 * time.Minute), Remote: true}
	const (
		atScreen = farmhoundv1.LogonKind_LOGON_KIND_CONSOLE
		overSSH  = farmhoundv1.LogonKind_LOGON_KIND_SSH
	)
	for name, test := range map[string]struct {
		screens  []screen
		known    bool
		recorded []utmpx.Login
		want     []*farmhoundv1.Logon
	}{
		"one person with a terminal": {[]screen{{onConsole: true}}, true, []utmpx.Login{console, terminal},
			[]*farmhoundv1.Logon{{Kind: atScreen, StartedAt: at(0), Active: &yes, Locked: &no}}},
		"over ssh as well": {[]screen{{onConsole: true, locked: true}}, true, []utmpx.Login{console, ssh, named},
			[]*farmhoundv1.Logon{{Kind: atScreen, StartedAt: at(0), Active: &yes, Locked: &yes}, {Kind: overSSH, StartedAt: at(3), Peer: "203.0.113.9"}, {Kind: overSSH, StartedAt: at(4)}}},
		"two people": {[]screen{{}, {onConsole: true}}, true, []utmpx.Login{console, second},
			[]*farmhoundv1.Logon{{Kind: atScreen, Active: &yes, Locked: &no}, {Kind: atScreen, Active: &no, Locked: &no}}},
		"screens unknown":     {nil, false, []utmpx.Login{console}, []*farmhoundv1.Logon{{Kind: atScreen, StartedAt: at(0)}}},
		"at the login window": {nil, true, []utmpx.Login{console}, nil},
	} {
		if diff := cmp.Diff(test.want, macLogons(test.screens, test.known, test.recorded), protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzScreensOf(f *testing.F) {
	if data, err := os.ReadFile("testdata/macos/root.plist"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, known := screensOf(data); len(list) > maxScreens || len(list) > 0 && !known {
			t.Errorf("%d screens, known %v", len(list), known)
		}
	})
}
