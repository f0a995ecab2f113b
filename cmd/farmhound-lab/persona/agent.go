package persona

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	daySeconds = 86400
	// longestWindow is where the real agent cuts long sleep.
	longestWindow = daySeconds
	agentVersion  = "0.1.0"
)

// agent pretends to be a laptop's agent: it tells what the real one would, from
// what is laid out in the life.
type agent struct {
	w      *World
	laptop *Laptop
	life   *life
	d      draw
	// reach draws how packets travel, apart from what the laptop does.
	reach draw
	lines map[*site]line
	noise noisy

	boot     string
	boots    int
	sequence uint64
	started  int64 // of this run
	booted   int64 // when the system of this run started
	began    int64 // of the window under way
	ended    []*farmhoundv1.Window
	parts    map[string][]byte        // as last told in this run
	last     map[string]proto.Message // as last looked at in this run; what is the same did not change
	told     map[string][]byte        // open sessions as last told in this run
	done     map[string]bool          // sessions whose end was told

	cpu        float64
	neighbours *farmhoundv1.Neighbours
	site       *site
	cycles     float64
	made       made

	// others are the laptops that this one has to do with, by network, toldFrom when it last
	// told anything from a network.
	others   map[*site][]*agent
	toldFrom map[*site]int64
	known    map[footing]*known
}

func newAgent(w *World, l *Laptop) *agent {
	d := stream(w.opts.Seed, "agent", l.Serial)
	return &agent{
		w: w, laptop: l, life: l.life, d: d, done: map[string]bool{}, cycles: d.between(5, 300),
		reach: stream(w.opts.Seed, "reach", l.Serial), lines: map[*site]line{},
		noise: noisy{Noise: w.noiseOf(l), d: stream(w.opts.Seed, "noise", l.Serial)},
	}
}

// look is the agent's last turn before the collector's clock strikes at. It
// returns what is then delivered, apart for each run of the agent.
func (a *agent) look(at int64) [][]*farmhoundv1.Report {
	now := at - int64(a.d.whole(2, 40))
	if !a.life.isAwake(now) {
		return nil // it tells what it counted when it is awake again
	}
	var out [][]*farmhoundv1.Report
	if a.boots == 0 {
		a.start(now, a.firstBoot(now))
	} else if last := a.pass(now); last != nil {
		out = append(out, []*farmhoundv1.Report{last})
	}
	if often := a.noise.Restarts; often > 0 && now > a.started && a.noise.d.chance(often/24) && a.sequence > 0 {
		out = append(out, []*farmhoundv1.Report{a.restart(now)})
	}
	windows := a.ended
	a.ended = nil
	if report := a.report(now, windows); report != nil {
		out = append(out, []*farmhoundv1.Report{report})
	}
	return out
}

// pass lets time pass to now. Where the laptop was switched off meanwhile, the
// run's last window is told by a last report, which waited in the spool.
func (a *agent) pass(now int64) (last *farmhoundv1.Report) {
	for _, next := range a.life.awake {
		if next.from <= a.began || next.from > now {
			continue
		}
		rest := a.life.restBefore(next.from)
		a.cut(rest)
		if rest > a.began {
			a.ended = append(a.ended, a.window(a.began, rest))
		}
		if next.off {
			if a.sequence > 0 && len(a.ended) > 0 {
				a.sequence++
				last = &farmhoundv1.Report{
					BootId: a.boot, Sequence: a.sequence, ObservedAt: stamp(rest), Windows: a.ended, RemoteSessions: a.sessions(rest),
				}
			}
			a.ended = nil
			a.start(next.from, max(rest, next.from-a.bootSeconds()))
			continue
		}
		a.ended = append(a.ended, sleepWindows(max(rest, a.began), next.from)...)
		a.began = next.from
	}
	a.cut(now)
	return last
}

// cut ends full windows up to a moment.
func (a *agent) cut(at int64) {
	full := int64(a.w.opts.Window / time.Second)
	for at-a.began >= full+30 {
		// The real agent notices with its next look that a window is full.
		end := a.began + full + int64(a.d.whole(0, 29))
		a.ended = append(a.ended, a.window(a.began, end))
		a.began = end
	}
}

// start is the agent starting, on a system that has been up since a moment.
func (a *agent) start(now, booted int64) {
	a.sequence = 0
	a.boots++
	id := digest(a.w.opts.Seed, "boot", a.laptop.Serial, strconv.Itoa(a.boots))
	a.boot = hex.EncodeToString(id[:16])
	a.started, a.began, a.booted = now, now, booted
	a.parts, a.told, a.last = map[string][]byte{}, map[string][]byte{}, map[string]proto.Message{}
	a.cpu = 0.3
}

// bootSeconds is what the system takes until the agent starts with it. It and firstBoot
// draw apart from everything else that the laptop does.
func (a *agent) bootSeconds() int64 {
	return int64(stream(a.w.opts.Seed, "boot time", a.laptop.Serial, strconv.Itoa(a.boots)).whole(9, 95))
}

// firstBoot is when the system started on which the agent is first seen at a moment: with
// the laptop, if it was switched on since the world began, else up to nine days before.
func (a *agent) firstBoot(now int64) int64 {
	for _, w := range a.life.awake {
		if w.off && w.from > a.w.start.Unix() && w.from <= now && now < w.to {
			return w.from - a.bootSeconds()
		}
	}
	return now - int64(stream(a.w.opts.Seed, "up since", a.laptop.Serial).between(0.01, 9)*daySeconds)
}

// report tells what changed, as the real agent's changes do; nil if nothing did.
func (a *agent) report(now int64, windows []*farmhoundv1.Window) *farmhoundv1.Report {
	r := &farmhoundv1.Report{BootId: a.boot, ObservedAt: stamp(now), Windows: windows}
	stay := a.life.stayAt(now)
	r.RemoteSessions = a.sessions(now)
	r.System = part(a, "system", a.laptop.System)
	r.Software = part(a, "software", a.software(now))
	r.Hardware = part(a, "hardware", a.hardware(stay))
	r.Network = part(a, "network", a.network(stay, now))
	r.Place = part(a, "place", a.place(now))
	r.Logons = part(a, "logons", a.logons(now))
	r.Presence = part(a, "presence", a.presence(now))
	if len(windows) > 0 || a.sequence == 0 {
		r.Health = part(a, "health", a.health())
	}
	if !tells(r) {
		return nil
	}
	a.sequence++
	r.Sequence = a.sequence
	a.toldFrom[stay.at] = now
	return r
}

// tells is whether a report holds anything but its head.
func tells(r *farmhoundv1.Report) bool {
	return len(r.GetWindows())+len(r.GetRemoteSessions()) > 0 || r.System != nil || r.Software != nil || r.Hardware != nil ||
		r.Network != nil || r.Place != nil || r.Logons != nil || r.Presence != nil || r.Health != nil
}

// part returns the part if it is not as it was last told in this run.
func part[P proto.Message](a *agent, name string, p P) P {
	var none P
	if !p.ProtoReflect().IsValid() || a.last[name] == proto.Message(p) {
		return none
	}
	a.last[name] = p
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
	if err != nil || bytes.Equal(a.parts[name], encoded) && a.parts[name] != nil {
		return none
	}
	a.parts[name] = encoded
	return p
}

// sessions are those that began, changed or ended since they were last told.
func (a *agent) sessions(now int64) []*farmhoundv1.RemoteSession {
	var out []*farmhoundv1.RemoteSession
	for i := range a.life.control {
		c := &a.life.control[i]
		if c.from > now || a.done[c.id] {
			continue
		}
		s := c.session(a.w, now)
		encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(s)
		if err != nil || bytes.Equal(a.told[c.id], encoded) {
			continue
		}
		out = append(out, s)
		if s.GetEndedAt() != nil {
			a.done[c.id] = true
			delete(a.told, c.id)
		} else {
			a.told[c.id] = encoded
		}
	}
	return out
}

// session is a control session as it looks at a moment.
func (c *control) session(w *World, now int64) *farmhoundv1.RemoteSession {
	s := &farmhoundv1.RemoteSession{
		Id: c.id, Tool: c.tool, Kind: c.kind, StartedAt: stamp(c.from), PeerClass: c.class, Path: c.path, EstablishedBy: c.established,
	}
	until := now
	if c.to <= now {
		s.EndedAt, until = stamp(c.to), c.to
	}
	if c.peer.IsValid() {
		s.Peer = c.peer.String()
	} else {
		s.PeerClass = farmhoundv1.PeerClass_PEER_CLASS_UNSPECIFIED
	}
	if c.measured {
		lasted := until - c.from
		// The smallest trip is found early and the median settles near a tenth above.
		s.RttMinMs = proto.Float64(round(c.rtt * (1 + 0.06/(1+float64(lasted)/600))))
		s.RttMedianMs = proto.Float64(round(c.rtt*1.12 + 2))
		s.BytesIn, s.BytesOut = proto.Uint64(c.received(lasted)), proto.Uint64(c.sent(lasted))
	}
	if c.account != "" {
		s.AccountHash, s.KeyId = w.hashed("remote-account", c.account)
	}
	return s
}

// received and sent are bytes after a time: input is little, screens are much.
func (c *control) received(seconds int64) uint64 { return uint64(max(seconds, 0)) * 900 }
func (c *control) sent(seconds int64) uint64     { return uint64(max(seconds, 0)) * 48_000 }

func (a *agent) controlled(tool string, now int64) bool {
	for i := range a.life.control {
		if c := &a.life.control[i]; c.tool == tool && c.from <= now && now < c.to {
			return true
		}
	}
	return false
}

func (a *agent) logons(now int64) *farmhoundv1.Logons {
	l := &farmhoundv1.Logons{Sessions: []*farmhoundv1.Logon{{
		Kind: farmhoundv1.LogonKind_LOGON_KIND_CONSOLE, StartedAt: stamp(a.started), Active: proto.Bool(true),
		Locked: proto.Bool(!a.life.inUse(now)),
	}}}
	for i := range a.life.control {
		c := &a.life.control[i]
		if c.logon == farmhoundv1.LogonKind_LOGON_KIND_UNSPECIFIED || now < c.from || c.to <= now {
			continue
		}
		remote := &farmhoundv1.Logon{Kind: c.logon, StartedAt: stamp(c.from), Active: proto.Bool(true), Locked: proto.Bool(false)}
		if c.peer.IsValid() {
			remote.Peer = c.peer.String()
		}
		l.Sessions[0].Active = proto.Bool(false)
		l.Sessions = append(l.Sessions, remote)
	}
	return l
}

func (a *agent) presence(now int64) *farmhoundv1.Presence {
	if !a.laptop.senses.media {
		return nil
	}
	p := &farmhoundv1.Presence{MediaKnown: true}
	for _, c := range a.life.calls {
		if c.from <= now {
			last := stamp(min(c.to, now))
			p.MicrophoneLastUsed = last
			if a.laptop.camera {
				p.CameraLastUsed = last
			}
		}
	}
	return p
}

func (a *agent) health() *farmhoundv1.Health {
	a.cpu += a.d.between(1.5, 4)
	return &farmhoundv1.Health{
		AgentVersion: agentVersion, CpuSeconds: round(a.cpu), MemoryBytes: uint64(a.d.whole(11<<10, 15<<10)) << 10,
		StartedAt: stamp(a.started), SystemUpSeconds: proto.Uint64(uint64(a.started - a.booted)), CatalogDigest: a.w.catalogDigest, Senses: a.laptop.senses.states(),
	}
}

// senses are what an agent can perceive on one laptop.
type senses struct {
	hands, hardware, media bool
	// ways is whether the collector's responder can be reached.
	ways bool
	// why is told where the hands sense is not complete.
	why string
}

func (s senses) states() []*farmhoundv1.Sense {
	ok := farmhoundv1.SenseState_SENSE_STATE_OK
	sense := func(name string, works bool, why string) *farmhoundv1.Sense {
		if works {
			return &farmhoundv1.Sense{Name: name, State: ok}
		}
		return &farmhoundv1.Sense{Name: name, State: farmhoundv1.SenseState_SENSE_STATE_PARTIAL, Detail: why}
	}
	return []*farmhoundv1.Sense{
		sense("software", true, ""), sense("hardware", s.hardware, "peripherals cannot be read"), sense("hands", s.hands, s.why),
		sense("network", true, ""), sense("session", true, ""),
	}
}

func stamp(unix int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: unix} }

func round(x float64) float64 { return float64(int64(x*100+0.5)) / 100 }

// sessionID is stable for the life of a session.
func (w *World) sessionID(l *Laptop, n int) string {
	id := digest(w.opts.Seed, "session", l.Serial, fmt.Sprint(n))
	return hex.EncodeToString(id[:16])
}
