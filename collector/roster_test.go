package collector_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// What an administrator says through the API changes what is said of a laptop: its
// person, the approval of the very installation, a second one beside it, an exemption.
func TestWhatTheRosterSaysChangesWhy(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	now := time.Now()
	report, ring := c.laptop("A1")
	hash, id, _ := ring.Hash(fleetkey.InstallationID, []byte("acme"))
	report(driven("A1", now, &farmhoundv1.Tool{Id: "screenconnect", Installed: true, Running: true, InstallationHash: hash, KeyId: id})...)
	report, ring = c.laptop("B1")
	hash, id, _ = ring.Hash(fleetkey.InstallationID, []byte("somebody else's"))
	report(driven("B1", now, &farmhoundv1.Tool{Id: "screenconnect", Installed: true, Running: true, InstallationHash: hash, KeyId: id})...)
	c.says("A1", "session_share: ", "")

	ctx := c.asAdmin()
	done, err := c.send(ctx, "serial,person,country\nA1,p-1,US\nB1,p-2,XX\n", &fleetv1.ImportRosterRequest{})
	must(t, err)
	if v := done.GetVersion(); v.GetNumber() != 1 || v.GetAdded() != 1 || v.GetRefused() != 1 || len(done.GetProblems()) != 1 ||
		done.GetProblems()[0].GetLine() != 3 || done.GetProblems()[0].GetColumn() != 8 {
		t.Errorf("import: %v", done)
	}
	got, err := c.fleet.GetDevice(ctx, &fleetv1.GetDeviceRequest{Device: "A1"})
	must(t, err)
	if got.GetDevice().GetPerson().GetId() != "p-1" {
		t.Errorf("person %v right after the import", got.GetDevice().GetPerson())
	}

	c.until("the list of devices names the person", func() bool {
		listed, err := c.fleet.ListDevices(ctx, &fleetv1.ListDevicesRequest{Prefix: "p-1"})
		must(t, err)
		return len(listed.GetDevices()) == 1
	})

	// The help desk's tenant, by its name; the same tool of another tenant still stands out.
	until := now.AddDate(1, 0, 0).Format(time.DateOnly)
	tool := &fleetv1.RosterTool{Name: "help-desk", Tool: "screenconnect", Tenants: []string{"acme"}, Owner: "IT", Until: until}
	_, err = c.roster.PutApprovedTool(ctx, &fleetv1.PutApprovedToolRequest{Tool: tool})
	must(t, err)
	c.says("A1", "controlled through approved tools (help-desk of IT) for 100 % of its active time", "clear")
	c.says("B1", "this is another installation or tenant of ScreenConnect", "")
	if words, _ := c.why("A1"); strings.Contains(words, "session_share") {
		t.Errorf("what is approved is weighed:\n%s", words)
	}
	// Learned from the laptop, it is the company's own, too.
	put, err := c.roster.PutApprovedTool(ctx, &fleetv1.PutApprovedToolRequest{Tool: tool, InstallationOf: "B1"})
	must(t, err)
	if l := put.GetTool().GetLearned(); len(l) != 1 || l[0].GetIs() != "installation" || l[0].GetKey() != id {
		t.Errorf("learned %v", l)
	}
	c.says("B1", "through approved tools (help-desk of IT)", "clear")
	_, err = c.roster.RemoveRoster(ctx, &fleetv1.RemoveRosterRequest{Kind: "approved_tool", Key: "help-desk"})
	must(t, err)
	c.says("A1", "session_share: ", "")
	c.says("B1", "session_share: ", "")

	// An exemption is said, with its end and reason, and with what it holds back.
	_, err = c.send(ctx, "serial,exempt_until,exempt_reason\nA1,"+until+",red team\n", &fleetv1.ImportRosterRequest{Merge: true})
	must(t, err)
	c.says("A1", `("red team"), so that the verdict is at most watch`, "")
	past := now.AddDate(0, 0, -2).Format(time.DateOnly)
	_, err = c.send(ctx, "serial,exempt_until,exempt_reason\nA1,"+past+",red team\n", &fleetv1.ImportRosterRequest{Merge: true})
	must(t, err)
	c.says("A1", "session_share: ", "")
	c.until("an exemption that ended holds nothing back", func() bool {
		words, _ := c.why("A1")
		return !strings.Contains(words, "is exempt") && strings.Contains(words, "Exempt no more since ")
	})

	// Every step is a version with its author and what it changed.
	versions, err := c.roster.ListRosterVersions(ctx, &fleetv1.ListRosterVersionsRequest{})
	must(t, err)
	if n := len(versions.GetVersions()); n != 6 {
		t.Errorf("%d versions, want 6: %v", n, versions)
	}
	for _, v := range versions.GetVersions() {
		if !strings.HasPrefix(v.GetActor(), "admin (token ") {
			t.Errorf("version %d is of %q", v.GetNumber(), v.GetActor())
		}
	}
	for _, n := range []uint64{0, 7} {
		_, err := c.roster.ListRosterChanges(ctx, &fleetv1.ListRosterChangesRequest{Version: n})
		if status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), "the latest is 6") {
			t.Errorf("changes of version %d: %v", n, err)
		}
	}
	changes, err := c.roster.ListRosterChanges(ctx, &fleetv1.ListRosterChangesRequest{Version: 3})
	must(t, err)
	if all := changes.GetChanges(); len(all) != 1 || !strings.Contains(all[0].GetSummary(), "learned installation of ") {
		t.Errorf("version 3 changed %v", all)
	}
}

// An office is known by its addresses, or by the gateway of a laptop that stands there.
func TestOffices(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ctx, now := c.asAdmin(), time.Now()
	report, ring := c.laptop("A1")
	gateway, id, _ := ring.Hash(fleetkey.GatewayMAC, []byte{2, 0, 0, 0, 0, 1})
	week := driven("A1", now)
	for _, r := range week {
		r.Network = &farmhoundv1.Network{GatewayHash: gateway, KeyId: id}
		for _, w := range r.GetWindows() {
			w.Control, w.Input = nil, &farmhoundv1.InputSeconds{BuiltIn: 2000}
		}
	}
	last := len(week) - 1
	report(week[:last]...)
	officeDays := func() uint32 {
		got, err := c.fleet.GetDevice(ctx, &fleetv1.GetDeviceRequest{Device: "A1"})
		must(t, err)
		return got.GetDevice().GetPlace().GetOfficeDays()
	}
	if n := officeDays(); n != 0 {
		t.Fatalf("%d days at an office that nobody registered", n)
	}
	put, err := c.roster.PutOffice(ctx, &fleetv1.PutOfficeRequest{Office: &fleetv1.RosterOffice{Name: "columbus", Country: "us"}, DeviceThere: "A1"})
	must(t, err)
	if o := put.GetOffice(); len(o.GetGateways()) != 1 || o.GetCountry() != "US" || o.GetKind() != "office" || o.GetGateways()[0].GetKey() != id {
		t.Errorf("office %v", o)
	}
	report(week[last])
	if n := officeDays(); n != 1 {
		t.Errorf("%d days at the office since it was registered, want 1", n)
	}
	listed, err := c.roster.ListRoster(ctx, &fleetv1.ListRosterRequest{Kind: "office"})
	must(t, err)
	if len(listed.GetRecords()) != 1 || listed.GetRecords()[0].GetOffice().GetName() != "columbus" || listed.GetRecords()[0].GetSource() != "api" {
		t.Errorf("offices %v", listed)
	}
}

// Only admins change what is said, and what cannot be is refused in words.
func TestRosterRefusals(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ctx := c.asAdmin()
	report, _ := c.laptop("A1")
	report(driven("A1", time.Now(), &farmhoundv1.Tool{Id: "screenconnect", Installed: true})...)
	tool := func(change func(*fleetv1.PutApprovedToolRequest)) error {
		req := &fleetv1.PutApprovedToolRequest{Tool: &fleetv1.RosterTool{Name: "help-desk", Tool: "screenconnect", Owner: "IT", Until: "2027-12-31"}}
		change(req)
		_, err := c.roster.PutApprovedTool(ctx, req)
		return err
	}
	office := func(req *fleetv1.PutOfficeRequest) error {
		_, err := c.roster.PutOffice(ctx, req)
		return err
	}
	remove := func(kind, key string) error {
		_, err := c.roster.RemoveRoster(ctx, &fleetv1.RemoveRosterRequest{Kind: kind, Key: key})
		return err
	}
	imported := func(ctx context.Context, text string) error {
		_, err := c.send(ctx, text, &fleetv1.ImportRosterRequest{})
		return err
	}
	for name, x := range map[string]struct {
		err  error
		code codes.Code
		want string
	}{
		"a viewer's":     {imported(c.as(c.token("viewer")), "serial\nA1\n"), codes.PermissionDenied, `token "bob" is a viewer's; importing a roster needs an admin's`},
		"an analyst's":   {imported(c.as(c.token("analyst")), "serial\nA1\n"), codes.PermissionDenied, "needs an admin's"},
		"no token":       {imported(t.Context(), "serial\nA1\n"), codes.Unauthenticated, "the call needs one header"},
		"no roster":      {imported(ctx, "person\np\n"), codes.InvalidArgument, "hr.csv:1:1: the header has no column serial"},
		"broken JSON":    {imported(ctx, `[{"serial"`), codes.InvalidArgument, "hr.csv:1:11: not valid JSON"},
		"nobody's":       {tool(func(r *fleetv1.PutApprovedToolRequest) { r.Tool.Tool, r.Tool.Signer = "", "teamviewer gmbh" }), codes.InvalidArgument, `no tool of the catalogue is signed by "teamviewer gmbh"; did you mean "TeamViewer GmbH"?`},
		"unknown tool":   {tool(func(r *fleetv1.PutApprovedToolRequest) { r.Tool.Tool = "nonesuch" }), codes.InvalidArgument, `the catalogue has no entry "nonesuch"`},
		"no owner":       {tool(func(r *fleetv1.PutApprovedToolRequest) { r.Tool.Owner = "" }), codes.InvalidArgument, "names who answers for it"},
		"no such device": {tool(func(r *fleetv1.PutApprovedToolRequest) { r.InstallationOf = "Z9" }), codes.InvalidArgument, `there is no device "Z9"`},
		"nothing to learn": {tool(func(r *fleetv1.PutApprovedToolRequest) { r.InstallationOf = "A1" }), codes.InvalidArgument,
			"does not tell which installation of screenconnect it has; name the tenant instead"},
		"no accounts":   {tool(func(r *fleetv1.PutApprovedToolRequest) { r.AccountsOf = "A1" }), codes.InvalidArgument, "tells an account"},
		"bad network":   {office(&fleetv1.PutOfficeRequest{Office: &fleetv1.RosterOffice{Name: "hq", Networks: []string{"0.0.0.0/0"}}}), codes.InvalidArgument, "more of the internet"},
		"no gateway":    {office(&fleetv1.PutOfficeRequest{Office: &fleetv1.RosterOffice{Name: "hq"}, DeviceThere: "A1"}), codes.InvalidArgument, "does not tell its gateway"},
		"no office":     {office(&fleetv1.PutOfficeRequest{}), codes.InvalidArgument, "name: a name is of small letters"},
		"removed twice": {remove("office", "hq"), codes.NotFound, "not found"},
	} {
		s, _ := status.FromError(x.err)
		if s.Code() != x.code || !strings.Contains(s.Message(), x.want) {
			t.Errorf("%s: %v, want %s with %q", name, x.err, x.code, x.want)
		}
	}
	if versions, err := c.roster.ListRosterVersions(ctx, &fleetv1.ListRosterVersionsRequest{}); err != nil || len(versions.GetVersions()) > 0 {
		t.Errorf("what was refused made versions: %v %v", versions, err)
	}
}

// Lists come in pages that leave nothing out and say nothing twice.
func TestRosterPages(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ctx := c.asAdmin()
	_, err := c.send(ctx, "serial,person\nA1,p-1\nA2,p-2\nB1,q-1\nB2,\nB3,p-3\n", &fleetv1.ImportRosterRequest{})
	must(t, err)
	_, err = c.roster.PutOffice(ctx, &fleetv1.PutOfficeRequest{Office: &fleetv1.RosterOffice{Name: "hq", Networks: []string{"192.0.2.0/24"}}})
	must(t, err)
	listed := func(req *fleetv1.ListRosterRequest) string {
		var keys []string
		for {
			page, err := c.roster.ListRoster(ctx, req)
			must(t, err)
			if n := len(page.GetRecords()); n > int(req.GetPageSize()) || n == 0 && page.GetNextPageToken() != "" {
				t.Errorf("a page of %d records", n)
			}
			for _, r := range page.GetRecords() {
				keys = append(keys, r.GetKey())
			}
			if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
				return strings.Join(keys, " ")
			}
		}
	}
	for want, req := range map[string]*fleetv1.ListRosterRequest{
		"A1 A2 B1 B2 B3 hq": {PageSize: 2},
		"A1 A2 B1 B2 B3":    {PageSize: 5, Kind: "laptop"},
		"B1 B2 B3":          {PageSize: 1, Prefix: "b"},
		"A1 A2 B3":          {PageSize: 2, Prefix: "P-"},
		"":                  {PageSize: 2, Prefix: "z"},
	} {
		if got := listed(req); got != want {
			t.Errorf("%v lists %q, want %q", req, got, want)
		}
	}
	var keys []string
	for token := ""; ; {
		page, err := c.roster.ListRosterChanges(ctx, &fleetv1.ListRosterChangesRequest{Version: 1, PageSize: 2, PageToken: token})
		must(t, err)
		for _, x := range page.GetChanges() {
			keys = append(keys, x.GetKey())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if got := strings.Join(keys, " "); got != "A1 A2 B1 B2 B3" {
		t.Errorf("version 1 changed %q", got)
	}
	if _, err := c.roster.ListRoster(ctx, &fleetv1.ListRosterRequest{PageToken: "nonsense"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a page token of nobody: %v", err)
	}
}
