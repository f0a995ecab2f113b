package software

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// span is a session that began and, where end is not negative, ended so many seconds
// after noon.
func span(id, tool string, begin, end int, in, out uint64) *farmhoundv1.RemoteSession {
	s := &farmhoundv1.RemoteSession{Id: id, Tool: tool, StartedAt: timestamppb.New(after(begin)), BytesIn: proto.Uint64(in), BytesOut: proto.Uint64(out)}
	if end >= 0 {
		s.EndedAt = timestamppb.New(after(end))
	}
	return s
}

func near(s *farmhoundv1.RemoteSession) *farmhoundv1.RemoteSession {
	s.PeerClass = farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN
	return s
}

// late is a session of which the fastest answer took so many milliseconds.
func late(s *farmhoundv1.RemoteSession, ms float64) *farmhoundv1.RemoteSession {
	s.RttMinMs = proto.Float64(ms)
	return s
}

func after(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func TestControlMeter(t *testing.T) {
	t.Parallel()
	const still = -1 // the session goes on
	type scan struct {
		at       int
		sessions []*farmhoundv1.RemoteSession
	}
	list := func(s ...*farmhoundv1.RemoteSession) []*farmhoundv1.RemoteSession { return s }
	control := func(tool string, seconds, nearSeconds uint32, in, out uint64) *farmhoundv1.ControlSeconds {
		return &farmhoundv1.ControlSeconds{Tool: tool, Seconds: seconds, NearSeconds: nearSeconds, BytesIn: in, BytesOut: out}
	}
	for _, tt := range []struct {
		name  string
		scans []scan
		want  []*farmhoundv1.ControlSeconds
	}{
		{"nobody", []scan{{0, nil}, {15, nil}}, nil},
		{"what was before the first scan is not made up", []scan{{0, list(span("a", "x", -900, still, 50, 60))}}, nil},
		{"from scan to scan", []scan{
			{0, list(span("a", "x", -900, still, 50, 60))}, {15, list(span("a", "x", -900, still, 55, 61))}, {30, list(span("a", "x", -900, still, 57, 70))},
		}, []*farmhoundv1.ControlSeconds{control("x", 30, 0, 7, 10)}},
		{"began between scans", []scan{{0, nil}, {15, list(span("a", "x", 5, still, 9, 8))}}, []*farmhoundv1.ControlSeconds{control("x", 10, 0, 9, 8)}},
		{"ended between scans", []scan{{0, list(span("a", "x", -5, still, 1, 1))}, {15, list(span("a", "x", -5, 12, 4, 4))}, {30, nil}},
			[]*farmhoundv1.ControlSeconds{control("x", 12, 0, 3, 3)}},
		{"two at once count once", []scan{
			{0, list(span("a", "x", -5, still, 0, 0), span("b", "x", -5, still, 0, 0))}, {15, list(span("a", "x", -5, still, 1, 1), span("b", "x", -5, 5, 2, 2))},
		}, []*farmhoundv1.ControlSeconds{control("x", 15, 0, 3, 3)}},
		{"two tools count each", []scan{{0, nil}, {15, list(span("a", "x", 5, still, 0, 0), span("b", "y", 0, 15, 0, 0))}},
			[]*farmhoundv1.ControlSeconds{control("x", 10, 0, 0, 0), control("y", 15, 0, 0, 0)}},
		{"near beside far", []scan{{0, nil}, {15, list(span("a", "x", 0, still, 0, 0), near(span("b", "x", 9, still, 0, 0)))}},
			[]*farmhoundv1.ControlSeconds{control("x", 15, 6, 0, 0)}},
		{"what answers late passes on somebody else's", []scan{{0, nil}, {15, list(near(late(span("a", "x", 0, still, 0, 0), 61)))}},
			[]*farmhoundv1.ControlSeconds{control("x", 15, 0, 0, 0)}},
		{"what answers soon does not", []scan{{0, nil}, {15, list(near(late(span("a", "x", 0, still, 0, 0), 60)))}},
			[]*farmhoundv1.ControlSeconds{control("x", 15, 15, 0, 0)}},
		{"soon, but not from here", []scan{{0, nil}, {15, list(late(span("a", "x", 0, still, 0, 0), 2))}},
			[]*farmhoundv1.ControlSeconds{control("x", 15, 0, 0, 0)}},
		{"a counter that began anew", []scan{{0, list(span("a", "x", -5, still, 90, 90))}, {15, list(span("a", "x", -5, still, 3, 95))}},
			[]*farmhoundv1.ControlSeconds{control("x", 15, 0, 0, 5)}},
		{"no more than the window", []scan{{0, list(span("a", "x", -5, still, 0, 0))}, {400, list(span("a", "x", -5, still, 0, 0))}},
			[]*farmhoundv1.ControlSeconds{control("x", 300, 0, 0, 0)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := NewControlMeter()
			for _, s := range tt.scans {
				m.Observe(after(s.at), s.sessions)
			}
			if diff := cmp.Diff(tt.want, m.Drain(after(0), after(300)), protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again := m.Drain(after(300), after(600)); again != nil {
				t.Errorf("counted twice: %v", again)
			}
		})
	}
}

// A contract's bound on what a window counts.
func TestControlMeterIsBounded(t *testing.T) {
	t.Parallel()
	m := NewControlMeter()
	m.Observe(after(0), nil)
	var many []*farmhoundv1.RemoteSession
	for i := range 2 * maxMetered {
		many = append(many, span(string(rune('a'+i)), "tool-"+string(rune('a'+i)), 0, -1, 1, 1))
	}
	m.Observe(after(15), many)
	if got := m.Drain(after(0), after(15)); len(got) != maxMetered {
		t.Errorf("%d tools in a window", len(got))
	}
}
