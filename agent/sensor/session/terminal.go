package session

import (
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/terminals"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// logonsOf tells of Windows' sessions what reports do, oldest first.
func logonsOf(sessions []terminals.Session) *farmhoundv1.Logons {
	list := make([]*farmhoundv1.Logon, 0, len(sessions))
	for i := range sessions {
		s := &sessions[i]
		if s.State == terminals.Connected {
			continue // a logon screen: nobody has logged on
		}
		active := s.State == terminals.Active || s.State == terminals.Shadow
		out := &farmhoundv1.Logon{Kind: logonKind(s), Active: &active, Locked: s.Locked}
		if !s.LoggedOn.IsZero() {
			out.StartedAt = timestamppb.New(s.LoggedOn)
		}
		// An address of the client's own network says nothing of where it is.
		if s.Remote() && s.Client.IsGlobalUnicast() && !s.Client.IsPrivate() {
			out.Peer = s.Client.String()
		}
		list = append(list, out)
	}
	slices.SortStableFunc(list, func(a, b *farmhoundv1.Logon) int {
		return a.GetStartedAt().AsTime().Compare(b.GetStartedAt().AsTime())
	})
	return &farmhoundv1.Logons{Sessions: list[:min(len(list), maxLogons)]}
}

// logonKind tells the kind of a session. One that nobody is connected to, of a user who
// was switched away from or whose connection ended, no longer shows how it began.
func logonKind(s *terminals.Session) farmhoundv1.LogonKind {
	switch {
	case s.State == terminals.Disconnected:
		return farmhoundv1.LogonKind_LOGON_KIND_BACKGROUND
	case s.Protocol == terminals.Console:
		return farmhoundv1.LogonKind_LOGON_KIND_CONSOLE
	case s.Protocol == terminals.RDP:
		return farmhoundv1.LogonKind_LOGON_KIND_RDP
	}
	return farmhoundv1.LogonKind_LOGON_KIND_OTHER_REMOTE
}
