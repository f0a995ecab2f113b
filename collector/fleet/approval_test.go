package fleet

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// What the company approves is its own installation of a tool, signed by its maker and
// driven by its own people: each beside the same with something else, and with what no
// agent can tell.
func TestApprovals(t *testing.T) {
	t.Parallel()
	ours, theirs := digest("our tenant"), digest("their tenant")
	const key = 7
	// tool is a week with a tool that controls all day.
	tool := func(change func(*farmhoundv1.Tool), accounts ...string) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			installed := &farmhoundv1.Tool{Id: "anydesk", Installed: true, Running: true}
			if change != nil {
				change(installed)
			}
			l.seen.Software = &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{installed}}
			all := l.workday(monday, driven("anydesk"))
			for i, account := range accounts {
				// Each has its share of the day.
				hours := time.Duration(8/len(accounts)) * time.Hour
				began := monday.Add(9*time.Hour + time.Duration(i)*hours)
				s := control(account+"-", "anydesk", shenyang, began, until(began.Add(hours)))
				if account != "" {
					s.AccountHash, s.KeyId = digest(account), key
				}
				all[len(all)-1].Report.RemoteSessions = append(all[len(all)-1].Report.RemoteSessions, s)
			}
			return all
		}
	}
	of := func(tenant []byte) func(*farmhoundv1.Tool) {
		return func(t *farmhoundv1.Tool) { t.InstallationHash, t.KeyId = tenant, key }
	}
	signed := func(known bool) func(*farmhoundv1.Tool) {
		return func(t *farmhoundv1.Tool) { t.SignerKnown = proto.Bool(known) }
	}
	approve := func(a ...ApprovedTool) func(*Config) {
		for i := range a {
			a[i].ID, a[i].Name = "anydesk", "help-desk"
		}
		return func(c *Config) { c.Company.ApprovedTools = a }
	}
	tenant := approve(ApprovedTool{Installations: [][]byte{ours}})
	account := approve(ApprovedTool{Accounts: [][]byte{digest("help desk")}})
	seen := func(d *fleetv1.Device) any {
		s := d.GetTools()[0]
		return sentence("approved %t by %q, other installation %t, driven %v", s.GetApproved(), s.GetApprovedBy(), s.GetOtherInstallation(), rounded(d.GetDay1().UnsanctionedShare))
	}
	ended := func(d *fleetv1.Device) any {
		s := d.GetTools()[0]
		return sentence("%q until %s", s.GetApprovalEnded(), s.GetApprovalEndedAt().AsTime().Format(time.DateOnly))
	}
	covered := `approved true by "help-desk", other installation false, driven 0`
	check(t, []derived{
		{name: "our tenant", life: tool(of(ours)), config: tenant, get: seen, want: covered},
		{name: "another tenant", life: tool(of(theirs)), config: tenant, get: seen, want: `approved false by "", other installation true, driven 1`},
		{name: "another tenant beside ours", config: tenant, get: seen, want: `approved false by "", other installation true, driven 1`,
			life: tool(func(t *farmhoundv1.Tool) {
				of(ours)(t)
				t.OtherInstallationHashes = [][]byte{theirs}
			})},
		{name: "two tenants that are both ours", get: seen, want: covered,
			config: approve(ApprovedTool{Installations: [][]byte{ours}}, ApprovedTool{Installations: [][]byte{theirs}}),
			life: tool(func(t *farmhoundv1.Tool) {
				of(ours)(t)
				t.OtherInstallationHashes = [][]byte{theirs}
			})},
		{name: "our tenant under an older key", config: tenant, get: seen, want: covered, life: tool(func(t *farmhoundv1.Tool) {
			t.InstallationHash, t.KeyId = digest("our tenant under a newer key"), key+1
			t.EarlierInstallations = []*farmhoundv1.EarlierHash{{KeyId: key, Hash: ours}}
		})},
		{name: "a tenant that no agent tells", life: tool(nil), config: tenant, get: seen, want: covered},
		{name: "a tenant by the name that pictures keep", life: tool(of(ours)), get: seen, want: covered, config: func(c *Config) {
			k := New(*c).hash(hashInstallation, ours)
			approve(ApprovedTool{Installations: [][]byte{k[:]}})(c)
		}},
		{name: "two tenants of ours", life: tool(of(ours)), get: seen, want: covered,
			config: approve(ApprovedTool{Installations: [][]byte{digest("old tenant")}}, ApprovedTool{Installations: [][]byte{ours}})},
		{name: "another tenant beside an approval of all", life: tool(of(theirs)), get: seen, want: covered,
			config: approve(ApprovedTool{Installations: [][]byte{ours}}, ApprovedTool{})},
		{name: "another tenant, approved for the person", life: tool(of(theirs)), config: tenant, get: seen, want: `approved true by "", other installation false, driven 0`,
			person: func(p *fleetv1.Person) { p.ApprovedTools = []string{"anydesk"} }},
		{name: "our tenant after the approval ended", life: tool(of(ours)), get: seen, want: `approved false by "", other installation false, driven 1`,
			config: approve(ApprovedTool{Installations: [][]byte{ours}, Until: monday.AddDate(0, 0, -1)})},
		{name: "an approval that ended is told", life: tool(of(ours)), want: `"help-desk" until 2026-01-04`,
			config: approve(ApprovedTool{Installations: [][]byte{ours}, Until: monday.AddDate(0, 0, -1)}, ApprovedTool{Until: monday.AddDate(0, 0, -30)}),
			get:    ended},
		{name: "an approval that ended and was of another tenant", life: tool(of(theirs)), want: `"" until 1970-01-01`,
			config: approve(ApprovedTool{Installations: [][]byte{ours}, Until: monday.AddDate(0, 0, -1)}), get: ended},
		{name: "an approval that ended, and one that did not", life: tool(of(ours)), want: `"" until 1970-01-01`,
			config: approve(ApprovedTool{Until: monday.AddDate(0, 0, -1)}, ApprovedTool{}), get: ended},
		{name: "signed by the maker", life: tool(signed(true)), config: approve(ApprovedTool{Signed: true}), get: seen, want: covered},
		{name: "signed by somebody else", life: tool(signed(false)), config: approve(ApprovedTool{Signed: true}), get: seen,
			want: `approved false by "", other installation false, driven 1`},
		{name: "a signer that no agent tells", life: tool(nil), config: approve(ApprovedTool{Signed: true}), get: seen, want: covered},
		{name: "our account", life: tool(nil, "help desk"), config: account, get: seen, want: covered},
		{name: "another account", life: tool(nil, "stranger"), config: account, get: seen, want: `approved true by "help-desk", other installation false, driven 1`},
		{name: "ours and another account", life: tool(nil, "help desk", "stranger"), config: account, get: seen,
			want: `approved true by "help-desk", other installation false, driven 0.5`},
		{name: "an account that no agent tells", life: tool(nil, ""), config: account, get: seen, want: covered},
		{name: "another account is an operator", life: tool(nil, "help desk", "stranger"), config: account, want: uint32(1),
			get: func(d *fleetv1.Device) any { return d.GetOperator().GetSessions() }},
	})
}

// What the company says can change between two judgements, and what is said last holds.
func TestWithCompany(t *testing.T) {
	t.Parallel()
	l := newLaptop("d1")
	before := newFleet(people{l.serial: ohioan("p1")})
	l.seen.Software = &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "anydesk", Installed: true}}}
	pic := lived(t, before, l.workday(monday))
	now := monday.Add(24 * time.Hour)
	company := before.cfg.Company
	company.ApprovedTools = []ApprovedTool{{ID: "anydesk"}}
	company.HomeCountries = []string{"DE"}
	after := before.WithCompany(company)
	for _, x := range []struct {
		name               string
		f                  *Fleet
		approved, offshore bool
	}{{"before", before, false, false}, {"after", after, true, true}, {"taken back", after.WithCompany(before.cfg.Company), false, false}} {
		d := x.f.Device(pic, now)
		if got := d.GetTools()[0].GetApproved(); got != x.approved || d.GetPerson().GetOffshore() != x.offshore {
			t.Errorf("%s: approved %t, offshore %t", x.name, got, d.GetPerson().GetOffshore())
		}
	}
	if after.index != before.index {
		t.Error("what is known of where laptops are together is not shared")
	}
}
