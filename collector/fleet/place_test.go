package fleet

import (
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// staying is a number of workdays each at its egress; an egress names its network.
func staying(egresses ...string) func(l *laptop) []Observation {
	return func(l *laptop) []Observation {
		var all []Observation
		for d, egress := range egresses {
			l.peer = egress
			l.at("network " + egress)
			all = append(all, l.workday(monday.AddDate(0, 0, d))...)
		}
		return all
	}
}

func times(n int, egress string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = egress
	}
	return list
}

func tunnel(l *laptop, tool string) {
	l.seen.Network.Tunnels = []*farmhoundv1.Tunnel{{Tool: tool, DefaultRoute: true}}
}

func TestEgress(t *testing.T) {
	t.Parallel()
	egress := func(get func(*fleetv1.Egress) any) func(*fleetv1.Device) any {
		return func(d *fleetv1.Device) any { return get(d.GetEgress()) }
	}
	foreign := egress(func(e *fleetv1.Egress) any { return e.GetForeign() })
	highRisk := egress(func(e *fleetv1.Egress) any { return e.GetHighRisk() })
	mismatch := egress(func(e *fleetv1.Egress) any { return e.GetZoneMismatch() })
	zoned := func(zone string, egresses ...string) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			l.seen.Place = &farmhoundv1.Place{TimeZone: zone}
			return staying(egresses...)(l)
		}
	}
	slips := egress(func(e *fleetv1.Egress) any {
		return sentence("%d %s %t", e.GetSlipDays(), e.GetSlipCountry(), e.GetSlipHighRisk())
	})
	toGermany := func(p *fleetv1.Person) { p.TravelCountries = []string{"DE"} }
	check(t, []derived{
		{name: "declared country", life: staying(california), get: foreign, want: false},
		{name: "another", life: staying(berlin), get: foreign, want: true},
		{name: "another of the company's is another", life: staying(berlin), get: foreign, want: true,
			config: func(c *Config) { c.Company.HomeCountries = []string{"US", "DE"} }},
		{name: "approved travel", life: staying(berlin), person: toGermany, get: foreign, want: false},
		{name: "no roster", life: staying(berlin), alone: true, get: foreign, want: false},
		{name: "no roster, but the company's countries", life: staying(berlin), alone: true, get: foreign, want: true,
			config: func(c *Config) { c.Company.HomeCountries = []string{"US"} }},
		{name: "the company's own network shows the company's place", life: staying(concentr), get: foreign, want: false,
			person: func(p *fleetv1.Person) { p.Country, p.Region = "DE", "BE" }},
		{name: "high risk", life: staying(shenyang), get: highRisk, want: true},
		{name: "high risk without a roster", life: staying(shenyang), alone: true, get: highRisk, want: true},
		{name: "high risk, but declared", life: staying(shenyang), get: highRisk, want: false, person: func(p *fleetv1.Person) { p.Country = "CN" }},
		{name: "high risk, but where the company works", life: staying(shenyang), alone: true, get: highRisk, want: false,
			config: func(c *Config) { c.Company.HomeCountries = []string{"CN"} }},
		{name: "foreign days are most of the day's reports", want: uint32(2), life: staying(ohio, berlin, berlin, ohio),
			get: egress(func(e *fleetv1.Egress) any { return e.GetForeignDays() })},
		{name: "hidden days", want: uint32(1), life: staying(ohio, exitOhio), get: egress(func(e *fleetv1.Egress) any { return e.GetHiddenDays() })},
		{name: "openly abroad on some days", want: "2 CN true", life: staying(exitOhio, berlin, shenyang, exitOhio), get: slips},
		{name: "an exit abroad is no slip", want: "0  false", life: staying(ohio, exitOhio), get: slips},
		{name: "where its own interface stands nothing left", want: "0  false", get: slips, life: func(l *laptop) []Observation {
			tunnel(l, "mullvad")
			l.peer, l.physical = exitOhio, shenyang
			return l.workday(monday)
		}},
		{name: "approved travel is no slip", want: "0  false", life: staying(ohio, berlin), person: toGermany, get: slips},
		{name: "a journey that is over", want: "0  false 0 false", life: staying(ohio, berlin, ohio), now: 10 * 24 * time.Hour,
			config: inGermanyUntil(monday.AddDate(0, 0, 2)), get: egress(func(e *fleetv1.Egress) any {
				return sentence("%v %d %t", slips(&fleetv1.Device{Egress: e}), e.GetForeignDays(), e.GetForeign())
			})},
		{name: "a laptop that went silent on a journey", want: "0  false 0 false", life: staying(ohio, berlin), now: 2 * 24 * time.Hour,
			config: inGermanyUntil(monday.AddDate(0, 0, 2)), get: egress(func(e *fleetv1.Egress) any {
				return sentence("%v %d %t", slips(&fleetv1.Device{Egress: e}), e.GetForeignDays(), e.GetForeign())
			})},
		{name: "longer than the journey", want: "1 DE false 1 true", life: staying(ohio, berlin, berlin),
			config: inGermanyUntil(monday.AddDate(0, 0, 1).Add(10 * time.Hour)), get: egress(func(e *fleetv1.Egress) any {
				return sentence("%v %d %t", slips(&fleetv1.Device{Egress: e}), e.GetForeignDays(), e.GetForeign())
			})},
		{name: "home's zone on a journey that is over", life: zoned("America/New_York", berlin), get: mismatch, want: false, now: 10 * 24 * time.Hour,
			config: inGermanyUntil(monday.AddDate(0, 0, 2))},
		{name: "zone of the country", life: zoned("America/Chicago", ohio), get: mismatch, want: false},
		{name: "zone of another", life: zoned("Asia/Shanghai", ohio), get: mismatch, want: true},
		{name: "zone unknown", life: zoned("", ohio), get: mismatch, want: false},
		{name: "UTC is no place", life: zoned("Etc/UTC", ohio), get: mismatch, want: false},
		{name: "an old name of a zone", life: zoned("US/Eastern", ohio), get: mismatch, want: false},
		{name: "home's zone on approved travel", life: zoned("America/New_York", berlin), person: toGermany, get: mismatch, want: false},
		{name: "home's zone behind the company's network", life: zoned("Europe/Berlin", concentr), get: mismatch, want: false},
		{name: "approved travel's zone behind a way home", life: zoned("Europe/Berlin", ohio), person: toGermany, get: mismatch, want: false},
		{name: "the country that is meant is the interface's own", want: "CN",
			get: egress(func(e *fleetv1.Egress) any { return e.GetZoneCountry() }), life: func(l *laptop) []Observation {
				l.seen.Place = &farmhoundv1.Place{TimeZone: "America/New_York"}
				tunnel(l, "mullvad")
				l.peer, l.physical = exitOhio, shenyang
				return l.workday(monday)
			}},
		{name: "address unknown", life: zoned("Asia/Shanghai", "192.168.1.1"), get: mismatch, want: false},
		{name: "a consumer VPN", want: "Astrill VPN true", get: egress(func(e *fleetv1.Egress) any { return sentence("%s %t", e.GetConsumerVpn(), e.GetMostReportedVpn()) }),
			life: func(l *laptop) []Observation { tunnel(l, "astrill"); return l.workday(monday) }},
		{name: "nothing seen", want: true, get: func(d *fleetv1.Device) any { return d.GetEgress().GetAddress() == "" && !d.GetKnown().GetGeo() },
			life: func(l *laptop) []Observation { l.peer = ""; return l.workday(monday) }},
	})
}

func TestPlaceHistory(t *testing.T) {
	t.Parallel()
	place := func(get func(*fleetv1.PlaceHistory) any) func(*fleetv1.Device) any {
		return func(d *fleetv1.Device) any { return get(d.GetPlace()) }
	}
	declared := place(func(p *fleetv1.PlaceHistory) any {
		return [3]any{p.GetDeclaredDays(), p.GetKnownDays(), p.GetEverDeclared()}
	})
	answer := func(b *bool) any {
		if b == nil {
			return "unknown"
		}
		return *b
	}
	apart := place(func(p *fleetv1.PlaceHistory) any { return p.GetElsewhereDays() })
	openly := place(func(p *fleetv1.PlaceHistory) any { return sentence("%d %t", p.GetOpenDays(), p.GetOpenlyAbroad()) })
	elsewhere := place(func(p *fleetv1.PlaceHistory) any { return answer(p.FirstNetworkElsewhere) })
	hidden := place(func(p *fleetv1.PlaceHistory) any { return answer(p.HiddenFromDayOne) })
	began := place(func(p *fleetv1.PlaceHistory) any {
		if p.GetFirstNetworkAt() == nil {
			return "never"
		}
		return p.GetFirstNetworkAt().AsTime().Format(time.DateOnly)
	})
	moves := place(func(p *fleetv1.PlaceHistory) any { return [2]uint32{p.GetNetworks_20D(), p.GetMoves()} })
	days := func(declared, known uint32, ever bool) any { return [3]any{declared, known, ever} }
	behind := func(change func(l *laptop), egresses ...string) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			var all []Observation
			for d, egress := range egresses {
				l.peer = egress
				l.at("network " + egress)
				change(l)
				all = append(all, l.workday(monday.AddDate(0, 0, d))...)
			}
			return all
		}
	}
	tunnelled := func(l *laptop) { tunnel(l, "wireguard") }
	check(t, []derived{
		{name: "at home", life: staying(ohio, ohio), get: declared, want: days(2, 2, true)},
		{name: "next door is as good as there", life: staying(ohio), get: declared, want: days(1, 1, true), person: func(p *fleetv1.Person) { p.Region = "Indiana" }},
		{name: "across the country is not", life: staying(california), get: declared, want: days(0, 1, false)},
		{name: "regions of other countries cannot be told apart", life: staying(berlin), get: declared, want: days(1, 1, true),
			person: func(p *fleetv1.Person) { p.Country, p.Region = "DE", "BY" }},
		{name: "abroad", life: staying(berlin, berlin), get: declared, want: days(0, 2, false)},
		{name: "behind an exit at home", life: staying(exitOhio), get: declared, want: days(0, 1, false)},
		{name: "behind a tunnel", life: behind(tunnelled, ohio), get: declared, want: days(0, 1, false)},
		{name: "a tunnel to somebody's line at home, its laptop on the other side of the world", get: place(func(p *fleetv1.PlaceHistory) any { return p.GetDistantDays() }), want: uint32(6),
			life: func(l *laptop) []Observation {
				l.rtt = 250
				return behind(tunnelled, ohio, ohio, ohio, ohio, ohio, ohio)(l)
			}},
		{name: "behind the company's network nothing is known", life: staying(concentr), get: declared, want: days(0, 0, false)},
		{name: "kept across the country", life: staying(california, california, ohio), get: apart, want: uint32(2)},
		{name: "abroad is not within the country", life: staying(berlin), get: apart, want: uint32(0)},
		{name: "an exit across the country", life: behind(tunnelled, california), get: apart, want: uint32(0)},
		{name: "first of networks", life: staying(ohio, ohio), get: began, want: "2026-01-05"},
		{name: "first after the office", life: staying(office, ohio), get: began, want: "2026-01-06"},
		{name: "never out of the office", life: staying(office), get: began, want: "never"},
		{name: "openly abroad", life: staying(berlin, berlin), get: openly, want: "2 true"},
		{name: "openly abroad since yesterday", life: staying(ohio, ohio, ohio, berlin), get: openly, want: "1 true"},
		{name: "before the first day of use", get: openly, want: "1 true",
			life: func(l *laptop) []Observation { l.peer = berlin; return []Observation{l.report(monday)} }},
		{name: "at home nobody is abroad", life: staying(ohio, ohio), get: openly, want: "0 false"},
		{name: "hidden on one day of five", life: staying(berlin, berlin, berlin, berlin, exitOhio), get: openly, want: "4 true"},
		{name: "hidden on one day of four", life: staying(berlin, berlin, berlin, exitOhio), get: openly, want: "3 false"},
		{name: "an exit abroad is not open", life: staying(exitBerlin, exitBerlin), get: openly, want: "0 false"},
		{name: "nor is a tunnel", life: behind(tunnelled, berlin), get: openly, want: "0 false"},
		{name: "nor an interface that is elsewhere", get: openly, want: "0 false", life: func(l *laptop) []Observation {
			l.peer, l.physical = berlin, ohio
			return l.workday(monday)
		}},
		{name: "an exit abroad with its own interface there", get: openly, want: "1 true", life: func(l *laptop) []Observation {
			l.peer, l.physical = exitBerlin, berlin
			return l.workday(monday)
		}},
		{name: "an exit abroad with its own interface at home", get: openly, want: "0 false", life: func(l *laptop) []Observation {
			l.peer, l.physical = exitBerlin, ohio
			return l.workday(monday)
		}},
		{name: "an exit abroad with its own interface in a country on the list", get: openly, want: "1 false", life: func(l *laptop) []Observation {
			open := staying(berlin)(l)
			l.at("network of another place")
			l.peer, l.physical = exitBerlin, shenyang
			return append(open, l.workday(monday.AddDate(0, 0, 1))...)
		}},
		{name: "an exit abroad hides nothing", life: staying(berlin, exitBerlin), get: openly, want: "1 true"},
		{name: "through the company's network with its own interface abroad", get: openly, want: "1 true", life: func(l *laptop) []Observation {
			tunnel(l, "wireguard")
			l.peer, l.physical = concentr, berlin
			return l.workday(monday)
		}},
		{name: "through the company's network in a country on the list", get: openly, want: "0 false", life: func(l *laptop) []Observation {
			l.peer, l.physical = concentr, shenyang
			return l.workday(monday)
		}},
		{name: "through the company's network from anywhere", life: staying(concentr), get: openly, want: "0 false"},
		{name: "a country on the list, openly as well", life: staying(berlin, berlin, shenyang), get: openly, want: "3 true"},
		{name: "a country on the list, behind an exit at home on some days", life: staying(shenyang, shenyang, exitOhio), get: openly, want: "2 false"},
		{name: "approved travel is not abroad", life: staying(berlin), get: openly, want: "0 false", person: func(p *fleetv1.Person) { p.TravelCountries = []string{"DE"} }},
		{name: "no address data", life: staying(ohio), config: func(c *Config) { c.Places = nil }, get: declared, want: days(0, 0, false)},
		{name: "a tunnel for an hour", get: declared, want: days(1, 1, true), life: func(l *laptop) []Observation {
			all := l.workday(monday)
			tunnel(l, "wireguard")
			l.peer = exitOhio
			return append(all, l.report(monday.Add(18*time.Hour+time.Minute)))
		}},
		{name: "once seen at home stays seen", want: true, get: place(func(p *fleetv1.PlaceHistory) any { return p.GetEverDeclared() }),
			life: func(l *laptop) []Observation {
				all := staying(ohio)(l)
				for d := range 30 { // more addresses than are kept
					l.peer = "198.51.101." + string(rune('1'+d/10)) + string(rune('0'+d%10))
					all = append(all, l.workday(monday.AddDate(0, 0, d+1))...)
				}
				return all
			}},
		{name: "office days", life: staying(ohio, office, office), get: place(func(p *fleetv1.PlaceHistory) any { return p.GetOfficeDays() }), want: uint32(2)},
		{name: "the office's address through a tunnel is no office", life: behind(tunnelled, office), want: uint32(0),
			get: place(func(p *fleetv1.PlaceHistory) any { return p.GetOfficeDays() })},
		{name: "first at home", life: staying(ohio, berlin), get: elsewhere, want: false},
		{name: "first elsewhere", life: staying(berlin, ohio), get: elsewhere, want: true},
		{name: "first across the country", life: staying(california), get: elsewhere, want: true},
		{name: "set up at the office", life: staying(office, ohio), get: elsewhere, want: false},
		{name: "shipped to an office far from home", life: staying(ohio), get: elsewhere, want: false, person: func(p *fleetv1.Person) { p.ShipTo = "US-CA" }},
		{name: "shipped elsewhere as agreed", life: staying(berlin), get: elsewhere, want: false, person: func(p *fleetv1.Person) { p.ShipTo = "DE" }},
		{name: "a first network that hides", life: staying(exitOhio), get: elsewhere, want: "unknown"},
		{name: "no roster", life: staying(berlin), alone: true, get: elsewhere, want: "unknown"},
		{name: "hidden from day one by its address", life: staying(exitOhio, ohio), get: hidden, want: true},
		{name: "hidden from day one by a tunnel", life: behind(tunnelled, ohio), get: hidden, want: true},
		{name: "a tunnel beside which its own interface was seen", get: hidden, want: false, life: func(l *laptop) []Observation {
			tunnel(l, "mullvad")
			l.peer, l.physical = exitOhio, california
			return l.workday(monday)
		}},
		{name: "and was seen abroad", get: hidden, want: true, life: func(l *laptop) []Observation {
			tunnel(l, "mullvad")
			l.peer, l.physical = exitOhio, shenyang
			return l.workday(monday)
		}},
		{name: "spooled before it could deliver", get: elsewhere, want: false, life: func(l *laptop) []Observation {
			// Observed somewhere, delivered from home days later, all at once.
			l.at("a depot")
			tunnel(l, "wireguard")
			early := l.workdays(monday.AddDate(0, 0, -4), 2)
			l.at("home")
			for i := range early {
				early[i].ReceivedAt = monday.Add(8 * time.Hour)
			}
			return append(early, l.workday(monday)...)
		}},
		{name: "hidden later", life: staying(ohio, exitOhio), get: hidden, want: false},
		{name: "neither sense", get: hidden, want: "unknown", config: func(c *Config) { c.Places = nil },
			life: func(l *laptop) []Observation { l.seen.Network = nil; return l.workday(monday) }},
		{name: "a laptop that stays", life: staying(times(6, ohio)...), get: moves, want: [2]uint32{1, 0}},
		{name: "a commuter", life: staying(ohio, office, ohio, office), get: moves, want: [2]uint32{2, 3}},
		{name: "moves of long ago", life: staying(append([]string{california}, times(25, ohio)...)...), get: moves, want: [2]uint32{1, 0}},
		{name: "moves told from the spool", get: moves, want: [2]uint32{2, 1}, life: func(l *laptop) []Observation {
			all := l.workday(monday)
			l.at("a train")
			l.late = 5 * time.Hour
			return append(all, l.workday(monday.AddDate(0, 0, 1))...)
		}},
		{name: "an address alone is no move", get: moves, want: [2]uint32{1, 0}, life: func(l *laptop) []Observation {
			all := l.workday(monday)
			l.peer = california
			return append(all, l.workday(monday.AddDate(0, 0, 1))...)
		}},
	})
}

func TestDistantDays(t *testing.T) {
	t.Parallel()
	days := func(d *fleetv1.Device) any {
		p := d.GetPlace()
		return sentence("declared %d elsewhere %d distant %d ever %t", p.GetDeclaredDays(), p.GetElsewhereDays(), p.GetDistantDays(), p.GetEverDeclared())
	}
	at := func(ms float64, egresses ...string) func(l *laptop) []Observation {
		return func(l *laptop) []Observation { l.rtt = ms; return staying(egresses...)(l) }
	}
	week := times(6, ohio)
	// Behind the company's network nearly all day, and an hour or two behind an exit far away: that is where
	// round trips were measured.
	now := func(l *laptop, exit string, ms float64, at time.Time) Observation {
		l.peer, l.physical, l.rtt = exit, ohio, ms
		tunnel(l, "mullvad")
		return l.report(at)
	}
	elsewhere := func(l *laptop) (all []Observation) {
		for d := range 7 {
			midnight := monday.AddDate(0, 0, d)
			all = append(all, now(l, exitBerlin, 260, midnight.Add(time.Duration(2+d)*time.Hour)))
			l.peer, l.rtt = concentr, 40
			all = append(all, l.workday(midnight)...)
			all = append(all, now(l, exitBerlin, 260, midnight.Add(time.Duration(18+d%5)*time.Hour+30*time.Minute)))
		}
		return all
	}
	check(t, []derived{
		{name: "measured behind a far exit alone", life: elsewhere, want: "0 true", get: func(d *fleetv1.Device) any {
			return sentence("%d %t", d.GetPlace().GetDistantDays(), d.GetDistance().GetRttMinMs() == 260 && d.GetDistance().GetHours() >= 8)
		}},
		{name: "near", life: at(25, week...), get: days, want: "declared 6 elsewhere 0 distant 0 ever true"},
		{name: "not measured", life: at(0, week...), get: days, want: "declared 6 elsewhere 0 distant 0 ever true"},
		{name: "an exit at home, its laptop on the other side of the world", life: at(250, week...), get: days, want: "declared 0 elsewhere 0 distant 6 ever false"},
		{name: "an exit elsewhere in the country explains its own way and no more", life: at(300, times(6, california)...), get: days,
			want: "declared 0 elsewhere 0 distant 6 ever false"},
		{name: "across the country and back", life: at(200, times(6, california)...), get: days, want: "declared 0 elsewhere 6 distant 0 ever false"},
		{name: "half as far, and several times what the way can take", life: at(140, week...), get: days, want: "declared 0 elsewhere 0 distant 6 ever false"},
		{name: "a slow line", life: at(130, week...), get: days, want: "declared 6 elsewhere 0 distant 0 ever true"},
		{name: "a satellite", life: at(620, week...), get: days, want: "declared 6 elsewhere 0 distant 0 ever true"},
		{name: "too few days", life: at(250, times(4, ohio)...), get: days, want: "declared 4 elsewhere 0 distant 0 ever false"},
		{name: "one short round trip in between", get: days, want: "declared 6 elsewhere 0 distant 0 ever true", life: func(l *laptop) []Observation {
			all := at(250, week...)(l)
			all[20].PeerRTTMillis = 30
			return all
		}},
		{name: "at home once, and gone since", get: days, want: "declared 0 elsewhere 0 distant 20 ever true", life: func(l *laptop) []Observation {
			all := at(25, week...)(l)
			l.rtt = 250
			for d := range 24 {
				all = append(all, l.workday(monday.AddDate(0, 0, 6+d))...)
			}
			return all
		}},
		{name: "an approved journey with a way home", life: at(250, week...), get: days, want: "declared 6 elsewhere 0 distant 0 ever false",
			person: func(p *fleetv1.Person) { p.TravelCountries = []string{"JP"} }},
		{name: "nobody knows where the collector stands", life: at(250, week...), get: days, want: "declared 6 elsewhere 0 distant 0 ever true",
			config: func(c *Config) { c.Company.Latitude, c.Company.Longitude = 0, 0 }},
		{name: "no roster", life: at(250, week...), alone: true, get: days, want: "declared 0 elsewhere 0 distant 0 ever false"},
		{name: "a hosting provider's address is hidden, not distant", life: at(250, times(6, exitOhio)...), get: days, want: "declared 0 elsewhere 0 distant 0 ever false"},
	})
}

func TestDistance(t *testing.T) {
	t.Parallel()
	rtt := func(d *fleetv1.Device) any {
		return [3]any{d.GetDistance().GetRttMinMs(), d.GetDistance().GetDays(), d.GetKnown().GetDistance()}
	}
	at := func(ms float64, egresses ...string) func(l *laptop) []Observation {
		return func(l *laptop) []Observation { l.rtt = ms; return staying(egresses...)(l) }
	}
	via := func(d *fleetv1.Device) any {
		if d.GetDistance().LikelyViaMaxMs == nil {
			return "none"
		}
		return d.GetDistance().GetLikelyViaMaxMs() > d.GetDistance().GetLikelyMaxMs()
	}
	check(t, []derived{
		{name: "measured", life: at(25, ohio, ohio), get: rtt, want: [3]any{25.0, uint32(2), true}},
		{name: "not measured", life: at(0, ohio), get: rtt, want: [3]any{0.0, uint32(0), false}},
		{name: "through the company's network it measures the way there", life: at(250, concentr), get: rtt, want: [3]any{0.0, uint32(0), false}},
		{name: "likely and possible", life: at(25, ohio), want: [2]any{46.0, 0.0},
			get: func(d *fleetv1.Device) any {
				return [2]any{d.GetDistance().GetLikelyMaxMs(), d.GetDistance().GetPossibleMinMs()}
			}},
		{name: "straight from home there is no other way", life: at(25, ohio), get: via, want: "none"},
		{name: "by way of an exit next door", life: at(25, exitOhio), get: via, want: true},
		{name: "by way of another part of the country", life: at(25, california), get: via, want: true},
		{name: "an open address abroad explains nothing", life: at(25, shenyang), get: via, want: "none"},
		{name: "nor does what the company's network hides", life: at(25, ohio, concentr), get: via, want: "none"},
		{name: "what an address abroad makes possible", life: at(25, shenyang), want: true,
			get: func(d *fleetv1.Device) any { return d.GetDistance().GetPossibleMinMs() > 60 }},
	})
}
