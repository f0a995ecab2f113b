package software

import (
	"slices"
	"strings"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// maxMetered is how many tools a window can count, from the schema.
const maxMetered = 32

// ControlMeter turns the sessions of successive scans into what a window counts:
// seconds under control and bytes by tool. Seconds in which several sessions of one
// tool were open count once. It is for one goroutine at a time.
type ControlMeter struct {
	at    time.Time
	open  map[string]*farmhoundv1.RemoteSession
	tools map[string]*metered
}

// metered is what was counted of one tool since the last Drain.
type metered struct {
	all, near time.Duration
	in, out   uint64
}

// NewControlMeter returns a meter that has counted nothing.
func NewControlMeter() *ControlMeter {
	return &ControlMeter{open: map[string]*farmhoundv1.RemoteSession{}, tools: map[string]*metered{}}
}

// Observe takes the sessions of one scan, made at a time. A session counts from its
// start, or from the scan before it where it began earlier, until its end or this
// scan. Time that the laptop slept between the scans does not count.
func (m *ControlMeter) Observe(at time.Time, sessions []*farmhoundv1.RemoteSession) {
	counted := map[string]*interval{}
	open := make(map[string]*farmhoundv1.RemoteSession, len(sessions))
	for _, s := range sessions {
		before := m.open[s.GetId()]
		m.addBytes(before, s)
		i := counted[s.GetTool()]
		if i == nil {
			i = &interval{}
			counted[s.GetTool()] = i
		}
		from, to := m.span(at, s)
		i.add(from, to, isNear(s))
		if s.GetEndedAt() == nil {
			open[s.GetId()] = s
		}
	}
	// The clocks differ by the time asleep: what Sub tells comes from one that
	// stands still meanwhile, where the times carry it.
	awake := time.Duration(1<<63 - 1)
	if !m.at.IsZero() {
		awake = at.Sub(m.at)
	}
	for id, i := range counted {
		t := m.tool(id)
		t.all += min(i.all.length(), awake)
		t.near += min(i.near.length(), awake)
	}
	m.at, m.open = at, open
}

// nearMs is a round trip that nothing on a local network takes at its best.
const nearMs = 60

// isNear says whether whoever controls is on the laptop's own network. A router there that
// passes on others' control shows in how late they answer.
func isNear(s *farmhoundv1.RemoteSession) bool {
	return s.GetPeerClass() == farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN && (s.RttMinMs == nil || s.GetRttMinMs() <= nearMs)
}

// span is the part of a session that lies between the scan before and this one.
func (m *ControlMeter) span(at time.Time, s *farmhoundv1.RemoteSession) (from, to time.Time) {
	from, to = s.GetStartedAt().AsTime(), at
	if m.at.IsZero() {
		// Nothing was counted before the first scan, and nothing is made up.
		from = at
	} else if from.Before(m.at) {
		from = m.at
	}
	if end := s.GetEndedAt(); end != nil && end.AsTime().Before(to) {
		to = end.AsTime()
	}
	return from.Round(0), to.Round(0)
}

// addBytes counts what was carried since the session was last seen. A session that
// was new in the first scan has carried its bytes before anybody counted.
func (m *ControlMeter) addBytes(before, now *farmhoundv1.RemoteSession) {
	if before == nil && m.at.IsZero() {
		return
	}
	t := m.tool(now.GetTool())
	t.in += increase(before.GetBytesIn(), now.GetBytesIn())
	t.out += increase(before.GetBytesOut(), now.GetBytesOut())
}

func increase(before, now uint64) uint64 {
	if now < before {
		return 0
	}
	return now - before
}

func (m *ControlMeter) tool(id string) *metered {
	t := m.tools[id]
	if t == nil {
		t = &metered{}
		m.tools[id] = t
	}
	return t
}

// Drain returns what was counted since the last Drain, by tool, for a window from
// start to end, and begins to count anew. No tool has more seconds than the window.
func (m *ControlMeter) Drain(start, end time.Time) []*farmhoundv1.ControlSeconds {
	longest := max(end.Sub(start), 0)
	var list []*farmhoundv1.ControlSeconds
	for id, t := range m.tools {
		if t.all == 0 && t.in == 0 && t.out == 0 {
			continue
		}
		all := min(t.all, longest)
		list = append(list, &farmhoundv1.ControlSeconds{
			Tool: id, Seconds: wholeSeconds(all), NearSeconds: wholeSeconds(min(t.near, all)), BytesIn: t.in, BytesOut: t.out,
		})
	}
	clear(m.tools)
	slices.SortFunc(list, func(a, b *farmhoundv1.ControlSeconds) int { return strings.Compare(a.Tool, b.Tool) })
	return list[:min(len(list), maxMetered)]
}

func wholeSeconds(d time.Duration) uint32 { return uint32(d.Round(time.Second) / time.Second) }

// interval is the union of the spans of one tool's sessions within one step, and of
// those with the controlling side near. Spans of one step nearly always touch, so
// their outer ends are the union.
type interval struct{ all, near reach }

func (i *interval) add(from, to time.Time, near bool) {
	i.all.add(from, to)
	if near {
		i.near.add(from, to)
	}
}

type reach struct{ from, to time.Time }

func (r *reach) add(from, to time.Time) {
	if !from.Before(to) {
		return
	}
	if r.from.IsZero() || from.Before(r.from) {
		r.from = from
	}
	if to.After(r.to) {
		r.to = to
	}
}

func (r *reach) length() time.Duration { return r.to.Sub(r.from) }
