package session

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/plist"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/utmpx"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Fixed details of what is not seen on macOS. The files mac*.go hold what is decided, on
// every system; session_darwin.go fetches.
const (
	detailMacLogins  = "logon sessions are unknown: neither the record of logins nor the screens can be read"
	detailMacScreens = "which session is at the screen, and whether it is locked, is unknown"
	detailMacRecord  = "ssh logons are unknown: the record of logins cannot be read"
)

// maxScreens bounds the sessions of people that are read.
const maxScreens = 32

// screen is one session of a person at a screen, as the root of macOS' registry tells.
type screen struct {
	onConsole, locked bool
}

// screensOf reads the sessions out of the property list that ioreg prints of the
// registry's root. Names in it are not taken. It is false where the list has none: at the
// login window the array is there and empty.
func screensOf(data []byte) (list []screen, known bool) {
	root, err := plist.Parse(data)
	if err != nil {
		return nil, false
	}
	users, known := root["IOConsoleUsers"].([]plist.Value)
	locked := root.Is("IOConsoleLocked")
	for _, u := range users[:min(len(users), maxScreens)] {
		user, ok := u.(plist.Dict)
		// The login window itself has a session before anybody is logged on.
		if login := user.Bool("kCGSessionLoginDoneKey"); !ok || login != nil && !*login {
			continue
		}
		s := screen{onConsole: user.Is("kCGSSessionOnConsoleKey")}
		s.locked = user.Is("CGSSessionScreenIsLocked") || s.onConsole && locked
		list = append(list, s)
	}
	return list, known
}

// macLogons joins what is known: screens are sessions at this laptop, each person logged
// on having one, and records with a far end are sessions from elsewhere. Terminals of
// somebody who is at the screen already are no logons of their own.
func macLogons(screens []screen, screensKnown bool, recorded []utmpx.Login) []*farmhoundv1.Logon {
	var list []*farmhoundv1.Logon
	var began []time.Time // of those at a screen
	for _, r := range recorded {
		switch {
		case r.Line == utmpx.Console:
			began = append(began, r.StartedAt)
		case strings.HasPrefix(r.Line, "tty") && r.Remote:
			out := &farmhoundv1.Logon{Kind: farmhoundv1.LogonKind_LOGON_KIND_SSH, StartedAt: timestamppb.New(r.StartedAt)}
			if r.Peer.IsValid() {
				out.Peer = r.Peer.String()
			}
			list = append(list, out)
		}
	}
	if screensKnown {
		for _, s := range screens {
			out := &farmhoundv1.Logon{Kind: farmhoundv1.LogonKind_LOGON_KIND_CONSOLE, Active: &s.onConsole, Locked: &s.locked}
			// Whose of several sessions a record is, only names would tell.
			if len(screens) == 1 && len(began) == 1 {
				out.StartedAt = timestamppb.New(began[0])
			}
			list = append(list, out)
		}
	} else {
		for _, at := range began {
			list = append(list, &farmhoundv1.Logon{Kind: farmhoundv1.LogonKind_LOGON_KIND_CONSOLE, StartedAt: timestamppb.New(at)})
		}
	}
	slices.SortStableFunc(list, func(a, b *farmhoundv1.Logon) int {
		return cmp.Or(a.GetStartedAt().AsTime().Compare(b.GetStartedAt().AsTime()), cmp.Compare(b2i(b.GetActive()), b2i(a.GetActive())))
	})
	return list[:min(len(list), maxLogons)]
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
