package persona

import "slices"

// homes are where companies of the reserved casting may be at home.
var homes = []land{
	{"US", locality{latitude: 39.96, longitude: -83}, []locality{
		{"US", "PA", "America/New_York", 39.95, -75.16}, {"US", "ID", "America/Boise", 43.62, -116.2}, {"US", "IN", "America/Indiana/Indianapolis", 39.77, -86.16},
		{"US", "TX", "America/Denver", 31.76, -106.49}, {"US", "FL", "America/Chicago", 30.42, -87.22}, {"US", "KS", "America/Chicago", 37.69, -97.34},
		{"US", "ME", "America/New_York", 43.66, -70.26}, {"US", "WY", "America/Denver", 41.14, -104.82}, {"US", "SC", "America/New_York", 32.78, -79.93},
		{"US", "OK", "America/Chicago", 35.47, -97.52}, {"US", "CA", "America/Los_Angeles", 38.58, -121.49}, {"US", "AZ", "America/Phoenix", 32.22, -110.97},
	}},
	{"CA", locality{latitude: 45.5, longitude: -73.57}, []locality{
		{"CA", "QC", "America/Toronto", 45.5, -73.57}, {"CA", "AB", "America/Edmonton", 51.05, -114.07}, {"CA", "NL", "America/St_Johns", 47.56, -52.71},
		{"CA", "SK", "America/Regina", 50.45, -104.62}, {"CA", "NS", "America/Halifax", 44.65, -63.58},
	}},
	{"FR", locality{latitude: 48.86, longitude: 2.35}, []locality{
		{"FR", "IDF", "Europe/Paris", 48.86, 2.35}, {"FR", "OCC", "Europe/Paris", 43.6, 1.44}, {"FR", "BRE", "Europe/Paris", 48.39, -4.49},
	}},
	{"NL", locality{latitude: 52.37, longitude: 4.9}, []locality{
		{"NL", "NH", "Europe/Amsterdam", 52.37, 4.9}, {"NL", "LI", "Europe/Amsterdam", 50.85, 5.69}, {"NL", "GR", "Europe/Amsterdam", 53.22, 6.57},
	}},
	{"IE", locality{latitude: 53.35, longitude: -6.26}, []locality{
		{"IE", "L", "Europe/Dublin", 53.35, -6.26}, {"IE", "M", "Europe/Dublin", 51.9, -8.47}, {"IE", "C", "Europe/Dublin", 53.27, -9.05},
	}},
	{"PL", locality{latitude: 50.11, longitude: 8.68}, []locality{
		{"PL", "14", "Europe/Warsaw", 52.23, 21.01}, {"PL", "22", "Europe/Warsaw", 54.35, 18.65}, {"PL", "02", "Europe/Warsaw", 51.11, 17.03},
	}},
	{"IT", locality{latitude: 45.46, longitude: 9.19}, []locality{
		{"IT", "25", "Europe/Rome", 45.46, 9.19}, {"IT", "82", "Europe/Rome", 38.12, 13.36}, {"IT", "62", "Europe/Rome", 41.9, 12.5},
	}},
	{"SE", locality{latitude: 59.33, longitude: 18.07}, []locality{
		{"SE", "AB", "Europe/Stockholm", 59.33, 18.07}, {"SE", "BD", "Europe/Stockholm", 65.58, 22.15}, {"SE", "M", "Europe/Stockholm", 55.61, 13},
	}},
	{"CL", locality{latitude: -23.55, longitude: -46.63}, []locality{
		{"CL", "RM", "America/Santiago", -33.45, -70.67}, {"CL", "MA", "America/Punta_Arenas", -53.16, -70.91}, {"CL", "BI", "America/Santiago", -36.83, -73.05},
	}},
	{"AU", locality{latitude: -37.81, longitude: 144.96}, []locality{
		{"AU", "VIC", "Australia/Melbourne", -37.81, 144.96}, {"AU", "SA", "Australia/Adelaide", -34.93, 138.6}, {"AU", "TAS", "Australia/Hobart", -42.88, 147.33},
		{"AU", "NT", "Australia/Darwin", -12.46, 130.84},
	}},
	{"IL", locality{latitude: 32.09, longitude: 34.78}, []locality{
		{"IL", "TA", "Asia/Jerusalem", 32.09, 34.78}, {"IL", "HA", "Asia/Jerusalem", 32.79, 34.99},
	}},
	{"SG", locality{latitude: 1.35, longitude: 103.82}, []locality{{"SG", "01", "Asia/Singapore", 1.29, 103.85}, {"SG", "05", "Asia/Singapore", 1.33, 103.7}}},
	{"KR", locality{latitude: 37.57, longitude: 126.98}, []locality{{"KR", "11", "Asia/Seoul", 37.57, 126.98}, {"KR", "26", "Asia/Seoul", 35.18, 129.08}}},
}

// beyond is where declared contractors work, and travellers go, beside all of homes.
var beyond = []locality{
	{"IN", "TN", "Asia/Kolkata", 13.08, 80.27}, {"PH", "00", "Asia/Manila", 14.6, 120.98}, {"PK", "PB", "Asia/Karachi", 31.55, 74.34}, {"BD", "13", "Asia/Dhaka", 23.81, 90.41},
	{"NP", "P3", "Asia/Kathmandu", 27.72, 85.32}, {"LK", "1", "Asia/Colombo", 6.93, 79.86}, {"NG", "LA", "Africa/Lagos", 6.52, 3.38}, {"MA", "06", "Africa/Casablanca", 33.57, -7.59},
	{"RS", "00", "Europe/Belgrade", 44.79, 20.45}, {"BG", "22", "Europe/Sofia", 42.7, 23.32}, {"PT", "13", "Europe/Lisbon", 41.15, -8.61}, {"GE", "TB", "Asia/Tbilisi", 41.72, 44.78},
	{"MX", "NLE", "America/Monterrey", 25.69, -100.32}, {"CR", "SJ", "America/Costa_Rica", 9.93, -84.08}, {"PE", "LMA", "America/Lima", -12.05, -77.04}, {"UY", "MO", "America/Montevideo", -34.9, -56.16},
	{"TH", "50", "Asia/Bangkok", 18.79, 98.99}, {"ID", "BA", "Asia/Makassar", -8.65, 115.22}, {"MY", "10", "Asia/Kuala_Lumpur", 3.07, 101.52}, {"CN", "SH", "Asia/Shanghai", 31.23, 121.47},
	{"AE", "DU", "Asia/Dubai", 25.2, 55.27}, {"GB", "ENG", "Europe/London", 51.45, -2.59}, {"DE", "NW", "Europe/Berlin", 50.94, 6.96},
}

// operatorsAt are more places of operators that public sources name (NE8, GTIG25).
var operatorsAt = []locality{
	{"CN", "LN", "Asia/Shanghai", 38.91, 121.61}, {"CN", "JL", "Asia/Shanghai", 42.86, 130.36}, {"RU", "PRI", "Asia/Vladivostok", 42.43, 130.64},
	{"KH", "12", "Asia/Phnom_Penh", 11.56, 104.92}, {"LA", "LP", "Asia/Vientiane", 19.89, 102.13}, {"GQ", "BN", "Africa/Malabo", 3.75, 8.78}, {"RU", "MOW", "Europe/Moscow", 55.76, 37.62},
}

// inhabited is every place at which people of the reserved casting may be.
func inhabited() []locality {
	var all []locality
	for _, l := range homes {
		all = append(all, l.places...)
	}
	return append(all, beyond...)
}

// foreignOf is one place of each country.
func foreignOf() []locality {
	var all []locality
	for _, l := range homes {
		all = append(all, l.places[len(l.places)-1])
	}
	return append(all, beyond...)
}

// settleApart draws the company's land. A small company's people live in one or two of its
// places, a large one's in all of them and in two more lands.
func (w *World) settleApart(d draw) {
	at := homes[d.weighted(4, 1.5, 1, 1, 1, 1, 1, 1, 1, 1.2, 1, 1, 1)]
	w.land, w.cloud, w.homeland = at.country, at.cloud, nil
	if d.chance(0.3) { // wherever the company is
		w.cloud = pick(d, locality{latitude: 53.35, longitude: -6.26}, locality{latitude: 41.6, longitude: -93.61}, locality{latitude: 1.35, longitude: 103.82})
	}
	places := slices.Clone(at.places)
	d.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	spread := d.whole(1, len(places))
	for i := range 10 {
		w.homeland = append(w.homeland, places[i%spread])
	}
	for range d.whole(0, 2) {
		branch := pick(d, homes...)
		for range d.whole(1, 4) {
			w.homeland = append(w.homeland, pick(d, branch.places...))
		}
	}
	w.made = nil
	for _, common := range w.stock.made { // companies buy from few
		w.made = append(w.made, common*pick(d, 0.1, 0.5, 1, 4))
	}
	w.offshore = slices.DeleteFunc(slices.Clone(w.stock.abroad), func(l locality) bool { return l.country == w.land })
	d.Shuffle(len(w.offshore), func(i, j int) { w.offshore[i], w.offshore[j] = w.offshore[j], w.offshore[i] })
}

// neighbours are countries whose mobile networks reach over the border.
var neighbours = map[string][]string{
	"US": {"CA", "MX"}, "CA": {"US"}, "FR": {"IT", "DE"}, "NL": {"DE"}, "IE": {"GB"}, "PL": {"DE"}, "IT": {"FR"}, "CL": {"PE"}, "SG": {"MY"}, "GB": {"IE"}, "DE": {"NL", "FR", "PL"},
}

// newAtlas lays out the reserved casting's carriers.
func newAtlas() *atlas { return layOut(inhabited(), operatorsAt) }
