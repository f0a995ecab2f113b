package agent

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// changes remembers what was last spooled and takes out of an observation what
// is still the same.
type changes struct {
	parts    map[string]sentPart
	sessions map[string]*farmhoundv1.RemoteSession
	// ended keeps ended sessions until they were spooled: a sense tells an end once.
	ended map[string]*farmhoundv1.RemoteSession
}

// sentPart is one part as it was spooled, in deterministic bytes: whole, and
// without what moves all the time.
type sentPart struct{ whole, steady []byte }

func newChanges() *changes {
	c := &changes{ended: map[string]*farmhoundv1.RemoteSession{}}
	c.forget()
	return c
}

// forget makes the next report carry everything.
func (c *changes) forget() {
	c.parts = map[string]sentPart{}
	c.sessions = map[string]*farmhoundv1.RemoteSession{}
}

// reduce returns the report with what changed since the last one that was kept,
// and nil if nothing did. With refresh, which is once per window, also what moves
// all the time counts as a change. seen is not modified.
func (c *changes) reduce(seen *farmhoundv1.Report, refresh bool) *farmhoundv1.Report {
	out := proto.CloneOf(seen)
	changed := len(out.GetWindows()) > 0
	for _, part := range partsOf(out) {
		if c.same(part, refresh) {
			part.drop()
		} else {
			changed = true
		}
	}
	for _, session := range out.GetRemoteSessions() {
		if session.GetEndedAt() != nil {
			c.ended[session.GetId()] = session
		}
	}
	out.RemoteSessions = c.newSessions(out.GetRemoteSessions(), refresh)
	if !changed && len(out.GetRemoteSessions()) == 0 {
		return nil
	}
	return out
}

// keep notes that a report which reduce returned is now in the spool.
func (c *changes) keep(report *farmhoundv1.Report) {
	for _, part := range partsOf(report) {
		c.parts[part.name] = part.bytes()
	}
	for _, session := range report.GetRemoteSessions() {
		if session.GetEndedAt() == nil {
			c.sessions[session.GetId()] = session
			continue
		}
		delete(c.sessions, session.GetId())
		delete(c.ended, session.GetId())
	}
}

func (c *changes) same(p part, refresh bool) bool {
	before, known := c.parts[p.name]
	if !known {
		return false
	}
	now := p.bytes()
	if refresh {
		return bytes.Equal(before.whole, now.whole)
	}
	return bytes.Equal(before.steady, now.steady)
}

// newSessions returns the sessions worth telling: every end that was not told
// yet, and open ones that began or changed.
func (c *changes) newSessions(seen []*farmhoundv1.RemoteSession, refresh bool) []*farmhoundv1.RemoteSession {
	var out []*farmhoundv1.RemoteSession
	told := map[string]bool{}
	for _, session := range seen {
		before, known := c.sessions[session.GetId()]
		ended := session.GetEndedAt() != nil
		if ended || !known || refresh && !proto.Equal(before, session) || !bytes.Equal(steadySession(before), steadySession(session)) {
			out = append(out, session)
			told[session.GetId()] = true
		}
	}
	for id, session := range c.ended {
		if !told[id] {
			out = append(out, session)
		}
	}
	return out
}

// steadySession is a session without what moves while it lasts. That a round
// trip or count became known is kept: only its value moves.
func steadySession(session *farmhoundv1.RemoteSession) []byte {
	steady := proto.CloneOf(session)
	for _, value := range []**float64{&steady.RttMinMs, &steady.RttMedianMs} {
		if *value != nil {
			*value = proto.Float64(0)
		}
	}
	for _, value := range []**uint64{&steady.BytesIn, &steady.BytesOut} {
		if *value != nil {
			*value = proto.Uint64(0)
		}
	}
	return deterministic(steady)
}

// part is one part of a report.
type part struct {
	name    string
	message proto.Message
	// moving clears, in a copy, what moves all the time. Nil where nothing does.
	moving func(proto.Message)
	// drop takes the part out of its report.
	drop func()
}

func (p part) bytes() sentPart {
	whole := deterministic(p.message)
	if p.moving == nil {
		return sentPart{whole: whole, steady: whole}
	}
	steady := proto.Clone(p.message)
	p.moving(steady)
	return sentPart{whole: whole, steady: deterministic(steady)}
}

// partsOf lists the parts that a report carries.
func partsOf(r *farmhoundv1.Report) []part {
	var present []part
	add := func(name string, there bool, message proto.Message, moving func(proto.Message), drop func()) {
		if there {
			present = append(present, part{name, message, moving, drop})
		}
	}
	add("system", r.System != nil, r.System, nil, func() { r.System = nil })
	add("software", r.Software != nil, r.Software, nil, func() { r.Software = nil })
	add("hardware", r.Hardware != nil, r.Hardware, nil, func() { r.Hardware = nil })
	add("network", r.Network != nil, r.Network, movingNetwork, func() { r.Network = nil })
	add("place", r.Place != nil, r.Place, nil, func() { r.Place = nil })
	add("logons", r.Logons != nil, r.Logons, nil, func() { r.Logons = nil })
	add("health", r.Health != nil, r.Health, movingHealth, func() { r.Health = nil })
	add("presence", r.Presence != nil, r.Presence, movingPresence, func() { r.Presence = nil })
	return present
}

// Neighbours come and go with every phone in the house.
func movingNetwork(m proto.Message) {
	if network, ok := m.(*farmhoundv1.Network); ok {
		network.Neighbours = nil
	}
}

func movingHealth(m proto.Message) {
	if health, ok := m.(*farmhoundv1.Health); ok {
		health.CpuSeconds, health.MemoryBytes, health.SpoolDepth = 0, 0, 0
	}
}

func movingPresence(m proto.Message) {
	if presence, ok := m.(*farmhoundv1.Presence); ok {
		presence.CameraLastUsed, presence.MicrophoneLastUsed = nil, nil
	}
}

// deterministic returns bytes that are equal for equal messages, within one run.
func deterministic(m proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		// Only invalid UTF-8 fails here: what cannot be compared counts as changed.
		return nil
	}
	return data
}
