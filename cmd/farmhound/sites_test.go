package main

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// ListSites has a page of one site, and another of an office for who asks for all.
func (fake) ListSites(_ context.Context, req *fleetv1.ListSitesRequest) (*fleetv1.ListSitesResponse, error) {
	switch {
	case req.GetPageToken() == "next":
		return &fleetv1.ListSitesResponse{Sites: []*fleetv1.SiteRow{{
			Id: "site-0123456789abcdef", Kind: "office", People: 9, Unnamed: 3, Laptops: 11, Since: noon(1), Verdict: "clear", Risk: 0.001,
			JoinedBy: "the same gateway and egress network",
		}}}, nil
	case req.GetAll():
		return &fleetv1.ListSitesResponse{Sites: []*fleetv1.SiteRow{site()}, NextPageToken: "next"}, nil
	}
	return &fleetv1.ListSitesResponse{Sites: []*fleetv1.SiteRow{site()}}, nil
}

func site() *fleetv1.SiteRow {
	return &fleetv1.SiteRow{
		Id: "site-fedcba9876543210", Kind: "shared", People: 2, Laptops: 2, Since: noon(1), Verdict: "near_certain", Risk: 0.99982,
		JoinedBy: "the same gateway and egress network; each seeing the other on its network", SharedPeripheral: "=Jet\x1b[31mKVM", TurnsDays: 4,
	}
}

// GetSite has one site, some of whose names try to steer terminals and spreadsheets.
func (fake) GetSite(_ context.Context, req *fleetv1.GetSiteRequest) (*fleetv1.GetSiteResponse, error) {
	if req.GetSite() != "site-fed" {
		return nil, status.Error(codes.NotFound, "device \"x\" is in no site: it is alone, or among more laptops than a site has")
	}
	all := summaries()
	member := func(s *fleetv1.DeviceSummary, ties ...*fleetv1.SiteTie) *fleetv1.SiteMember {
		return &fleetv1.SiteMember{
			Device: s.GetId(), Serial: s.GetSerial(), Hostname: s.GetHostname(), Person: s.GetPerson(), Verdict: s.GetVerdict(), Risk: s.GetRisk(),
			CameAt: noon(1), LastSeenAt: noon(9), Days: 9, Ties: ties,
		}
	}
	tie := func(kind, what, with, word string) *fleetv1.SiteTie {
		return &fleetv1.SiteTie{Kind: kind, What: what, With: []string{with}, FirstSeenAt: noon(1), LastSeenAt: noon(9), Word: word}
	}
	return &fleetv1.GetSiteResponse{
		Site: site(),
		Members: []*fleetv1.SiteMember{
			member(all[0], tie("gateway", "one gateway behind 203.0.113.0/24", all[1].GetId(), "both told of it"), tie("neighbours", "each sees the other", all[1].GetId(), "each told of the other")),
			member(all[1], tie("gateway", "one gateway behind 203.0.113.0/24", all[0].GetId(), "both told of it")),
		},
		Former: []*fleetv1.SiteMember{{Device: "aabbccddeeff00112233445566778899", Hostname: "lap-3", CameAt: noon(1), LastSeenAt: noon(4), Days: 4}},
	}, nil
}

func TestSitesOutput(t *testing.T) {
	t.Parallel()
	ask := loggedIn(t)
	for name, args := range map[string][]string{
		"sites": {"sites"}, "sites-all": {"sites", "list", "--all"}, "site": {"sites", "show", "site-fed"},
	} {
		sameAsGolden(t, ask, name, args)
	}
	if code, _, errOut := ask("sites", "show", "x"); code != 1 || errOut == "" {
		t.Errorf("a site that is not there: exit %d, %q", code, errOut)
	}
}
