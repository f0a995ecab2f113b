package fleet

import (
	"net/netip"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	wifi     = farmhoundv1.InterfaceKind_INTERFACE_KIND_WIFI
	ethernet = farmhoundv1.InterfaceKind_INTERFACE_KIND_ETHERNET
	tunnels  = farmhoundv1.InterfaceKind_INTERFACE_KIND_TUNNEL
)

func path(kind farmhoundv1.InterfaceKind, byDefault bool, address string) EgressPath {
	return EgressPath{Address: netip.MustParseAddr(address), Kind: kind, Default: byDefault}
}

// twoWays are the answers to a laptop whose default route is a tunnel.
func twoWays(tunnel, physical string) []EgressPath {
	return []EgressPath{path(tunnels, true, tunnel), path(wifi, false, physical)}
}

func TestPhysicalPath(t *testing.T) {
	t.Parallel()
	const six, sixNear, sixFar = "2600:1::1", "2600:1::2", "2600:2::1"
	for name, tt := range map[string]struct {
		peer  string
		paths []EgressPath
		want  string
	}{
		"not asked":                             {peer: ohio},
		"one way":                               {peer: ohio, paths: []EgressPath{path(wifi, true, ohio)}},
		"a tunnel":                              {peer: exitOhio, paths: twoWays(exitOhio, ohio), want: ohio},
		"a tunnel that does not change a thing": {peer: ohio, paths: twoWays(ohio, ohio)},
		"a tunnel's way is blocked":             {peer: exitOhio, paths: []EgressPath{path(wifi, false, ohio)}, want: ohio},
		"a proxy":                               {peer: concentr, paths: []EgressPath{path(wifi, true, ohio)}, want: ohio},
		"a telephone beside it":                 {peer: ohio, paths: []EgressPath{path(ethernet, true, ohio), path(wifi, false, berlin)}},
		"behind a balancer, without a tunnel":   {paths: []EgressPath{path(wifi, true, ohio)}, want: ohio},
		"behind a balancer, with a tunnel":      {paths: twoWays(exitOhio, berlin), want: berlin},
		"a private network says nothing":        {peer: exitOhio, paths: twoWays(exitOhio, "192.168.1.2")},
		"the other family alone":                {peer: exitOhio, paths: []EgressPath{path(wifi, false, six)}},
		"the other family past a tunnel":        {peer: exitOhio, paths: []EgressPath{path(wifi, false, six), path(tunnels, true, exitOhio)}, want: six},
		"its default route past a tunnel":       {peer: exitOhio, paths: []EgressPath{path(wifi, true, six), path(tunnels, true, exitOhio)}, want: six},
		"a tunnel that is not the peer's":       {peer: exitOhio, paths: []EgressPath{path(wifi, false, six), path(tunnels, true, berlin)}},
		"the other family on both ways":         {peer: exitOhio, paths: append(twoWays(sixFar, six), path(tunnels, true, exitOhio)), want: six},
		"the other family through the tunnel":   {peer: exitOhio, paths: append(twoWays(six, six), path(tunnels, true, exitOhio))},
		"the peer's family goes first":          {peer: exitOhio, paths: append(twoWays(sixFar, six), twoWays(exitOhio, ohio)...), want: ohio},
		"one IPv6 network is one place":         {peer: six, paths: []EgressPath{path(wifi, true, sixNear)}},
	} {
		var peer netip.Addr
		if tt.peer != "" {
			peer = netip.MustParseAddr(tt.peer)
		}
		got := physicalPath(tt.paths, peer)
		if (tt.want != "" || got.IsValid()) && got.String() != tt.want {
			t.Errorf("%s: %v, want %q", name, got, tt.want)
		}
	}
}

// A VPN neither hides where a laptop is abroad, nor makes one abroad that is at home.
func TestWhereALaptopStandsBehindATunnel(t *testing.T) {
	t.Parallel()
	behind := func(exit, physical string, tool string) func(*laptop) []Observation {
		return func(l *laptop) []Observation {
			l.peer, l.physical = exit, physical
			tunnel(l, tool)
			return l.workdays(monday, 5)
		}
	}
	egress := func(d *fleetv1.Device) any {
		e := d.GetEgress()
		return sentence("%s %t/%t, own %s %t/%t, foreign on %d days, hidden on %d, disagree %t", e.GetCountry(), e.GetForeign(), e.GetHighRisk(),
			e.GetPhysicalCountry(), e.GetPhysicalForeign(), e.GetPhysicalHighRisk(), e.GetForeignDays(), e.GetHiddenDays(), e.GetPathsDisagree())
	}
	lying := func(peer, claimed string, change func(*laptop)) func(*laptop) []Observation {
		return func(l *laptop) []Observation {
			l.peer, l.physical = peer, claimed
			change(l)
			return l.workdays(monday, 5)
		}
	}
	honestly := func(*laptop) {}
	withTunnel := func(l *laptop) { tunnel(l, "") }
	backDated := func(l *laptop) { l.late = 20 * 24 * time.Hour }
	place := func(d *fleetv1.Device) any {
		p := d.GetPlace()
		return sentence("declared on %d of %d days, ever %t, first elsewhere %s, hidden at first %s", p.GetDeclaredDays(), p.GetKnownDays(),
			p.GetEverDeclared(), known(p.FirstNetworkElsewhere), known(p.HiddenFromDayOne))
	}
	check(t, []derived{
		{name: "abroad behind an exit at home", life: behind(exitOhio, shenyang, ""), get: egress,
			want: "US false/false, own CN true/true, foreign on 5 days, hidden on 5, disagree true"},
		{name: "its history", life: behind(exitOhio, shenyang, ""), get: place,
			want: "declared on 0 of 5 days, ever false, first elsewhere true, hidden at first true"},
		{name: "at home behind an exit abroad", life: behind(exitBerlin, ohio, ""), get: egress,
			want: "DE false/false, own US false/false, foreign on 0 days, hidden on 5, disagree true"},
		{name: "its history too", life: behind(exitBerlin, ohio, ""), get: place,
			want: "declared on 5 of 5 days, ever true, first elsewhere false, hidden at first false"},
		{name: "at home behind the company's concentrator", life: behind(concentr, ohio, ""), get: egress,
			want: "US false/false, own US false/false, foreign on 0 days, hidden on 0, disagree false"},
		{name: "abroad behind the company's concentrator", life: behind(concentr, berlin, ""), get: egress,
			want: "US false/false, own DE true/false, foreign on 5 days, hidden on 0, disagree false"},
		{name: "an approved tunnel explains itself", life: behind(exitOhio, ohio, "tailscale"), get: egress,
			config: func(c *Config) { c.Company.ApprovedTools = []ApprovedTool{{ID: "tailscale"}} },
			want:   "US false/false, own US false/false, foreign on 0 days, hidden on 5, disagree false"},
		// Somebody at home asked in the laptop's place: that clears nobody of what was seen.
		{name: "openly abroad, with an address from home", life: lying(shenyang, ohio, honestly), get: egress,
			want: "CN true/true, own US false/false, foreign on 5 days, hidden on 0, disagree true"},
		{name: "the same, with a tunnel told", life: lying(shenyang, ohio, withTunnel), get: egress,
			want: "CN true/true, own US false/false, foreign on 5 days, hidden on 0, disagree true"},
		{name: "the same elsewhere", life: lying(berlin, ohio, withTunnel), get: egress,
			want: "DE true/false, own US false/false, foreign on 5 days, hidden on 0, disagree true"},
		{name: "its history", life: lying(berlin, ohio, withTunnel), get: place,
			want: "declared on 0 of 5 days, ever false, first elsewhere unknown, hidden at first true"},
		{name: "behind an exit that the laptop tells no tunnel to", life: lying(exitBerlin, ohio, honestly), get: egress,
			want: "DE true/false, own US false/false, foreign on 0 days, hidden on 5, disagree true"},
		{name: "at home behind a consumer VPN's exit that address data take for a line", life: behind(berlin, ohio, "mullvad"), get: egress,
			want: "DE false/false, own US false/false, foreign on 0 days, hidden on 0, disagree true"},
		{name: "its history as well", life: behind(berlin, ohio, "mullvad"), get: place,
			want: "declared on 5 of 5 days, ever true, first elsewhere false, hidden at first false"},
		{name: "the same with an exit on the list", life: behind(shenyang, ohio, "mullvad"), get: egress,
			want: "CN true/true, own US false/false, foreign on 5 days, hidden on 0, disagree true"},
		{name: "an old answer in a report that waited", life: lying(shenyang, ohio, backDated), get: egress,
			want: "CN true/true, own  false/false, foreign on 0 days, hidden on 0, disagree false"},
	})
}

// known says yes, no, or that it is not known.
func known(answer *bool) string {
	if answer == nil {
		return "unknown"
	}
	return sentence("%t", *answer)
}

// Laptops that always leave by VPNs, each by another, are still in one room.
func TestLaptopsBehindVPNsMeetByTheirOwnInterfaces(t *testing.T) {
	t.Parallel()
	f := newFleet(people{"serial-a": ohioan("a"), "serial-b": ohioan("b")})
	var pictures []*fleetv1.Picture
	for name, exit := range map[string]string{"a": exitOhio, "b": berlin} {
		l := newLaptop(name)
		l.at("room")
		l.peer, l.physical = exit, california
		tunnel(l, "")
		pictures = append(pictures, lived(t, f, l.workdays(monday, 5)))
	}
	for _, pic := range pictures {
		if site := f.Device(pic, time.Unix(pic.GetLastReceivedUnix(), 0)).GetSite(); len(site.GetMembers()) != 2 {
			t.Errorf("%s is at a site of %v", pic.GetId(), site.GetMembers())
		}
	}
}

func TestSecurityGateways(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Zscaler, Inc.": true, "ZSCALER SWITZERLAND GMBH": true, "Netskope Inc": true, "Cato Networks Ltd": true,
		"": false, "Comcast Cable": false, "Resold by Zscaler": false,
	} {
		if got := securityGateway(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}
