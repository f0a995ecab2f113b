package session

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Names of systemd-logind on the bus.
const (
	loginService   = "org.freedesktop.login1"
	loginPath      = "/org/freedesktop/login1"
	listSessions   = "org.freedesktop.login1.Manager.ListSessions"
	loginSession   = "org.freedesktop.login1.Session"
	getProperties  = "org.freedesktop.DBus.Properties.GetAll"
	maxLogindAsked = 256
	logindPatience = 2 * time.Second
)

// login is one session that logind knows.
type login struct {
	kind           farmhoundv1.LogonKind
	startedAt      time.Time
	peer           string
	line           string
	leader         int
	active, locked bool
}

// listed is one element of what ListSessions returns.
type listed struct {
	ID   string
	UID  uint32
	User string
	Seat string
	Path dbus.ObjectPath
}

// listLogins asks logind over the bus at an address.
func listLogins(ctx context.Context, address string) ([]login, error) {
	ctx, cancel := context.WithTimeout(ctx, logindPatience)
	defer cancel()
	bus, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("connect to the system bus: %w", err)
	}
	defer bus.Close()
	var sessions []listed
	manager := bus.Object(loginService, loginPath)
	if err := manager.CallWithContext(ctx, listSessions, dbus.FlagNoAutoStart).Store(&sessions); err != nil {
		return nil, fmt.Errorf("ask logind for sessions: %w", err)
	}
	var logins []login
	for _, s := range sessions[:min(len(sessions), maxLogindAsked)] {
		var properties map[string]dbus.Variant
		object := bus.Object(loginService, s.Path)
		if err := object.CallWithContext(ctx, getProperties, dbus.FlagNoAutoStart, loginSession).Store(&properties); err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("ask logind for a session: %w", err)
			}
			continue // it ended meanwhile
		}
		logins = append(logins, loginOf(properties))
	}
	return logins, nil
}

// loginOf reads a session's properties. Those that are missing or of another type
// are taken for absent.
func loginOf(properties map[string]dbus.Variant) login {
	text := func(name string) string { s, _ := properties[name].Value().(string); return s }
	flag := func(name string) bool { b, _ := properties[name].Value().(bool); return b }
	l := login{
		kind: logindKind(text("Class"), text("Type"), text("Service"), text("TTY"), flag("Remote")),
		line: text("TTY"), active: flag("Active"), locked: flag("LockedHint"),
	}
	if leader, ok := properties["Leader"].Value().(uint32); ok && leader <= math.MaxInt32 {
		l.leader = int(leader)
	}
	if micros, ok := properties["Timestamp"].Value().(uint64); ok && micros > 0 && micros < 1<<55 {
		l.startedAt = time.UnixMicro(int64(micros)).UTC()
	}
	if l.line == "" {
		l.line = text("Display")
	}
	if addr, err := netip.ParseAddr(text("RemoteHost")); err == nil {
		l.peer = addr.WithZone("").Unmap().String()
	}
	return l
}

// logindKind tells what a session is. Login screens and the managers that systemd
// runs for users are no logons.
func logindKind(class, kind, service, line string, remote bool) farmhoundv1.LogonKind {
	service = strings.ToLower(service)
	switch {
	case strings.HasPrefix(class, "greeter"), strings.HasPrefix(class, "lock-screen"), strings.HasPrefix(class, "manager"):
		return farmhoundv1.LogonKind_LOGON_KIND_UNSPECIFIED
	case strings.HasPrefix(class, "background"):
		return farmhoundv1.LogonKind_LOGON_KIND_BACKGROUND
	case strings.Contains(service, "rdp"), strings.Contains(service, "remote-desktop"):
		return farmhoundv1.LogonKind_LOGON_KIND_RDP
	case strings.Contains(service, "vnc"):
		return farmhoundv1.LogonKind_LOGON_KIND_VNC
	case remote && strings.HasPrefix(service, "ssh"):
		return farmhoundv1.LogonKind_LOGON_KIND_SSH
	case remote:
		return farmhoundv1.LogonKind_LOGON_KIND_OTHER_REMOTE
	case kind == "x11", kind == "wayland", kind == "mir", kind == "tty" && strings.HasPrefix(line, "tty"):
		return farmhoundv1.LogonKind_LOGON_KIND_CONSOLE
	}
	return farmhoundv1.LogonKind_LOGON_KIND_BACKGROUND
}
