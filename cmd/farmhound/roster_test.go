package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// fakeRoster answers as a collector with a small roster would, some of it with names
// that try to steer terminals and spreadsheets.
type fakeRoster struct {
	fleetv1.UnimplementedRosterServiceServer
}

func numbered(n uint64) *fleetv1.RosterVersion {
	return &fleetv1.RosterVersion{
		Number: n, Digest: "0123456789abcdef0123456789abcdef", At: noon(int(n)), Actor: "ann (token t1)", Origin: "hr.csv", Added: 1, Changed: 1, Refused: 1,
	}
}

// ImportRoster answers with what came.
func (fakeRoster) ImportRoster(in grpc.ClientStreamingServer[fleetv1.ImportRosterRequest, fleetv1.ImportRosterResponse]) error {
	if err := (fake{}).admit(in.Context()); err != nil {
		return err
	}
	var content bytes.Buffer
	var first *fleetv1.ImportRosterRequest
	for {
		part, err := in.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if first == nil {
			first = part
		}
		content.Write(part.GetContent())
	}
	text := content.String()
	switch {
	case text == "":
		return status.Error(codes.InvalidArgument, "import the roster: "+first.GetName()+":1:1: the roster is empty")
	case strings.Contains(text, "same"):
		return in.SendAndClose(&fleetv1.ImportRosterResponse{Version: numbered(2)})
	case len(text) > partSize:
		return in.SendAndClose(&fleetv1.ImportRosterResponse{Version: &fleetv1.RosterVersion{Number: 3, Added: uint32(strings.Count(text, "\n")) - 1}, Changed: true})
	}
	answer := &fleetv1.ImportRosterResponse{Version: numbered(2), Changed: true, Changes: []*fleetv1.RosterChange{
		{Source: "api", Kind: "laptop", Key: "A1", Summary: "country US -> DE"}, {Source: "api", Kind: "laptop", Key: "B\x1b1", Summary: "added: role =1+1"},
	}}
	if strings.Contains(text, "bad") {
		answer.Doubts = []*fleetv1.RosterDoubt{{Line: "country DE", Laptops: 40, Otherwise: 37, Sentence: "37 of 40 laptops are seen elsewhere; is the country right?"}}
		answer.Problems = []*fleetv1.RosterProblem{{File: first.GetName(), Line: 3, Column: 4, Reason: "country: \"\x1b\" is no country"}}
	}
	return in.SendAndClose(answer)
}

// ListRoster answers in pages of one.
func (fakeRoster) ListRoster(ctx context.Context, req *fleetv1.ListRosterRequest) (*fleetv1.ListRosterResponse, error) {
	learned := []*fleetv1.Learned{{Is: "gateway", From: "00112233"}}
	all := map[string][]*fleetv1.RosterRecord{
		"laptop": {
			{Source: "api", Kind: "laptop", Key: "A1", Laptop: &fleetv1.RosterLaptop{Serial: "A1", Person: "p-1", Country: "US", Role: "dev, ops", WorkDays: "mon;tue"}},
			{Source: "file:x.csv", Kind: "laptop", Key: "A1", Overridden: true, Laptop: &fleetv1.RosterLaptop{Serial: "A1", Country: "DE"}},
			{Source: "file:x.csv", Kind: "laptop", Key: "B1", Laptop: &fleetv1.RosterLaptop{Serial: "B1", Person: "=p\u202e", ExemptUntil: "2026-12-31", ExemptReason: "On leave"}},
		},
		"approved_tool": {{Source: "api", Kind: "approved_tool", Key: "help-desk", Tool: &fleetv1.RosterTool{
			Name: "help-desk", Tool: "screenconnect", Tenants: []string{"acme", "acme-eu"}, Owner: "IT", Until: "2027-12-31",
		}}},
		"office": {{Source: "api", Kind: "office", Key: "hq", Office: &fleetv1.RosterOffice{Name: "hq", Kind: "office", Country: "US", Networks: []string{"192.0.2.0/24"}, Gateways: learned}}},
	}[req.GetKind()]
	page := len(req.GetPageToken())
	answer := &fleetv1.ListRosterResponse{Records: all[page : page+1]}
	if page+1 < len(all) {
		answer.NextPageToken = req.GetPageToken() + "x"
	}
	return answer, (fake{}).admit(ctx)
}

// CheckRoster has one line that most laptops contradict.
func (fakeRoster) CheckRoster(ctx context.Context, _ *fleetv1.CheckRosterRequest) (*fleetv1.CheckRosterResponse, error) {
	return &fleetv1.CheckRosterResponse{Doubts: []*fleetv1.RosterDoubt{{
		Line: "region US-\x1b[31m", Laptops: 40, Otherwise: 37, Sentence: "37 of 40 laptops declared in region US-\x1b[31m are elsewhere; is the region right?",
	}}, LookedAt: noon(9), Laptops: 41}, (fake{}).admit(ctx)
}

func (fakeRoster) ListRosterVersions(ctx context.Context, _ *fleetv1.ListRosterVersionsRequest) (*fleetv1.ListRosterVersionsResponse, error) {
	return &fleetv1.ListRosterVersionsResponse{Versions: []*fleetv1.RosterVersion{numbered(2), numbered(1)}}, (fake{}).admit(ctx)
}

func (fakeRoster) ListRosterChanges(ctx context.Context, _ *fleetv1.ListRosterChangesRequest) (*fleetv1.ListRosterChangesResponse, error) {
	return &fleetv1.ListRosterChangesResponse{Changes: []*fleetv1.RosterChange{{Source: "api", Kind: "laptop", Key: "A1", Summary: "country US -> DE"}}}, (fake{}).admit(ctx)
}

func (fakeRoster) PutApprovedTool(ctx context.Context, req *fleetv1.PutApprovedToolRequest) (*fleetv1.PutApprovedToolResponse, error) {
	return &fleetv1.PutApprovedToolResponse{Tool: req.GetTool(), Version: numbered(3)}, (fake{}).admit(ctx)
}

func (fakeRoster) PutOffice(ctx context.Context, req *fleetv1.PutOfficeRequest) (*fleetv1.PutOfficeResponse, error) {
	return &fleetv1.PutOfficeResponse{Office: req.GetOffice(), Version: numbered(3)}, (fake{}).admit(ctx)
}

func (fakeRoster) RemoveRoster(ctx context.Context, req *fleetv1.RemoveRosterRequest) (*fleetv1.RemoveRosterResponse, error) {
	if req.GetKey() != "A1" {
		return nil, status.Errorf(codes.NotFound, "remove %s %q: not found", req.GetKind(), req.GetKey())
	}
	return &fleetv1.RemoveRosterResponse{Version: numbered(3)}, (fake{}).admit(ctx)
}

// What the commands about the roster print in every format is kept in testdata.
func TestRosterOutput(t *testing.T) {
	t.Parallel()
	ask := loggedIn(t)
	for name, args := range map[string][]string{
		"roster": {"roster", "list"}, "versions": {"roster", "versions"}, "changes": {"roster", "changes", "2"},
		"tools": {"tools", "list"}, "offices": {"offices", "list"},
		"approve": {"tools", "approve", "help-desk", "--tool", "screenconnect", "--tenant", "a,b", "--tenant", "c", "--owner", "IT", "--until", "2027-12-31"},
		"office":  {"offices", "add", "hq", "--network", "192.0.2.0/24", "--network", "2001:db8::/48", "--country", "US"},
	} {
		sameAsGolden(t, ask, name, args)
	}
}

func TestRosterCommands(t *testing.T) {
	t.Parallel()
	ask := loggedIn(t)
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "hr.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	long := file("serial\n" + strings.Repeat("A23456789\n", partSize/5))
	for name, x := range map[string]struct {
		args      []string
		code      int
		out, said string
	}{
		"import":         {[]string{"roster", "import", file("serial\nA1\n")}, 0, "api     laptop  B\uFFFD1  added: role =1+1\nVersion 2: 1 added, 1 changed, 0 removed; 1 problems.\n", ""},
		"diff":           {[]string{"roster", "diff", file("serial\nA1\n")}, 0, "Nothing is changed yet. An import: 1 added, 1 changed, 0 removed; 1 problems.\n", ""},
		"same":           {[]string{"roster", "import", file("same")}, 0, "Nothing changes; version 2 says the same.\n", ""},
		"bad rows":       {[]string{"roster", "import", file("bad")}, 1, "Version 2:", "farmhound: hr.csv:3:4: country: \"\uFFFD\" is no country\nfarmhound: doubtful: 37 of 40 laptops are seen elsewhere; is the country right?\nfarmhound: some of the roster could not be used; the rest counts\n"},
		"in parts":       {[]string{"roster", "import", long}, 0, "Version 3: 52428 added", "the first 0 of 52428 changes are shown"},
		"empty":          {[]string{"roster", "import", file("")}, 1, "", "farmhound: import the roster: hr.csv:1:1: the roster is empty\n"},
		"no file":        {[]string{"roster", "import", "nowhere.csv"}, 1, "", "no such file"},
		"check":          {[]string{"roster", "check"}, 1, "LINE             OTHERWISE  LAPTOPS  DOUBT\nregion US-\uFFFD[31m  37         40       37 of 40", "farmhound: many laptops contradict what is said; no verdict is held back for it\n"},
		"remove":         {[]string{"roster", "remove", "A1"}, 0, "Removed; version 3.\n", ""},
		"remove twice":   {[]string{"roster", "remove", "B1"}, 1, "", `farmhound: remove laptop "B1": not found`},
		"approve: over":  {[]string{"tools", "approve", "x", "--tool", "anydesk", "--owner", "IT", "--until", "2026-01-31"}, 0, "anydesk", "farmhound: the approval ended with 2026-01-31; it covers what was until then, and nothing since\n"},
		"approve: owner": {[]string{"tools", "approve", "x", "--tool", "anydesk", "--until", "2027-12-31"}, 2, "", "--owner"},
		"export": {[]string{"roster", "export"}, 0, "serial,person,country,region,time_zone,ship_to,work_days,work_start,work_end,role,approved_tools,approved_travel,household,exempt_until,exempt_reason\n" +
			"A1,p-1,US,,,,mon;tue,,,\"dev, ops\",,,,,\nB1,'=p\uFFFD,,,,,,,,,,,,2026-12-31,On leave\n", ""},
	} {
		code, out, said := ask(x.args...)
		if code != x.code || !strings.Contains(out, x.out) || !strings.Contains(said, x.said) {
			t.Errorf("%s: exit %d\n%s%s\nwant exit %d with\n%s%s", name, code, out, said, x.code, x.out, x.said)
		}
	}
}
