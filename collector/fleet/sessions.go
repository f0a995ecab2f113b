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
	// endedSeconds is how long a session that is over is remembered for late updates.
	endedSeconds = 2 * daySeconds
)

// sessions follows every control session from its start to its end. What a
// session says of itself may still change, so that its seconds go to a contact
// only when it is forgotten.
func (u *update) sessions() {
	for _, s := range u.rep.GetRemoteSessions() {
		u.session(s)
	}
	if u.runBegan {
		u.endsOfRuns()
	}
	if u.works("software") {
		// Not told again while nothing changes: it lasts as long as its run reports.
		for i, s := range u.pic.GetSessions() {
			if s.GetBoot() == u.rep.GetBootId() && s.GetSession().GetEndedAt() == nil && u.at > s.GetLastUnix() {
				edit(&u.draft, u.pic.GetSessions(), i).LastUnix = u.at
			}
		}
	}
	slices.SortStableFunc(u.pic.Sessions, func(a, b *fleetv1.SessionState) int {
		if c := compare(a.GetSession().GetStartedAt().GetSeconds(), b.GetSession().GetStartedAt().GetSeconds()); c != 0 {
			return c
		}
		return compare(a.GetSession().GetId(), b.GetSession().GetId())
	})
	u.forgetSessions()
}

// session merges one session as reported.
func (u *update) session(s *farmhoundv1.RemoteSession) {
	bounded := func(t time.Time) int64 { return min(max(t.Unix(), u.at-keptDays*daySeconds), u.at) }
	started, last := bounded(s.GetStartedAt().AsTime()), u.at
	if end := s.GetEndedAt(); end != nil {
		last = max(bounded(end.AsTime()), started)
	}
	i := slices.IndexFunc(u.pic.GetSessions(), func(k *fleetv1.SessionState) bool { return k.GetSession().GetId() == s.GetId() })
	if i < 0 {
		state := &fleetv1.SessionState{Boot: u.rep.GetBootId(), Order: u.order, LastUnix: last}
		u.remember(state, s)
		u.made(state)
		u.pic.Sessions = append(u.pic.GetSessions(), state)
		u.sessionEvent(started, "session_started", state, "Control through %s%s began.")
		if s.GetEndedAt() != nil {
			u.sessionEvent(last, "session_ended", state, "Control through %s%s ended.")
		}
		return
	}
	state := edit(&u.draft, u.pic.GetSessions(), i)
	wasOpen := state.GetSession().GetEndedAt() == nil
	if u.order >= state.GetOrder() && (wasOpen || s.GetEndedAt() != nil) { // an end is final
		state.Boot, state.Order = u.rep.GetBootId(), u.order
		u.remember(state, s)
	}
	if state.GetSession().GetEndedAt() == nil {
		state.LastUnix = max(state.GetLastUnix(), last)
		return
	}
	if s.GetEndedAt() != nil {
		state.LastUnix = last
	}
	if wasOpen {
		u.sessionEvent(state.GetLastUnix(), "session_ended", state, "Control through %s%s ended.")
	}
}

func (u *update) remember(state *fleetv1.SessionState, s *farmhoundv1.RemoteSession) {
	kept := proto.CloneOf(s)
	state.Account = u.known(names(s.GetKeyId(), s.GetAccountHash(), s.GetEarlierAccounts(), func(hash []byte) key {
		return u.f.hash(hashAccount, hash)
	}))
	kept.AccountHash, kept.KeyId, kept.EarlierAccounts = nil, 0, nil
	state.Session = kept
}

// nearMs is a round trip in which light comes 800 kilometres far and a real line a few hundred:
// an address of a private or overlay network that answers so fast, over a slow Wi-Fi on
// both ends, is one of the same home or office, on another of its networks.
const nearMs = 8

// near says whether the controlling side is where the laptop is: on its network,
// behind an egress of its own, or in the company's networks. An address of a
// carrier's or overlay network is nowhere in particular unless it answers at once, a loopback
// address is the end of a tunnel, and strangers share the addresses of hosting and VPNs.
func (f *Fleet) near(pic *fleetv1.Picture, s *fleetv1.SessionState) bool {
	span := s.GetSession()
	if span.GetPeerClass() == farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN {
		// What answers so late is behind it: a router that passes on others' control hides who they are.
		return span.RttMinMs == nil || span.GetRttMinMs() <= routedMs
	}
	peer, err := netip.ParseAddr(span.GetPeer())
	if err != nil || span.GetPath() == farmhoundv1.SessionPath_SESSION_PATH_RELAY {
		return false
	}
	if f.cfg.Company.owns(peer) {
		return true
	}
	if !onInternet(peer) && !peer.IsLoopback() && span.GetPath() == farmhoundv1.SessionPath_SESSION_PATH_DIRECT && span.RttMinMs != nil && span.GetRttMinMs() <= nearMs {
		return true
	}
	return onInternet(peer) && slices.ContainsFunc(pic.GetEgresses(), func(e *fleetv1.EgressState) bool {
		own, err := netip.ParseAddr(e.GetAddress())
		return err == nil && !hides(e) && sameEgress(peer, own) &&
			e.GetFirstUnix()-daySeconds <= s.GetLastUnix() && max(e.GetLastUnix(), e.GetPhysicalUnix())+togetherSeconds >= span.GetStartedAt().GetSeconds()
	})
}

// sameEgress says whether two addresses are one customer's: the same IPv4
// address, or the same IPv6 /64.
func sameEgress(a, b netip.Addr) bool {
	a, b = a.Unmap(), b.Unmap()
	if a.Is4() || b.Is4() {
		return a == b
	}
	x, err := a.Prefix(64)
	return err == nil && x.Contains(b.WithZone(""))
}

// endsOfRuns tells of the sessions that a run of the agent left open when the
// next one began, whose first report carries every session that is.
func (u *update) endsOfRuns() {
	for _, s := range u.pic.GetSessions() {
		if s.GetSession().GetEndedAt() == nil && s.GetBoot() != u.rep.GetBootId() && s.GetOrder() < u.order && s.GetBoot() == u.runBefore() {
			u.sessionEvent(s.GetLastUnix(), "session_ended", s, "Control through %s%s had ended when the agent started again.")
		}
	}
}

// runBefore returns the run that the one which reports follows.
func (u *update) runBefore() string {
	for i, b := range u.pic.GetBoots() {
		if b.GetId() == u.rep.GetBootId() && i+1 < len(u.pic.GetBoots()) {
			return u.pic.GetBoots()[i+1].GetId()
		}
	}
	return ""
}

// open says whether a session lasts, as far as is known.
func open(pic *fleetv1.Picture, s *fleetv1.SessionState) bool {
	return s.GetSession().GetEndedAt() == nil && len(pic.GetBoots()) > 0 && s.GetBoot() == pic.GetBoots()[0].GetId()
}

// forgetSessions moves the seconds of sessions that ended long ago, and of the
// oldest beyond the bound, to their contacts.
func (u *update) forgetSessions() {
	now := max(u.received, u.pic.GetLastReceivedUnix())
	u.pic.Sessions = slices.DeleteFunc(u.pic.GetSessions(), func(s *fleetv1.SessionState) bool {
		if open(u.pic, s) || now-s.GetLastUnix() <= endedSeconds {
			return false
		}
		u.settle(s)
		return true
	})
	for len(u.pic.GetSessions()) > keptSessions {
		i := max(slices.IndexFunc(u.pic.GetSessions(), func(s *fleetv1.SessionState) bool { return !open(u.pic, s) }), 0)
		u.settle(u.pic.GetSessions()[i])
		u.pic.Sessions = slices.Delete(u.pic.GetSessions(), i, i+1)
	}
}

// settle adds a session's seconds to the contacts with its peer.
func (u *update) settle(s *fleetv1.SessionState) {
	for _, c := range contactsOf(s, u.f.near(u.pic, s)) {
		i := slices.IndexFunc(u.pic.GetContacts(), func(k *fleetv1.Contact) bool { return sameContact(k, c) })
		if i < 0 {
			u.made(c)
			u.pic.Contacts = append(u.pic.GetContacts(), c)
			continue
		}
		k := edit(&u.draft, u.pic.GetContacts(), i)
		k.Seconds = min(k.GetSeconds()+c.GetSeconds(), daySeconds)
		k.Sessions += c.GetSessions()
		k.FirstUnix, k.LastUnix = min(k.GetFirstUnix(), c.GetFirstUnix()), max(k.GetLastUnix(), c.GetLastUnix())
		if us := c.GetRttMinUs(); us > 0 && (k.GetRttMinUs() == 0 || us < k.GetRttMinUs()) {
			k.RttMinUs = us
		}
	}
	u.pic.Contacts = keepContacts(u.pic.GetContacts(), max(u.received, u.pic.GetLastReceivedUnix())/daySeconds)
}

func sameContact(a, b *fleetv1.Contact) bool {
	return a.GetDay() == b.GetDay() && a.GetTool() == b.GetTool() && a.GetPeer() == b.GetPeer() && a.GetNear() == b.GetNear() &&
		a.GetDirect() == b.GetDirect() && a.GetRelay() == b.GetRelay() && string(a.GetAccount()) == string(b.GetAccount())
}

// contactsOf returns a session as contacts, one a day, of the last days on which
// it was observed to last.
func contactsOf(s *fleetv1.SessionState, near bool) []*fleetv1.Contact {
	span := s.GetSession()
	until := s.GetLastUnix()
	from := min(max(span.GetStartedAt().AsTime().Unix(), until-contactDays*daySeconds), until)
	side := make([]fleetv1.Contact, until/daySeconds-from/daySeconds+1) // by side in memory
	contacts := make([]*fleetv1.Contact, 0, len(side))
	for first := true; first || from < until; first = false {
		to := min(until, (from/daySeconds+1)*daySeconds)
		c := &side[len(contacts)]
		c.Day, c.Tool, c.Peer, c.Near, c.Account = uint32(from/daySeconds), span.GetTool(), span.GetPeer(), near, s.GetAccount()
		c.Direct = span.GetPath() == farmhoundv1.SessionPath_SESSION_PATH_DIRECT
		c.Relay = span.GetPath() == farmhoundv1.SessionPath_SESSION_PATH_RELAY
		c.Seconds, c.FirstUnix, c.LastUnix = uint32(to-from), from, to
		if first {
			c.Sessions = 1
		}
		if rtt := span.RttMinMs; rtt != nil && c.GetDirect() && *rtt >= 0 {
			c.RttMinUs = uint32(min(max(*rtt, 0.001), 4e6) * 1000)
		}
		contacts = append(contacts, c)
		from = to
	}
	return contacts
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
	switch peer := s.GetSession().GetPeer(); {
	case peer == "":
	case s.GetSession().GetPath() == farmhoundv1.SessionPath_SESSION_PATH_RELAY:
		from = " over a relay (" + peer + ")" // that is the relay's address as a rule
	default:
		from = " from " + peer
	}
	e := u.event(at, kind, sentence(format, quote(u.f.toolName(s.GetSession().GetTool())), from))
	e.Session = proto.CloneOf(s.GetSession())
	e.Tool = s.GetSession().GetTool()
}
