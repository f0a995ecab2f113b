package fleet

import (
	"net/netip"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	keptSessions = 32
	keptContacts = 64
	contactDays  = 30
	// endedSeconds is how long an ended session is remembered for late updates.
	endedSeconds = 2 * daySeconds
)

// sessions follows every control session from its start to its end, and adds its
// seconds to the contact with its peer.
func (u *update) sessions() {
	listed := make(map[string]bool, len(u.rep.GetRemoteSessions()))
	for _, s := range u.rep.GetRemoteSessions() {
		listed[s.GetId()] = true
		u.session(s)
	}
	if u.newRun && !u.first {
		u.endUnlisted(listed)
	}
	for _, s := range u.pic.GetSessions() {
		if s.GetSession().GetEndedAt() == nil {
			u.credit(s, u.at)
		}
	}
	u.pic.Sessions = keepSessions(u.pic.GetSessions(), u.at)
}

// session merges one session as reported.
func (u *update) session(s *farmhoundv1.RemoteSession) {
	started := u.within(s.GetStartedAt().AsTime())
	state := u.knownSession(s.GetId())
	if state == nil {
		if ended := s.GetEndedAt(); ended != nil && u.at-ended.AsTime().Unix() > endedSeconds {
			return // counted and forgotten, or too long ago to matter
		}
		state = &fleetv1.SessionState{CountedUnix: started}
		u.pic.Sessions = append(u.pic.Sessions, state)
		u.remember(state, s)
		u.contact(state, started).Sessions++
		u.sessionEvent(started, "session_started", state, "Control through %s%s began.")
		if s.GetEndedAt() == nil {
			return
		}
	} else if state.GetSession().GetEndedAt() != nil {
		return // an end is final
	} else {
		u.remember(state, s)
	}
	if end := s.GetEndedAt(); end != nil {
		at := max(u.within(end.AsTime()), started)
		u.credit(state, at)
		u.sessionEvent(at, "session_ended", state, "Control through %s%s ended.")
	}
}

// within bounds a time a laptop reported to what can matter now.
func (u *update) within(t time.Time) int64 {
	return min(max(t.Unix(), u.at-keptDays*daySeconds), u.at)
}

func (u *update) knownSession(id string) *fleetv1.SessionState {
	for _, s := range u.pic.GetSessions() {
		if s.GetSession().GetId() == id {
			return s
		}
	}
	return nil
}

func (u *update) remember(state *fleetv1.SessionState, s *farmhoundv1.RemoteSession) {
	kept := proto.CloneOf(s)
	state.Account = u.f.hashed(hashAccount, s.GetAccountHash())
	kept.AccountHash, kept.KeyId = nil, 0
	state.Session = kept
	state.Near = u.near(s)
}

// near says whether the controlling side is where the laptop is: on its network,
// behind the same egress, or in the company's networks. An address of a carrier's
// or overlay network is nowhere in particular, and a loopback address is the end
// of a tunnel.
func (u *update) near(s *farmhoundv1.RemoteSession) bool {
	if s.GetPeerClass() == farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN {
		return true
	}
	peer, err := netip.ParseAddr(s.GetPeer())
	if err != nil || s.GetPath() == farmhoundv1.SessionPath_SESSION_PATH_RELAY {
		return false
	}
	if u.f.cfg.Company.owns(peer) {
		return true
	}
	return onInternet(peer) && !u.late && u.obs.Peer.IsValid() && sameEgress(peer, u.obs.Peer.Addr())
}

// sameEgress says whether two addresses are one customer's: the same IPv4
// address, or the same IPv6 /64.
func sameEgress(a, b netip.Addr) bool {
	a, b = a.Unmap(), b.Unmap()
	if a.Is4() || b.Is4() {
		return a == b
	}
	return egressPrefix(a) == egressPrefix(b)
}

// nearDuring says whether every known session of the tool that touched the span was near.
func (u *update) nearDuring(tool string, from, to int64) bool {
	found := false
	for _, s := range u.pic.GetSessions() {
		span := s.GetSession()
		if span.GetTool() != tool || span.GetStartedAt().AsTime().Unix() >= to {
			continue
		}
		if end := span.GetEndedAt(); end != nil && end.AsTime().Unix() <= from {
			continue
		}
		if !s.GetNear() {
			return false
		}
		found = true
	}
	return found
}

// endUnlisted ends the sessions that a new run of the agent no longer lists: its
// first report carries every session that is open.
func (u *update) endUnlisted(listed map[string]bool) {
	for _, s := range u.pic.GetSessions() {
		if s.GetSession().GetEndedAt() != nil || listed[s.GetSession().GetId()] {
			continue
		}
		at := max(s.GetCountedUnix(), s.GetSession().GetStartedAt().AsTime().Unix())
		s.Session.EndedAt = stamp(at)
		u.sessionEvent(at, "session_ended", s, "Control through %s%s had ended when the agent started again.")
	}
}

// credit adds the seconds up to a moment, on their days.
func (u *update) credit(s *fleetv1.SessionState, until int64) {
	for from := s.GetCountedUnix(); from < until; {
		to := min(until, (from/daySeconds+1)*daySeconds)
		c := u.contact(s, from)
		c.Seconds = min(c.GetSeconds()+uint32(to-from), daySeconds)
		c.LastUnix = max(c.GetLastUnix(), to)
		from = to
	}
	s.CountedUnix = max(s.GetCountedUnix(), until)
}

// contact returns the record of a session's peer on one day.
func (u *update) contact(s *fleetv1.SessionState, at int64) *fleetv1.Contact {
	span := s.GetSession()
	direct := span.GetPath() == farmhoundv1.SessionPath_SESSION_PATH_DIRECT
	day := uint32(at / daySeconds)
	var found *fleetv1.Contact
	for _, c := range slices.Backward(u.pic.GetContacts()) {
		if c.GetDay() == day && c.GetTool() == span.GetTool() && c.GetPeer() == span.GetPeer() &&
			c.GetNear() == s.GetNear() && c.GetDirect() == direct && string(c.GetAccount()) == string(s.GetAccount()) {
			found = c
			break
		}
	}
	if found == nil {
		found = &fleetv1.Contact{
			Day: day, Tool: span.GetTool(), Peer: span.GetPeer(), Near: s.GetNear(), Direct: direct,
			Account: s.GetAccount(), FirstUnix: at, LastUnix: at,
		}
		u.pic.Contacts = append(u.pic.Contacts, found)
	}
	found.FirstUnix = min(found.GetFirstUnix(), at)
	if rtt := span.RttMinMs; direct && rtt != nil {
		us := uint32(min(max(*rtt, 0.001), 4e6) * 1000)
		if found.GetRttMinUs() == 0 || us < found.GetRttMinUs() {
			found.RttMinUs = us
		}
	}
	return found
}

// keepSessions drops sessions that ended long ago, and the oldest beyond the bound.
func keepSessions(states []*fleetv1.SessionState, now int64) []*fleetv1.SessionState {
	states = slices.DeleteFunc(states, func(s *fleetv1.SessionState) bool {
		end := s.GetSession().GetEndedAt()
		return end != nil && now-end.AsTime().Unix() > endedSeconds
	})
	for len(states) > keptSessions {
		oldest := slices.IndexFunc(states, func(s *fleetv1.SessionState) bool { return s.GetSession().GetEndedAt() != nil })
		states = slices.Delete(states, max(oldest, 0), max(oldest, 0)+1)
	}
	return states
}

// keepContacts drops contacts that are too old, and the shortest beyond the bound.
func keepContacts(contacts []*fleetv1.Contact, today int64) []*fleetv1.Contact {
	contacts = slices.DeleteFunc(contacts, func(c *fleetv1.Contact) bool { return today-int64(c.GetDay()) > contactDays })
	for len(contacts) > keptContacts {
		least := 0
		for i, c := range contacts {
			if c.GetSeconds() < contacts[least].GetSeconds() {
				least = i
			}
		}
		contacts = slices.Delete(contacts, least, least+1)
	}
	return contacts
}

func (u *update) sessionEvent(at int64, kind string, s *fleetv1.SessionState, format string) {
	from := ""
	if peer := s.GetSession().GetPeer(); peer != "" {
		from = " from " + peer
	}
	e := u.event(at, kind, sentence(format, quote(u.f.toolName(s.GetSession().GetTool())), from))
	e.Session = proto.CloneOf(s.GetSession())
	e.Tool = s.GetSession().GetTool()
}
