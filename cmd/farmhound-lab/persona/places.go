package persona

import (
	"fmt"
	"net/netip"
	"slices"
)

// land is a country with the places where people live and the data centre in which a
// company's collector would stand.
type land struct {
	country string
	cloud   locality
	places  []locality
}

// lands are where companies of the former casting may be at home.
var lands = []land{
	{"US", locality{latitude: 45.6, longitude: -121.18}, []locality{
		{"US", "OR", "America/Los_Angeles", 45.52, -122.68}, {"US", "CA", "America/Los_Angeles", 34.05, -118.24},
		{"US", "NV", "America/Los_Angeles", 36.17, -115.14}, {"US", "HI", "Pacific/Honolulu", 21.31, -157.86},
		{"US", "AK", "America/Anchorage", 61.22, -149.9}, {"US", "NY", "America/New_York", 42.89, -78.88},
		{"US", "MI", "America/Detroit", 42.33, -83.05}, {"US", "LA", "America/Chicago", 29.95, -90.07},
		{"US", "NM", "America/Denver", 35.08, -106.65}, {"US", "MO", "America/Chicago", 38.63, -90.2},
	}},
	{"AU", locality{latitude: -33.87, longitude: 151.21}, []locality{
		{"AU", "NSW", "Australia/Sydney", -33.87, 151.21}, {"AU", "WA", "Australia/Perth", -31.95, 115.86}, {"AU", "QLD", "Australia/Brisbane", -27.47, 153.03},
	}},
	{"NZ", locality{latitude: -33.87, longitude: 151.21}, []locality{
		{"NZ", "AUK", "Pacific/Auckland", -36.85, 174.76}, {"NZ", "CAN", "Pacific/Auckland", -43.53, 172.64},
	}},
	{"BR", locality{latitude: -23.55, longitude: -46.63}, []locality{
		{"BR", "SP", "America/Sao_Paulo", -23.55, -46.63}, {"BR", "AM", "America/Manaus", -3.12, -60.02}, {"BR", "PE", "America/Recife", -8.05, -34.9},
	}},
	{"IN", locality{latitude: 19.08, longitude: 72.88}, []locality{
		{"IN", "MH", "Asia/Kolkata", 19.08, 72.88}, {"IN", "TG", "Asia/Kolkata", 17.39, 78.49}, {"IN", "DL", "Asia/Kolkata", 28.61, 77.21},
	}},
	{"JP", locality{latitude: 35.68, longitude: 139.69}, []locality{
		{"JP", "13", "Asia/Tokyo", 35.68, 139.69}, {"JP", "27", "Asia/Tokyo", 34.69, 135.5}, {"JP", "40", "Asia/Tokyo", 33.59, 130.4},
	}},
	{"ZA", locality{latitude: -33.92, longitude: 18.42}, []locality{
		{"ZA", "GP", "Africa/Johannesburg", -26.2, 28.05}, {"ZA", "WC", "Africa/Johannesburg", -33.92, 18.42},
	}},
	{"GB", locality{latitude: 51.51, longitude: -0.13}, []locality{
		{"GB", "ENG", "Europe/London", 53.48, -2.24}, {"GB", "SCT", "Europe/London", 55.95, -3.19},
	}},
	{"DE", locality{latitude: 50.11, longitude: 8.68}, []locality{
		{"DE", "BY", "Europe/Berlin", 48.14, 11.58}, {"DE", "HH", "Europe/Berlin", 53.55, 9.99}, {"DE", "SN", "Europe/Berlin", 51.05, 13.74},
	}},
	{"ES", locality{latitude: 48.86, longitude: 2.35}, []locality{
		{"ES", "MD", "Europe/Madrid", 40.42, -3.7}, {"ES", "CN", "Atlantic/Canary", 28.12, -15.43},
	}},
}

// elsewhere is where declared contractors work, and travellers go, beside all lands.
var elsewhere = []locality{
	{"PH", "CEB", "Asia/Manila", 10.32, 123.89}, {"RO", "B", "Europe/Bucharest", 44.43, 26.1}, {"AR", "C", "America/Argentina/Buenos_Aires", -34.6, -58.38},
	{"CO", "DC", "America/Bogota", 4.71, -74.07}, {"KE", "30", "Africa/Nairobi", -1.29, 36.82}, {"EG", "C", "Africa/Cairo", 30.04, 31.24},
	{"UA", "32", "Europe/Kyiv", 50.45, 30.52}, {"MX", "JAL", "America/Mexico_City", 20.66, -103.35}, {"CA", "BC", "America/Vancouver", 49.28, -123.12},
	{"VN", "SG", "Asia/Ho_Chi_Minh", 10.82, 106.63}, {"TR", "34", "Europe/Istanbul", 41.01, 28.98}, {"PL", "12", "Europe/Warsaw", 50.06, 19.94},
	{"SE", "AB", "Europe/Stockholm", 59.33, 18.07}, {"FR", "IDF", "Europe/Paris", 48.86, 2.35},
}

// otherHubs are places of operators that public sources name beside the first ones (NE8).
var otherHubs = []locality{
	{"CN", "LN", "Asia/Shanghai", 40.13, 124.39}, {"RU", "KHA", "Asia/Vladivostok", 48.48, 135.07}, {"CN", "BJ", "Asia/Shanghai", 39.9, 116.4},
	{"TZ", "02", "Africa/Dar_es_Salaam", -6.79, 39.21}, {"LA", "SV", "Asia/Vientiane", 16.56, 104.75},
}

// settleAnywhere draws the company's land. Most of its people live there, some in the
// United States, and some anywhere.
func (w *World) settleAnywhere(d draw) {
	at := lands[d.weighted(5, 1.5, 1, 1.5, 1.5, 1.5, 1, 1.5, 1.5, 1)]
	w.land, w.cloud, w.homeland = at.country, at.cloud, nil
	if d.chance(0.25) {
		w.cloud = locality{latitude: 39.04, longitude: -77.49} // wherever the company is
	}
	for range 12 {
		w.homeland = append(w.homeland, pick(d, at.places...))
	}
	for range 4 {
		w.homeland = append(w.homeland, pick(d, lands[0].places...))
	}
	for range 2 {
		w.homeland = append(w.homeland, pick(d, pick(d, lands...).places...))
	}
	w.offshore = slices.DeleteFunc(slices.Clone(w.stock.abroad), func(l locality) bool { return l.country == w.land })
	d.Shuffle(len(w.offshore), func(i, j int) { w.offshore[i], w.offshore[j] = w.offshore[j], w.offshore[i] })
}

// everywhere is every place at which people of the former casting may be.
func everywhere() []locality {
	var all []locality
	for _, l := range lands {
		all = append(all, l.places...)
	}
	return append(all, elsewhere...)
}

// otherAtlas lays out the former casting's carriers.
func otherAtlas() *atlas { return layOut(everywhere(), otherHubs) }

// layOut gives each land carriers of its own: what is sold as mobile comes out at the
// land's first place, and some ways out of a VPN are known as servers only.
func layOut(places, operatorsAt []locality) *atlas {
	a := &atlas{}
	access, exits, hosts := netip.MustParseAddr("198.18.0.0"), netip.MustParseAddr("198.19.128.0"), netip.MustParseAddr("198.19.192.0")
	operators := netip.MustParseAddr("203.0.113.0")
	core := map[string]bool{}
	asn := uint32(4200000000) // those for private use: the ones for documentation are too few
	number := func(names ...string) (brands []brand) {
		trades := map[string]trade{"Cable": broadband, "Fibre": broadband, "Business": business, "Mobile": cellular, "Exit": vpn, "Rented": rented, "Cloud": hosting}
		for _, name := range names {
			asn++
			brands = append(brands, brand{"Example " + name, asn, trades[name]})
		}
		return brands
	}
	for _, place := range places {
		access = a.add(access, 24, place, number("Cable", "Fibre", "Business")...)
		if core[place.country] {
			continue
		}
		core[place.country] = true
		access = a.add(access, 24, place, number("Mobile")...)
		exits = a.add(exits, 27, place, number("Exit", "Rented")...)
		hosts = a.add(hosts, 26, place, number("Cloud")...)
	}
	for _, place := range operatorsAt {
		operators = a.add(operators, 27, place, brand{fmt.Sprintf("Example %s Telecom", place.region), asn + 1, broadband})
		asn++
	}
	return a
}

// line draws the carrier of somebody's line at home.
func (w *World) line(d draw, where locality) *carrier {
	if d.chance(0.12) {
		return w.atlas.one(d, cellular, where.country, "")
	}
	return w.atlas.one(d, broadband, where.country, where.region)
}
