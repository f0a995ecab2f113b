package session

import (
	"net/netip"
	"testing"
	"time"
	_ "time/tzdata" // the zones, wherever the test runs

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/terminals"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// TestLogonsOf tells of a laptop whose user was switched away from, and which somebody
// works on over RDP.
func TestLogonsOf(t *testing.T) {
	t.Parallel()
	morning := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	got := logonsOf([]terminals.Session{
		{ID: 4, State: terminals.Active, Protocol: terminals.RDP, Client: netip.MustParseAddr("203.0.113.9"), LoggedOn: morning.Add(2 * time.Hour), Locked: new(false)},
		{ID: 1, State: terminals.Disconnected, LoggedOn: morning, Locked: new(true)},
		{ID: 2, State: terminals.Connected},
		{ID: 3, State: terminals.Active, LoggedOn: morning.Add(time.Hour)},
		{ID: 5, State: terminals.Active, Protocol: terminals.Citrix, Client: netip.MustParseAddr("192.168.1.7"), LoggedOn: morning.Add(3 * time.Hour)},
	})
	want := &farmhoundv1.Logons{Sessions: []*farmhoundv1.Logon{
		{Kind: farmhoundv1.LogonKind_LOGON_KIND_BACKGROUND, StartedAt: timestamppb.New(morning), Active: new(false), Locked: new(true)},
		{Kind: farmhoundv1.LogonKind_LOGON_KIND_CONSOLE, StartedAt: timestamppb.New(morning.Add(time.Hour)), Active: new(true)},
		{Kind: farmhoundv1.LogonKind_LOGON_KIND_RDP, StartedAt: timestamppb.New(morning.Add(2 * time.Hour)), Peer: "203.0.113.9", Active: new(true), Locked: new(false)},
		{Kind: farmhoundv1.LogonKind_LOGON_KIND_OTHER_REMOTE, StartedAt: timestamppb.New(morning.Add(3 * time.Hour)), Active: new(true)},
	}}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestZoneNames finds every zone that Windows' are said to be.
func TestZoneNames(t *testing.T) {
	t.Parallel()
	for own, name := range zoneNames {
		if _, err := time.LoadLocation(name); err != nil {
			t.Errorf("%s: %v", own, err)
		}
	}
}
