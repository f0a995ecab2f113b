package collector

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// drivenLife is a laptop that AnyDesk, whose owner is not told of, drove for most of five
// days, and the last moment of them.
func drivenLife(t testing.TB, j *judge) (*store.Device, time.Time) {
	t.Helper()
	var dev *store.Device
	day := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for n := range uint64(5) {
		end := day.Add(8 * time.Hour)
		const busy, driven = 6 * 3600, 5 * 3600
		change, err := j.Report(dev, nil, []fleet.Observation{{
			Device: "d1", Serial: "S1", ReceivedAt: end,
			Report: &farmhoundv1.Report{
				BootId: "00112233445566778899aabbccddeeff", Sequence: n + 1, ObservedAt: timestamppb.New(end),
				System:   &farmhoundv1.System{Serial: "S1", Hostname: "lap-1"},
				Software: &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "anydesk", Installed: true, Running: true, Unattended: true}}},
				Windows: []*farmhoundv1.Window{{
					StartedAt: timestamppb.New(day), Seconds: 8 * 3600, ActiveSeconds: proto.Uint32(busy), ControlKnown: true,
					Control: []*farmhoundv1.ControlSeconds{{Tool: "anydesk", Seconds: driven}},
					Input:   &farmhoundv1.InputSeconds{Session: driven},
				}},
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		dev, day = change.Device, day.AddDate(0, 0, 1)
	}
	return dev, day.AddDate(0, 0, -1).Add(9 * time.Hour)
}

func TestAVerdictIsTakenApart(t *testing.T) {
	t.Parallel()
	given := rooms(t)
	j, err := given.judge()
	if err != nil {
		t.Fatal(err)
	}
	dev, now := drivenLife(t, j)
	ask := func(req *fleetv1.WhatIfRequest) *fleetv1.WhatIfResponse {
		t.Helper()
		before := proto.CloneOf(dev.Picture)
		got, err := j.suppose(dev, req, now)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(before, dev.Picture) {
			t.Error("the stored picture was changed")
		}
		return got
	}
	plain := ask(&fleetv1.WhatIfRequest{})
	a := dev.Judgement.GetAssessment()
	if plain.GetStored().GetVerdict() != a.GetVerdict() || plain.GetNow().GetRisk() != a.GetRisk() || plain.GetSupposed() != nil || plain.GetRules() != given.Rules.Digest() {
		t.Errorf("stored %v, now %v, judged %v", plain.GetStored(), plain.GetNow(), a)
	}
	heaviest := plain.GetPieces()[0]
	if heaviest.GetSignals()[0] != "session_share" || heaviest.GetThen().GetRisk() >= plain.GetNow().GetRisk() {
		t.Errorf("the heaviest is %v", heaviest)
	}
	approved := ask(&fleetv1.WhatIfRequest{WithApproved: []string{"anydesk"}})
	if s := approved.GetSupposed(); s.GetHostedRisk() >= plain.GetNow().GetHostedRisk() || strings.Contains(strings.Join(approved.GetNotes(), " "), "not seen") {
		t.Errorf("approved it is %v, before %v; %v", s, plain.GetNow(), approved.GetNotes())
	}
	for _, p := range approved.GetPieces() {
		if slices.Contains([]string{"session_share", "unsanctioned_tool", "unattended_access"}, p.GetSignals()[0]) {
			t.Errorf("%v still counts", p.GetSignals())
		}
	}
	if named := ask(&fleetv1.WhatIfRequest{WithApproved: []string{"AnyDesk"}}); !proto.Equal(named.GetSupposed(), approved.GetSupposed()) {
		t.Errorf("by its name it is %v, by its id %v", named.GetSupposed(), approved.GetSupposed())
	}
	elsewhere := ask(&fleetv1.WhatIfRequest{WithApproved: []string{"teamviewer"}})
	if !strings.HasPrefix(elsewhere.GetNotes()[0], `"teamviewer" was not seen on this laptop of late`) || elsewhere.GetSupposed().GetRisk() != plain.GetNow().GetRisk() {
		t.Errorf("a tool that is not there: %v, %v", elsewhere.GetNotes(), elsewhere.GetSupposed())
	}
	for _, tt := range []struct {
		req  *fleetv1.WhatIfRequest
		want string
	}{
		{&fleetv1.WhatIfRequest{WithApproved: []string{"anydsk"}}, `the catalogue has no tool "anydsk"; on this laptop are anydesk`},
		{&fleetv1.WhatIfRequest{Without: []string{"nothing"}}, `there is no signal and no family "nothing"`},
	} {
		if _, err := j.suppose(dev, tt.req, now); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v", tt.req, err)
		}
	}
}
