package collector

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/proto/catalog"
)

func bookOf(t *testing.T, text string) *roster.Book {
	t.Helper()
	f, problems, err := roster.Read("r.json", strings.NewReader(text), Knows(nil).Has, false)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return roster.NewBook(f)
}

// Tenants and accounts are compared under every fleet key there ever was, a signer
// stands for every tool that it signs, and networks are no offices.
func TestDeclare(t *testing.T) {
	t.Parallel()
	book := bookOf(t, `{"approved_tools": [
		{"name": "by-account", "tool": "anydesk", "accounts": ["123 456"], "owner": "IT", "until": "2027-12-31"},
		{"name": "by-signer", "signer": "ConnectWise, Inc.", "owner": "IT", "until": "2027-12-31"},
		{"name": "by-tenant", "tool": "screenconnect", "tenants": ["a", "b"], "owner": "IT", "until": "2027-12-31"}],
		"offices": [{"name": "hq", "networks": ["192.0.2.0/24"]}, {"name": "vpn", "kind": "network", "networks": ["198.51.100.0/24"]}]}`)
	keys := []FleetKey{{ID: 1, secret: bytes.Repeat([]byte{1}, 32), retired: true}, {ID: 2, secret: bytes.Repeat([]byte{2}, 32)}}
	before := fleet.Company{ApprovedTools: []fleet.ApprovedTool{{ID: "zoom"}}, Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}
	c := declare(before, book, catalog.BuiltIn(), keys)
	type covers struct {
		ID, Name               string
		Signed                 bool
		Installations, Account int
	}
	var got []covers
	for _, a := range c.ApprovedTools[1:] {
		got = append(got, covers{a.ID, a.Name, a.Signed, len(a.Installations), len(a.Accounts)})
		if !a.Until.Equal(time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s ends at %s", a.Name, a.Until)
		}
	}
	want := []covers{
		{"anydesk", "by-account of IT", false, 0, 2}, {"connectwise-automate", "by-signer of IT", true, 0, 0}, {"screenconnect", "by-signer of IT", true, 0, 0}, {"screenconnect", "by-tenant of IT", false, 4, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("approvals (-want +got):\n%s", diff)
	}
	if len(c.Offices) != 1 || len(c.Networks) != 2 || len(before.Networks) != 1 {
		t.Errorf("offices %v, networks %v", c.Offices, c.Networks)
	}
}

type anywhere fleet.Place

func (p anywhere) Place(netip.Addr) (fleet.Place, bool) { return fleet.Place(p), true }

// Where an office is the company knows better than address data; elsewhere it does not.
func TestOfficePlaces(t *testing.T) {
	t.Parallel()
	book := bookOf(t, `{"offices": [{"name": "hq", "country": "DE", "networks": ["192.0.2.0/24", "2001:db8::/48"]}, {"name": "somewhere", "networks": ["203.0.113.0/24"]}]}`)
	us := fleet.Place{Country: "US", Region: "OH", ASN: 7, ASName: "Carrier", Latitude: 40}
	de := us
	de.Country, de.Region, de.Latitude = "DE", "", 0
	for _, x := range []struct {
		inner   fleet.Places
		address string
		want    fleet.Place
		known   bool
	}{
		{anywhere(us), "192.0.2.7", de, true}, {anywhere(us), "::ffff:192.0.2.7", de, true}, {anywhere(us), "2001:db8::1", de, true},
		{anywhere(us), "203.0.113.7", us, true}, {anywhere(us), "198.51.100.7", us, true},
		{nil, "192.0.2.7", fleet.Place{Country: "DE"}, true}, {nil, "198.51.100.7", fleet.Place{}, false},
	} {
		p := &officePlaces{inner: x.inner}
		p.use(book)
		if got, known := p.Place(netip.MustParseAddr(x.address)); got != x.want || known != x.known {
			t.Errorf("%s: %+v, %t; want %+v, %t", x.address, got, known, x.want, x.known)
		}
	}
}
