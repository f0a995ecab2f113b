package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/farmhound-security/farmhound/collector/fleet"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestReportsOfAnEnrolledLaptopAreCommittedAndAcknowledged(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	ack, err := l.send(batchOf(3, 4, 9))
	must(t, err)
	if ack.GetBootId() != bootID || ack.GetSequence() != 9 || len(ack.GetNextNonce()) != 16 ||
		!ack.GetCollectorTime().AsTime().Equal(received) || !ack.GetPolicy().GetScanNow() {
		t.Errorf("acknowledged %v", ack)
	}
	again, err := l.send(batchOf(10))
	must(t, err)
	if string(again.GetNextNonce()) == string(ack.GetNextNonce()) {
		t.Error("the nonce repeats")
	}
	batches := c.commit.committed()
	if len(batches) != 2 || len(batches[0]) != 3 {
		t.Fatalf("committed %v", batches)
	}
	identity, err := c.store.Identity(t.Context(), l.id)
	must(t, err)
	got := batches[0][2]
	want := fleet.Observation{Device: l.id, Serial: "PF-1", EnrolledAt: identity.EnrolledAt, ReceivedAt: received}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(fleet.Observation{}, "Peer", "PeerRTTMillis", "PeerMSS", "Report")); diff != "" {
		t.Error(diff)
	}
	if got.Report.GetSequence() != 9 || got.Peer.Addr().String() != "127.0.0.1" || got.Peer.Port() == 0 {
		t.Errorf("sequence %d from %v", got.Report.GetSequence(), got.Peer)
	}
}
