package session

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/utmp"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// detailNoLogons says that neither source of logon sessions is there.
const detailNoLogons = "logon sessions are unknown: neither logind nor utmp can be read"

// systemBus is where D-Bus has its system bus.
const systemBus = "unix:path=/run/dbus/system_bus_socket"

// loginInterval is how often logind is asked again: every answer costs it and the
// bus more than it costs the agent.
const loginInterval = 20 * time.Second

// system is what the sense keeps between observations on Linux.
type system struct {
	zone   zoneMemory
	bus    string // empty where there is none to ask
	asked  time.Time
	known  bool // whether logind answered
	logins []login
}

func newSystem(h host.Host) system {
	if !h.Live() {
		return system{}
	}
	return system{bus: systemBus}
}

// Observe fills Logons and Place.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	into.Place = place(s.system.zone.zone(s.host))
	s.askLogind(ctx)
	recorded, err := utmp.Read(s.host)
	if err != nil && len(recorded) == 0 && !s.system.known {
		return host.Hidden(detailNoLogons)
	}
	into.Logons = &farmhoundv1.Logons{Sessions: merge(s.system.logins, s.alive(recorded))}
	return ctx.Err()
}

// askLogind asks again where that is due. A bus that does not answer is not there.
func (s *Sensor) askLogind(ctx context.Context) {
	now := s.host.Time()
	if s.system.bus == "" || !s.system.asked.IsZero() && now.Sub(s.system.asked).Abs() < loginInterval {
		return
	}
	logins, err := listLogins(ctx, s.system.bus)
	s.system.asked, s.system.known, s.system.logins = now, err == nil, logins
}

// alive drops records whose process has gone without taking them out.
func (s *Sensor) alive(recorded []utmp.Login) []utmp.Login {
	if _, err := s.host.Stat("/proc/1"); err != nil {
		return recorded // nothing can be said of processes
	}
	return slices.DeleteFunc(recorded, func(l utmp.Login) bool {
		_, err := s.host.Stat("/proc/" + strconv.Itoa(l.PID))
		return err != nil
	})
}

// merge joins what logind and utmp tell: a login that both know is logind's, with
// the address that utmp has for it.
func merge(logins []login, recorded []utmp.Login) []*farmhoundv1.Logon {
	var list []*farmhoundv1.Logon
	for _, l := range logins {
		if l.kind == farmhoundv1.LogonKind_LOGON_KIND_UNSPECIFIED {
			continue
		}
		out := &farmhoundv1.Logon{Kind: l.kind, Peer: l.peer, Active: &l.active, Locked: &l.locked}
		// logind has the peer's name instead where sshd looks names up.
		if r := slices.IndexFunc(recorded, l.same); out.Peer == "" && r >= 0 && recorded[r].Peer.IsValid() {
			out.Peer = recorded[r].Peer.String()
		}
		if !l.startedAt.IsZero() {
			out.StartedAt = timestamppb.New(l.startedAt)
		}
		list = append(list, out)
	}
	for _, r := range recorded {
		if slices.ContainsFunc(logins, func(l login) bool { return l.same(r) }) {
			continue
		}
		kind := kindOf(r)
		if kind == farmhoundv1.LogonKind_LOGON_KIND_UNSPECIFIED {
			continue
		}
		out := &farmhoundv1.Logon{Kind: kind, StartedAt: timestamppb.New(r.StartedAt)}
		if r.Peer.IsValid() {
			out.Peer = r.Peer.String()
		}
		list = append(list, out)
	}
	slices.SortStableFunc(list, func(a, b *farmhoundv1.Logon) int {
		return a.GetStartedAt().AsTime().Compare(b.GetStartedAt().AsTime())
	})
	return list[:min(len(list), maxLogons)]
}

// same reports whether a record of utmp is of the same login.
func (l *login) same(r utmp.Login) bool { return l.leader == r.PID || l.line != "" && l.line == r.Line }

// kindOf tells what a record of utmp is. Terminals inside a session that exists
// already (a terminal window, tmux) are no logons of their own.
func kindOf(l utmp.Login) farmhoundv1.LogonKind {
	switch {
	case strings.HasPrefix(l.Line, ":") || strings.HasPrefix(l.Line, "tty"):
		return farmhoundv1.LogonKind_LOGON_KIND_CONSOLE
	case strings.HasPrefix(l.Line, "pts/") && l.Peer.IsValid():
		return farmhoundv1.LogonKind_LOGON_KIND_SSH
	}
	return farmhoundv1.LogonKind_LOGON_KIND_UNSPECIFIED
}
