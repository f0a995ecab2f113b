package agent

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func observation() *farmhoundv1.Report {
	return &farmhoundv1.Report{
		System:   &farmhoundv1.System{Serial: "PF-1"},
		Software: &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "x11vnc", Running: true}}},
		Network:  &farmhoundv1.Network{Neighbours: &farmhoundv1.Neighbours{Reachable: 3}},
		Health:   &farmhoundv1.Health{CpuSeconds: 1, Senses: []*farmhoundv1.Sense{{Name: "software"}}},
		RemoteSessions: []*farmhoundv1.RemoteSession{{
			Id: "aaaaaaaa", Tool: "x11vnc", StartedAt: timestamppb.New(noon), Peer: "192.0.2.7", BytesIn: proto.Uint64(1),
		}},
	}
}

func TestReduceKeepsWhatChanged(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		change  func(*farmhoundv1.Report)
		refresh bool
		want    []string
	}{
		{"nothing", func(*farmhoundv1.Report) {}, false, nil},
		{"nothing, at a window", func(*farmhoundv1.Report) {}, true, nil},
		{"software", func(r *farmhoundv1.Report) { r.Software.Tools[0].Controlled = true }, false, []string{"software"}},
		{"a sense that fails tells nothing", func(r *farmhoundv1.Report) { r.Software = nil }, false, nil},
		{"an emptied part is told", func(r *farmhoundv1.Report) { r.Software.Tools = nil }, false, []string{"software"}},
		{"own cost", func(r *farmhoundv1.Report) { r.Health.CpuSeconds = 2 }, false, nil},
		{"own cost, at a window", func(r *farmhoundv1.Report) { r.Health.CpuSeconds = 2 }, true, []string{"health"}},
		{"a sense changed", func(r *farmhoundv1.Report) {
			r.Health.Senses[0].State = farmhoundv1.SenseState_SENSE_STATE_FAILED
		}, false, []string{"health"}},
		{"neighbours", func(r *farmhoundv1.Report) { r.Network.Neighbours.Reachable = 9 }, false, nil},
		{"neighbours, at a window", func(r *farmhoundv1.Report) { r.Network.Neighbours.Reachable = 9 }, true, []string{"network"}},
		{"session bytes", func(r *farmhoundv1.Report) { r.RemoteSessions[0].BytesIn = proto.Uint64(99) }, false, nil},
		{"session bytes, at a window", func(r *farmhoundv1.Report) { r.RemoteSessions[0].BytesIn = proto.Uint64(99) }, true, []string{"remote_sessions"}},
		{"a round trip became known", func(r *farmhoundv1.Report) { r.RemoteSessions[0].RttMinMs = proto.Float64(120) }, false, []string{"remote_sessions"}},
		{"peer changed", func(r *farmhoundv1.Report) { r.RemoteSessions[0].Peer = "192.0.2.8" }, false, []string{"remote_sessions"}},
		{"session ended", func(r *farmhoundv1.Report) { r.RemoteSessions[0].EndedAt = timestamppb.New(noon) }, false, []string{"remote_sessions"}},
		{"a window", func(r *farmhoundv1.Report) { r.Windows = []*farmhoundv1.Window{{Seconds: 300}} }, true, []string{"windows"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			changes := newChanges()
			first := changes.reduce(observation(), false)
			if diff := cmp.Diff(observation(), first, protocmp.Transform()); diff != "" {
				t.Fatalf("the first report does not carry everything: %s", diff)
			}
			changes.keep(first)
			seen := observation()
			c.change(seen)
			got := changes.reduce(seen, c.refresh)
			want := pick(seen, c.want)
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// pick returns a report with the named fields only, nil for none.
func pick(r *farmhoundv1.Report, names []string) *farmhoundv1.Report {
	if len(names) == 0 {
		return nil
	}
	out := new(farmhoundv1.Report)
	for _, name := range names {
		field := r.ProtoReflect().Descriptor().Fields().ByTextName(name)
		out.ProtoReflect().Set(field, r.ProtoReflect().Get(field))
	}
	return out
}

// An end that could not be spooled is told later, although the sense tells it once.
func TestEndOfSessionIsToldUntilKept(t *testing.T) {
	t.Parallel()
	changes := newChanges()
	changes.keep(changes.reduce(observation(), false))
	ended := observation()
	ended.RemoteSessions[0].EndedAt = timestamppb.New(noon.Add(time.Minute))
	if changes.reduce(ended, false) == nil {
		t.Fatal("the end is not told")
	}
	quiet := observation()
	quiet.RemoteSessions = nil
	again := changes.reduce(quiet, false)
	if diff := cmp.Diff(ended.GetRemoteSessions(), again.GetRemoteSessions(), protocmp.Transform()); diff != "" {
		t.Fatalf("the end that was not kept is lost: %s", diff)
	}
	changes.keep(again)
	if got := changes.reduce(quiet, true); got != nil {
		t.Errorf("told again after it was kept: %v", got)
	}
	changes.forget()
	if got := changes.reduce(observation(), false); len(got.GetRemoteSessions()) != 1 || got.GetSystem() == nil {
		t.Errorf("after forgetting, not everything is told: %v", got)
	}
}
