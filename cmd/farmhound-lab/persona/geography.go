package persona

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
)

// locality is a place on the map.
type locality struct {
	country, region, zone string
	latitude, longitude   float64
}

// homeland is where the company's people live.
var homeland = []locality{
	{"US", "OH", "America/New_York", 39.96, -83.0},
	{"US", "TX", "America/Chicago", 30.27, -97.74},
	{"US", "CA", "America/Los_Angeles", 37.34, -121.89},
	{"US", "WA", "America/Los_Angeles", 47.61, -122.33},
	{"US", "NC", "America/New_York", 35.78, -78.64},
	{"US", "FL", "America/New_York", 28.54, -81.38},
	{"US", "AZ", "America/Phoenix", 33.45, -112.07},
	{"US", "CO", "America/Denver", 39.74, -104.99},
	{"US", "NJ", "America/New_York", 40.74, -74.17},
	{"US", "TN", "America/Chicago", 36.16, -86.78},
	{"US", "IL", "America/Chicago", 41.88, -87.63},
	{"US", "GA", "America/New_York", 33.75, -84.39},
	{"US", "MN", "America/Chicago", 44.98, -93.27},
	{"US", "MA", "America/New_York", 42.36, -71.06},
	{"US", "VA", "America/New_York", 37.54, -77.44},
	{"US", "UT", "America/Denver", 40.76, -111.89},
}

// offshore is where declared contractors work, and travellers go.
var offshore = []locality{
	{"IN", "KA", "Asia/Kolkata", 12.97, 77.59},
	{"PH", "00", "Asia/Manila", 14.6, 120.98},
	{"PL", "14", "Europe/Warsaw", 52.23, 21.01},
	{"PT", "11", "Europe/Lisbon", 38.72, -9.14},
	{"MX", "CMX", "America/Mexico_City", 19.43, -99.13},
	{"BR", "SP", "America/Sao_Paulo", -23.55, -46.63},
	{"DE", "BE", "Europe/Berlin", 52.52, 13.4},
	{"GB", "ENG", "Europe/London", 51.51, -0.13},
	{"CA", "ON", "America/Toronto", 43.65, -79.38},
	{"JP", "13", "Asia/Tokyo", 35.68, 139.69},
}

// CountriesOf are those, by ISO 3166-1 code, in which Options.Country can let a casting's
// people live.
func CountriesOf(casting string) []string {
	var all []string
	for _, l := range castings[casting].stock.abroad {
		if !slices.Contains(all, l.country) {
			all = append(all, l.country)
		}
	}
	return all
}

// hubs is where public cases place operators (U42, VONG).
var hubs = []locality{
	{"CN", "LN", "Asia/Shanghai", 41.8, 123.43},
	{"CN", "JL", "Asia/Shanghai", 43.82, 125.32},
	{"RU", "PRI", "Asia/Vladivostok", 43.12, 131.89},
	{"LA", "VT", "Asia/Vientiane", 17.97, 102.63},
	{"MY", "14", "Asia/Kuala_Lumpur", 3.14, 101.69},
}

// trade is what a carrier sells.
type trade int

const (
	broadband trade = iota
	cellular
	business
	hosting
	vpn
	rented // a VPN's way out that address data know as a server only
)

// carrier is a network operator in one place, with the addresses it gives out.
type carrier struct {
	locality
	trade  trade
	name   string
	asn    uint32
	prefix netip.Prefix
	six    netip.Prefix
}

// brand is a network operator everywhere it works. Numbers are those reserved
// for documentation.
type brand struct {
	name  string
	asn   uint32
	trade trade
}

var (
	accessBrands = []brand{
		{"Example Cable", 64496, broadband}, {"Example Fiber", 64497, broadband},
		{"Example Wireless", 64498, cellular}, {"Example Business Internet", 64499, business},
	}
	foreignBrands = []brand{
		{"Example Telecom", 64500, broadband}, {"Example Mobile", 64501, cellular}, {"Example Enterprise", 64502, business},
	}
	hubBrands  = []brand{{"Example National Telecom", 64503, broadband}}
	vpnBrands  = []brand{{"Example VPN Exit", 65536, vpn}, {"Example Anonymous Hosting", 65537, vpn}}
	hostBrands = []brand{{"Example Cloud", 65540, hosting}}
)

// somewhere draws where an honest person lives.
func (w *World) somewhere(d draw) locality {
	at := pick(d, w.homeland...)
	for _, l := range w.stock.abroad {
		if l.country == w.opts.Country {
			return l
		}
	}
	return at
}

// atlas is every carrier, by what it sells.
type atlas struct{ carriers []*carrier }

// firstAtlas lays carriers out over the address ranges for documentation and
// benchmarks: access networks in 198.18.0.0/15, operators' in 203.0.113.0/24, VPN
// exits in 192.0.2.0/24, hosting in 198.51.100.0/24, everybody in 2001:db8::/32.
func firstAtlas() *atlas {
	a := &atlas{}
	access := netip.MustParseAddr("198.18.0.0")
	exits := netip.MustParseAddr("192.0.2.0")
	hosts := netip.MustParseAddr("198.51.100.0")
	abroad := netip.MustParseAddr("203.0.113.0")
	for i, place := range homeland {
		access = a.add(access, 23, place, accessBrands...)
		if i%2 == 0 {
			exits = a.add(exits, 28, place, vpnBrands[i/2%2])
			hosts = a.add(hosts, 28, place, hostBrands...)
		}
	}
	for i, place := range offshore {
		access = a.add(access, 24, place, foreignBrands...)
		if i%2 == 0 {
			exits = a.add(exits, 28, place, vpnBrands[i/2%2])
			hosts = a.add(hosts, 28, place, hostBrands...)
		}
	}
	for _, place := range hubs {
		abroad = a.add(abroad, 27, place, hubBrands...)
	}
	return a
}

// add gives each brand a prefix from an address on and returns the next free one.
func (a *atlas) add(from netip.Addr, bits int, place locality, brands ...brand) netip.Addr {
	for _, b := range brands {
		six := netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::", 0x100+len(a.carriers)))
		a.carriers = append(a.carriers, &carrier{
			locality: place, trade: b.trade, name: b.name + " " + place.country, asn: b.asn,
			prefix: netip.PrefixFrom(from, bits), six: netip.PrefixFrom(six, 48),
		})
		from = offset(from, 1<<(32-bits))
	}
	return from
}

// in returns the carriers of a trade in a place; an empty region is any.
func (a *atlas) in(t trade, country, region string) []*carrier {
	var found []*carrier
	for _, c := range a.carriers {
		if c.trade == t && (country == "" || c.country == country) && (region == "" || c.region == region) {
			found = append(found, c)
		}
	}
	return found
}

// one draws a carrier of a trade in a place.
func (a *atlas) one(d draw, t trade, country, region string) *carrier {
	return pick(d, a.in(t, country, region)...)
}

// address draws one of the carrier's addresses.
func (c *carrier) address(d draw) netip.Addr {
	size := 1 << (32 - c.prefix.Bits())
	return offset(c.prefix.Addr(), d.whole(1, size-2))
}

// address6 draws a customer's address: a /64 of its own.
func (c *carrier) address6(d draw) netip.Addr {
	b := c.six.Addr().As16()
	binary.BigEndian.PutUint16(b[6:], uint16(d.whole(1, 0xffff)))
	binary.BigEndian.PutUint64(b[8:], d.Uint64()|1)
	return netip.AddrFrom16(b)
}

func offset(a netip.Addr, n int) netip.Addr {
	b := a.As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
	return netip.AddrFrom4(b)
}
