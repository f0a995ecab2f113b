package software

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// maxSamples bounds the smoothed round trips that a median is taken of.
const maxSamples = 128

// sighting is one control session seen in one scan.
type sighting struct {
	// key tells the session from every other while it lasts.
	key  string
	tool string
	kind farmhoundv1.SessionKind
	// startedAt is zero where only the first sighting is known.
	startedAt   time.Time
	peer        netip.Addr
	class       farmhoundv1.PeerClass
	path        farmhoundv1.SessionPath
	established farmhoundv1.EstablishedBy
	// bytes is the connection whose bytes count, trip the one whose round trip is
	// the controlling side's; nil where there is none.
	bytes, trip *sockets.Socket
	account     keyedAccount
	// caller is the name that the tool's log has for the session, empty where it has none.
	caller string
}

// tracker follows sessions from scan to scan.
type tracker struct {
	secret [16]byte // random per start, so that ids say nothing and never repeat
	open   map[string]*session
	ended  []*session
}

// session is one control session while it lasts.
type session struct {
	report  *farmhoundv1.RemoteSession
	samples samples
	seen    bool
	caller  string // the name that the tool's log has for it, once that is known
}

func newTracker() *tracker {
	t := &tracker{open: map[string]*session{}}
	_, _ = rand.Read(t.secret[:]) // never fails since Go 1.24
	return t
}

// update takes one scan's sightings and returns every session that is open, and
// those that ended and have not been forgotten, oldest first.
func (t *tracker) update(now time.Time, seen []sighting) []*farmhoundv1.RemoteSession {
	for _, s := range t.open {
		s.seen = false
	}
	for i := range seen {
		t.see(now, &seen[i])
	}
	for key, s := range t.open {
		if !s.seen {
			if s.report.EndedAt == nil { // a log can know better
				s.report.EndedAt = timestamppb.New(later(now, s.report.GetStartedAt().AsTime()))
			}
			t.ended = append(t.ended, s)
			delete(t.open, key)
		}
	}
	list := make([]*farmhoundv1.RemoteSession, 0, len(t.open)+len(t.ended))
	for _, s := range t.ended {
		list = append(list, proto.CloneOf(s.report))
	}
	for _, s := range t.open {
		list = append(list, proto.CloneOf(s.report))
	}
	slices.SortFunc(list, func(a, b *farmhoundv1.RemoteSession) int {
		if order := a.GetStartedAt().AsTime().Compare(b.GetStartedAt().AsTime()); order != 0 {
			return order
		}
		return strings.Compare(a.GetId(), b.GetId())
	})
	return list[:min(len(list), maxSessions)]
}

// forgetEnded drops the sessions whose end has been told.
func (t *tracker) forgetEnded() { t.ended = nil }

func (t *tracker) see(now time.Time, g *sighting) {
	s := t.open[g.key]
	if s == nil {
		started := g.startedAt
		if started.IsZero() || started.After(now) {
			started = now
		}
		s = &session{report: &farmhoundv1.RemoteSession{
			Id: t.id(g.key, started), Tool: g.tool, Kind: g.kind, StartedAt: timestamppb.New(started),
		}}
		t.open[g.key] = s
	}
	s.seen = true
	if g.caller != "" {
		s.caller = g.caller
	}
	r := s.report
	if g.peer.IsValid() {
		r.Peer, r.PeerClass = g.peer.WithZone("").String(), g.class
	}
	r.Path, r.EstablishedBy = g.path, g.established
	g.account.note(r)
	if g.bytes != nil && g.bytes.Measured {
		r.BytesIn, r.BytesOut = proto.Uint64(g.bytes.Received), proto.Uint64(g.bytes.Acked)
	}
	if g.trip != nil && g.trip.Measured {
		s.addTrip(g.trip)
	}
}

// addTrip keeps the smallest round trip over the session's life, since the kernel's
// own minimum forgets after some minutes, and samples the smoothed one.
func (s *session) addTrip(c *sockets.Socket) {
	if c.MinRTT > 0 {
		lowest := milliseconds(c.MinRTT)
		if s.report.RttMinMs == nil || lowest < *s.report.RttMinMs {
			s.report.RttMinMs = &lowest
		}
	}
	if c.RTT > 0 {
		s.samples.add(milliseconds(c.RTT))
		s.report.RttMedianMs = proto.Float64(s.samples.median())
	}
}

func (t *tracker) id(key string, started time.Time) string {
	h := sha256.New()
	h.Write(t.secret[:])
	fmt.Fprintf(h, "%s %d", key, started.UnixNano())
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// samples are evenly spread over a session however long it lasts: when they are
// full every second one is dropped, and from then on half as many are taken.
type samples struct {
	kept         []float64
	stride, skip int
}

func (s *samples) add(v float64) {
	if s.skip > 0 {
		s.skip--
		return
	}
	if len(s.kept) == maxSamples {
		for i := range maxSamples / 2 {
			s.kept[i] = s.kept[2*i]
		}
		s.kept = s.kept[:maxSamples/2]
		s.stride = 2*s.stride + 1
	}
	s.kept = append(s.kept, v)
	s.skip = s.stride
}

func (s *samples) median() float64 {
	sorted := slices.Sorted(slices.Values(s.kept))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
