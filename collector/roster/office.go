package roster

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Office is a place or network of the company's.
type Office struct {
	// Name is what it is called.
	Name string `json:"name"`
	// Kind is office, where people work, or network: a VPN concentrator, a proxy.
	Kind string `json:"kind"`
	// Country is where it is, ISO 3166-1 alpha-2; TimeZone its IANA zone. Both may be empty.
	Country  string `json:"country,omitempty"`
	TimeZone string `json:"time_zone,omitempty"`
	// Networks are the addresses under which its laptops are seen, in CIDR notation.
	Networks []string `json:"networks,omitempty"`
	// Gateways were learned from laptops that stood there.
	Gateways []Learned `json:"gateways,omitempty"`
}

// Kinds of offices.
const (
	KindOffice  = "office"
	KindNetwork = "network"
)

// Least lengths of a network's prefix: a company has no more of the internet.
const (
	leastBits4 = 8
	leastBits6 = 19
)

// Prefixes returns its networks.
func (o *Office) Prefixes() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range o.Networks {
		if p, err := network(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func network(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is no network, such as 192.0.2.0/24 or 2001:db8::/48; one address is 192.0.2.7/32", text)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("%q is part of IPv4 and more than that", text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	least := leastBits6
	if p.Addr().Is4() {
		least = leastBits4
	}
	if p.Bits() < least {
		return p, fmt.Errorf("%q is more of the internet than a company has: at least /%d", text, least)
	}
	return p.Masked(), nil
}

// Check says what is wrong with the office, and brings it into canonical words.
func (o *Office) Check() error {
	for _, x := range o.checks(make(zones)) {
		if x.err != nil {
			return fmt.Errorf("%s: %w", x.field, x.err)
		}
	}
	return nil
}

func (o *Office) checks(known zones) []check {
	var name, kind, networks error
	if !names.MatchString(o.Name) {
		name = errName
	}
	if o.Kind == "" {
		o.Kind = KindOffice
	}
	if o.Kind != KindOffice && o.Kind != KindNetwork {
		kind = fmt.Errorf("%q is neither %s nor %s", o.Kind, KindOffice, KindNetwork)
	}
	if len(o.Networks) > maxList {
		networks = fmt.Errorf("more than %d networks", maxList)
	}
	for i, text := range o.Networks {
		p, err := network(strings.TrimSpace(text))
		if err != nil {
			networks = err
			break
		}
		o.Networks[i] = p.String()
	}
	if len(o.Networks)+len(o.Gateways) == 0 {
		networks = errors.New("an office is known by its networks, or by a gateway learned from a laptop that stands there")
	}
	if o.Kind == KindNetwork && len(o.Gateways) > 0 {
		kind = errors.New("a gateway is that of an office")
	}
	code, errCountry := country(o.Country)
	o.Country = code
	_, errZone := known.load(o.TimeZone)
	return []check{{"name", name}, {"kind", kind}, {"country", errCountry}, {"time_zone", errZone}, {"networks", networks}, {"gateways", checkLearned(o.Gateways, IsGateway)}}
}

var officeFields = []string{"name", "kind", "country", "time_zone", "networks"}

// office reads one entry of the list of offices.
func (p *parser) office(n *node) {
	row, good := p.object(n, officeFields)
	if !good {
		return
	}
	networks, errNetworks := list(row["networks"].text)
	o := Office{
		Name: row["name"].text, Kind: strings.ToLower(row["kind"].text), Country: row["country"].text,
		TimeZone: row["time_zone"].text, Networks: networks,
	}
	found := append(o.checks(p.zones), check{"networks", errNetworks})
	for _, other := range p.into.Offices {
		if other.Name == o.Name {
			found = append(found, check{"name", fmt.Errorf("%q is there twice; the first counts", o.Name)})
		}
	}
	if p.passes(row, n, found) {
		p.into.Offices = append(p.into.Offices, o)
	}
}
