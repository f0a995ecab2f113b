package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

type toolsCmd struct {
	List    toolsListCmd    `cmd:"" help:"Approvals with their owners and ends."`
	Approve toolsApproveCmd `cmd:"" help:"Approve a tool of the company's own, or replace the approval of that name."`
	Remove  toolsRemoveCmd  `cmd:"" help:"End an approval."`
}

type toolsListCmd struct{}

// Run lists approvals.
func (toolsListCmd) Run(env *environment) error {
	all, err := records(env, "approved_tool", "")
	if err != nil {
		return err
	}
	return list(env, all, toolRows(all...))
}

func toolRows(all ...*fleetv1.RosterRecord) rows {
	r := rows{header: []string{"name", "tool", "signer", "owner", "until", "tenants", "accounts", "learned", "source", "overridden"}}
	for _, x := range all {
		t := x.GetTool()
		r.add(t.GetName(), t.GetTool(), t.GetSigner(), t.GetOwner(), t.GetUntil(), strings.Join(t.GetTenants(), "; "),
			strings.Join(t.GetAccounts(), "; "), learned(t.GetLearned()), x.GetSource(), yes(x.GetOverridden()))
	}
	return r
}

// learned says what was learned from which devices.
func learned(all []*fleetv1.Learned) string {
	var words []string
	for _, l := range all {
		words = append(words, l.GetIs()+" of "+l.GetFrom())
	}
	return strings.Join(words, "; ")
}

type toolsApproveCmd struct {
	Name           string   `arg:"" help:"What the approval is called, such as help-desk."`
	Tool           string   `help:"Catalogue id, such as screenconnect." placeholder:"ID"`
	Signer         string   `help:"In place of a tool: every tool that this signer signs." placeholder:"NAME"`
	Tenant         []string `help:"Id of the company's own tenant or installation, as the tool has it: others are not covered. Repeat it for several." placeholder:"ID" sep:"none"`
	InstallationOf string   `help:"Learn the installation from this device: its tool is the company's own." placeholder:"DEVICE"`
	Account        []string `help:"Account from which the company's own people control, as the tool's log has it: others are not covered." placeholder:"ACCOUNT" sep:"none"`
	AccountsOf     string   `help:"Learn the accounts from this device: who controlled it in the last 20 days were the company's own people." placeholder:"DEVICE"`
	Owner          string   `required:"" help:"Who answers for it." placeholder:"NAME"`
	Until          string   `required:"" help:"Its last day, such as 2027-12-31." placeholder:"DATE"`
}

// Run approves.
func (c *toolsApproveCmd) Run(env *environment) error {
	got, err := rostering(env, func(ctx context.Context, client fleetv1.RosterServiceClient) (*fleetv1.PutApprovedToolResponse, error) {
		return client.PutApprovedTool(ctx, &fleetv1.PutApprovedToolRequest{
			Tool: &fleetv1.RosterTool{
				Name: c.Name, Tool: c.Tool, Signer: c.Signer, Tenants: c.Tenant, Accounts: c.Account, Owner: c.Owner, Until: c.Until,
			},
			InstallationOf: c.InstallationOf, AccountsOf: c.AccountsOf,
		})
	})
	if err != nil {
		return err
	}
	if last, err := time.Parse(time.DateOnly, c.Until); err == nil && !time.Now().Before(last.AddDate(0, 0, 1)) {
		fmt.Fprintf(env.errOut, "farmhound: the approval ended with %s; it covers what was until then, and nothing since\n", c.Until)
	}
	return one(env, got, toolRows(&fleetv1.RosterRecord{Source: "api", Tool: got.GetTool()}))
}

type toolsRemoveCmd struct {
	Name string `arg:"" help:"Name of the approval."`
}

// Run ends an approval.
func (c *toolsRemoveCmd) Run(env *environment) error { return remove(env, "approved_tool", c.Name) }

type officesCmd struct {
	List   officesListCmd   `cmd:"" help:"Offices and networks."`
	Add    officesAddCmd    `cmd:"" help:"Register an office or network, or replace the one of that name."`
	Remove officesRemoveCmd `cmd:"" help:"Remove an office or network."`
}

type officesListCmd struct{}

// Run lists offices.
func (officesListCmd) Run(env *environment) error {
	all, err := records(env, "office", "")
	if err != nil {
		return err
	}
	return list(env, all, officeRows(all...))
}

func officeRows(all ...*fleetv1.RosterRecord) rows {
	r := rows{header: []string{"name", "kind", "country", "time_zone", "networks", "gateways", "source", "overridden"}}
	for _, x := range all {
		o := x.GetOffice()
		r.add(o.GetName(), o.GetKind(), o.GetCountry(), o.GetTimeZone(), strings.Join(o.GetNetworks(), "; "),
			learned(o.GetGateways()), x.GetSource(), yes(x.GetOverridden()))
	}
	return r
}

type officesAddCmd struct {
	Name        string   `arg:"" help:"What it is called, such as columbus."`
	Network     []string `help:"Addresses under which its laptops are seen, CIDR: 192.0.2.0/24. Repeat it for several." placeholder:"CIDR"`
	DeviceThere string   `help:"A device that is in the office now: its gateway is learned." placeholder:"DEVICE"`
	Country     string   `help:"Where it is, such as US." placeholder:"CODE"`
	TimeZone    string   `help:"Its zone, such as America/New_York." placeholder:"ZONE"`
	Kind        string   `enum:"office,network" default:"office" help:"office, or network for a VPN concentrator or proxy."`
}

// Run registers an office.
func (c *officesAddCmd) Run(env *environment) error {
	got, err := rostering(env, func(ctx context.Context, client fleetv1.RosterServiceClient) (*fleetv1.PutOfficeResponse, error) {
		return client.PutOffice(ctx, &fleetv1.PutOfficeRequest{
			Office:      &fleetv1.RosterOffice{Name: c.Name, Kind: c.Kind, Country: c.Country, TimeZone: c.TimeZone, Networks: c.Network},
			DeviceThere: c.DeviceThere,
		})
	})
	if err != nil {
		return err
	}
	return one(env, got, officeRows(&fleetv1.RosterRecord{Source: "api", Office: got.GetOffice()}))
}

type officesRemoveCmd struct {
	Name string `arg:"" help:"Name of the office."`
}

// Run removes an office.
func (c *officesRemoveCmd) Run(env *environment) error { return remove(env, "office", c.Name) }
