package software

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func measured(lowest, smoothed time.Duration, received, acked uint64) *sockets.Socket {
	return &sockets.Socket{Measured: true, MinRTT: lowest, RTT: smoothed, Received: received, Acked: acked}
}

func seen(key string, s *sockets.Socket) sighting {
	return sighting{
		key: key, tool: "x11vnc", kind: farmhoundv1.SessionKind_SESSION_KIND_DESKTOP, peer: netip.MustParseAddr("203.0.113.9"),
		class: farmhoundv1.PeerClass_PEER_CLASS_GLOBAL, path: farmhoundv1.SessionPath_SESSION_PATH_DIRECT, bytes: s, trip: s,
	}
}

func TestSessionFromStartToEnd(t *testing.T) {
	t.Parallel()
	tracker := newTracker()
	first := tracker.update(noon, []sighting{seen("a", measured(130*time.Millisecond, 140*time.Millisecond, 10, 20))})[0]
	second := tracker.update(noon.Add(15*time.Second), []sighting{seen("a", measured(121*time.Millisecond, 150*time.Millisecond, 30, 40))})[0]
	// The kernel's minimum is of the last minutes: the smallest of all counts.
	third := tracker.update(noon.Add(30*time.Second), []sighting{seen("a", measured(900*time.Millisecond, 160*time.Millisecond, 50, 60))})[0]
	if first.GetId() != second.GetId() || second.GetId() != third.GetId() || !third.GetStartedAt().AsTime().Equal(noon) {
		t.Errorf("one session became several: %v, %v, %v", first, second, third)
	}
	if first.GetRttMinMs() != 130 || third.GetRttMinMs() != 121 || third.GetRttMedianMs() != 150 {
		t.Errorf("round trips: first %v, third %v and median %v", first.GetRttMinMs(), third.GetRttMinMs(), third.GetRttMedianMs())
	}
	if third.GetBytesIn() != 50 || third.GetBytesOut() != 60 {
		t.Errorf("bytes %d and %d", third.GetBytesIn(), third.GetBytesOut())
	}

	// The end is told until it is known to have been told, always the same.
	for range 2 {
		ended := tracker.update(noon.Add(45*time.Second), nil)
		if len(ended) != 1 || !ended[0].GetEndedAt().AsTime().Equal(noon.Add(45*time.Second)) || ended[0].GetRttMinMs() != 121 {
			t.Fatalf("end: %v", ended)
		}
	}
	tracker.forgetEnded()
	if left := tracker.update(noon.Add(time.Minute), nil); len(left) != 0 {
		t.Errorf("after its end was told: %v", left)
	}
	again := tracker.update(noon.Add(2*time.Minute), []sighting{seen("a", nil)})[0]
	if again.GetId() == first.GetId() || again.RttMinMs != nil {
		t.Errorf("a later session is %v, which is the earlier one or has its figures", again)
	}
}

// What is told holds to the contract however many sessions there are and wherever the
// clock goes.
func TestSessionsHoldToTheContract(t *testing.T) {
	t.Parallel()
	rules, err := fieldrules.Compile((&farmhoundv1.RemoteSession{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	tracker := newTracker()
	var many []sighting
	for i := range 2 * maxSessions {
		g := seen(fmt.Sprint(i), measured(time.Millisecond, time.Second, 1, 1))
		g.startedAt = noon.Add(time.Hour) // by a clock that was set back since
		many = append(many, g)
	}
	open := tracker.update(noon, many)
	back := tracker.update(noon.Add(-24*time.Hour), nil)
	for _, list := range [][]*farmhoundv1.RemoteSession{open, back} {
		if len(list) != maxSessions {
			t.Errorf("%d sessions", len(list))
		}
		for _, s := range list {
			if err := rules.Validate(s); err != nil {
				t.Fatal(err)
			}
			if end := s.GetEndedAt(); end != nil && end.AsTime().Before(s.GetStartedAt().AsTime()) {
				t.Errorf("ended at %v, began at %v", end.AsTime(), s.GetStartedAt().AsTime())
			}
		}
	}
	if !open[0].GetStartedAt().AsTime().Equal(noon) {
		t.Errorf("began in the future: %v", open[0].GetStartedAt().AsTime())
	}
}

func TestSamplesAreSpreadOverAllTime(t *testing.T) {
	t.Parallel()
	var s samples
	for i := range 100_000 {
		s.add(float64(i))
		if len(s.kept) > maxSamples {
			t.Fatalf("%d samples", len(s.kept))
		}
	}
	if middle := s.median(); middle < 45_000 || middle > 55_000 {
		t.Errorf("median %v of 0 to 99,999", middle)
	}
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 5}, 5}} {
		var s samples
		for _, v := range tt.values {
			s.add(v)
		}
		if got := s.median(); got != tt.want {
			t.Errorf("median of %v is %v", tt.values, got)
		}
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	home := netip.MustParsePrefix("192.168.7.0/24")
	got := map[string]farmhoundv1.PeerClass{}
	for _, addr := range []string{"127.0.0.1", "::1", "192.168.7.9", "192.168.8.9", "10.1.1.1", "fd00::1", "169.254.1.1", "fe80::1", "100.64.0.1", "100.128.0.1", "203.0.113.9", "2001:db8::1"} {
		got[addr] = classOf(netip.MustParseAddr(addr), home.Contains)
	}
	want := map[string]farmhoundv1.PeerClass{
		"127.0.0.1": farmhoundv1.PeerClass_PEER_CLASS_LOOPBACK, "::1": farmhoundv1.PeerClass_PEER_CLASS_LOOPBACK,
		"192.168.7.9": farmhoundv1.PeerClass_PEER_CLASS_SAME_LAN, "192.168.8.9": farmhoundv1.PeerClass_PEER_CLASS_PRIVATE,
		"10.1.1.1": farmhoundv1.PeerClass_PEER_CLASS_PRIVATE, "fd00::1": farmhoundv1.PeerClass_PEER_CLASS_PRIVATE,
		"169.254.1.1": farmhoundv1.PeerClass_PEER_CLASS_PRIVATE, "fe80::1": farmhoundv1.PeerClass_PEER_CLASS_PRIVATE,
		"100.64.0.1": farmhoundv1.PeerClass_PEER_CLASS_SHARED, "100.128.0.1": farmhoundv1.PeerClass_PEER_CLASS_GLOBAL,
		"203.0.113.9": farmhoundv1.PeerClass_PEER_CLASS_GLOBAL, "2001:db8::1": farmhoundv1.PeerClass_PEER_CLASS_GLOBAL,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := classOf(netip.Addr{}, home.Contains); got != farmhoundv1.PeerClass_PEER_CLASS_UNSPECIFIED {
		t.Errorf("no address is %v", got)
	}
}
