package fleet

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// visited is a workday that was driven from nine to five in one session.
func visited(l *laptop, midnight time.Time, tool, peer string, change ...func(*farmhoundv1.RemoteSession)) []Observation {
	all := l.workday(midnight, driven(tool))
	s := control(midnight.String(), tool, peer, midnight.Add(9*time.Hour), change...)
	all[1].Report.RemoteSessions = []*farmhoundv1.RemoteSession{s}
	end := proto.CloneOf(s)
	until(midnight.Add(17 * time.Hour))(end)
	all[len(all)-1].Report.RemoteSessions = []*farmhoundv1.RemoteSession{end}
	return all
}

func from(peer string, change ...func(*farmhoundv1.RemoteSession)) func(l *laptop) []Observation {
	return func(l *laptop) []Observation {
		var all []Observation
		for d := range 3 {
			all = append(all, visited(l, monday.AddDate(0, 0, d), "anydesk", peer, change...)...)
		}
		return all
	}
}

func relayed(s *farmhoundv1.RemoteSession) {
	s.Path, s.RttMinMs = farmhoundv1.SessionPath_SESSION_PATH_RELAY, proto.Float64(20)
}

func TestOperator(t *testing.T) {
	t.Parallel()
	operator := func(get func(*fleetv1.Operator) any) func(*fleetv1.Device) any {
		return func(d *fleetv1.Device) any {
			if d.GetOperator() == nil {
				return "nobody"
			}
			return get(d.GetOperator())
		}
	}
	foreign := operator(func(o *fleetv1.Operator) any { return o.GetForeign() })
	hours := operator(func(o *fleetv1.Operator) any { return o.GetPeers()[0].GetHours() })
	// left is a session that is open when the laptop's lid is shut at five, told
	// again by the report after the night, and over by then.
	left := func(change func(l *laptop)) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			all := l.workday(monday, driven("anydesk"))
			all[1].Report.RemoteSessions = []*farmhoundv1.RemoteSession{control("s", "anydesk", shenyang, monday.Add(9*time.Hour))}
			change(l)
			return append(all, l.workday(monday.AddDate(0, 0, 1))...)
		}
	}
	around := operator(func(o *fleetv1.Operator) any { return o.GetPeers()[0].GetAtDeclaredPlace() })
	check(t, []derived{
		{name: "nobody", life: func(l *laptop) []Observation { return l.workday(monday) }, get: foreign, want: "nobody"},
		{name: "from China", life: from(shenyang), get: foreign, want: true},
		{name: "days", life: from(shenyang), get: operator(func(o *fleetv1.Operator) any { return o.GetDays() }), want: uint32(3)},
		{name: "sessions", life: from(shenyang), get: operator(func(o *fleetv1.Operator) any { return o.GetSessions() }), want: uint32(3)},
		{name: "hours", life: from(shenyang), get: hours, want: 24.0},
		{name: "for longer than is remembered of a session", get: hours, want: 80.0, life: func(l *laptop) []Observation {
			var all []Observation
			for d := range 10 {
				all = append(all, visited(l, monday.AddDate(0, 0, d), "anydesk", shenyang)...)
			}
			return all
		}},
		{name: "hours from known addresses", life: from(shenyang), get: operator(func(o *fleetv1.Operator) any { return o.GetPeerHours() }), want: 24.0},
		{name: "over twenty days only", get: hours, want: "nobody", life: from(shenyang), now: 21 * 24 * time.Hour},
		{name: "from the own country", life: from(california), get: foreign, want: false},
		{name: "approved travel", life: from(berlin), get: foreign, want: false, person: func(p *fleetv1.Person) { p.TravelCountries = []string{"DE"} }},
		{name: "a journey that is over", life: from(berlin), get: foreign, want: false, now: 10 * 24 * time.Hour, config: inGermanyUntil(monday.AddDate(0, 0, 7))},
		{name: "longer than the journey", life: from(berlin), get: foreign, want: true, config: inGermanyUntil(monday.AddDate(0, 0, 1))},
		{name: "no roster says nothing", life: from(shenyang), get: foreign, want: false, alone: true},
		{name: "but the company's countries do", life: from(shenyang), get: foreign, want: true, alone: true,
			config: func(c *Config) { c.Company.HomeCountries = []string{"US"} }},
		{name: "no address data says nothing", life: from(shenyang), get: foreign, want: false, config: func(c *Config) { c.Places = nil }},
		{name: "an approved tool has no operator", life: from(shenyang), get: foreign, want: "nobody",
			config: func(c *Config) { c.Company.ApprovedTools = []ApprovedTool{{ID: "anydesk"}} }},
		{name: "nor when its approval has ended since", life: from(shenyang), get: foreign, want: "nobody", now: 10 * 24 * time.Hour,
			config: func(c *Config) {
				c.Company.ApprovedTools = []ApprovedTool{{ID: "anydesk", Until: monday.AddDate(0, 0, 7)}}
			}},
		{name: "near has none either", life: from(ohio), get: foreign, want: "nobody"},
		{name: "nor has another network of the same home", get: foreign, want: "nobody",
			life: from("192.168.10.20", func(s *farmhoundv1.RemoteSession) { s.RttMinMs = proto.Float64(1.4) })},
		{name: "an overlay's peer a country away is not near", get: foreign, want: false,
			life: from("100.64.7.7", func(s *farmhoundv1.RemoteSession) { s.RttMinMs = proto.Float64(8.1) })},
		{name: "nor has an overlay's peer that answers at once", get: foreign, want: "nobody",
			life: from("100.64.7.7", func(s *farmhoundv1.RemoteSession) { s.RttMinMs = proto.Float64(1.4) })},
		{name: "a loopback address answers at once for whoever is at the other end", get: foreign, want: false,
			life: from("127.0.0.1", func(s *farmhoundv1.RemoteSession) { s.RttMinMs = proto.Float64(0.1) })},
		{name: "a private network far away is an overlay's", get: foreign, want: false,
			life: from("192.168.10.20", func(s *farmhoundv1.RemoteSession) { s.RttMinMs = proto.Float64(160) })},
		{name: "a private network of unknown distance is not near", life: from("192.168.10.20"), get: foreign, want: false},
		{name: "an overlay's peer is not near and not abroad", life: from("100.64.7.7"), get: foreign, want: false},
		{name: "from around the declared place", life: from(california), get: around, want: true, person: func(p *fleetv1.Person) { p.Region = "CA" }},
		{name: "from elsewhere in the country", life: from(california), get: around, want: false},
		{name: "a relay around there is not who controls", life: from(california, relayed), get: around, want: false, person: func(p *fleetv1.Person) { p.Region = "CA" }},
		{name: "nor is a VPN's exit", life: from(exitOhio), get: around, want: false},
		{name: "a VPN's exit", life: from(exitOhio), get: operator(func(o *fleetv1.Operator) any { return o.GetAnonymised() }), want: true},
		{name: "the relay's country is not the peer's", life: from(shenyang, relayed), get: foreign, want: false},
		{name: "a relay far away", life: from(shenyang, relayed), want: "CN true",
			get: operator(func(o *fleetv1.Operator) any {
				return sentence("%s %t", o.GetPeers()[0].GetRelayCountry(), o.GetFarRelay())
			})},
		{name: "a relay across the country is not far", life: from(california, relayed), want: "US false",
			get: operator(func(o *fleetv1.Operator) any {
				return sentence("%s %t", o.GetPeers()[0].GetRelayCountry(), o.GetFarRelay())
			})},
		{name: "round trips of a relay are the relay's", life: from(shenyang, relayed), get: operator(func(o *fleetv1.Operator) any { return o.RttMinMs == nil }), want: true},
		{name: "round trips of a direct session", get: operator(func(o *fleetv1.Operator) any { return o.GetRttMinMs() }), want: 160.0,
			life: from(shenyang, func(s *farmhoundv1.RemoteSession) { s.RttMinMs = proto.Float64(160) })},
		{name: "an open session is credited by its windows, not over the night", life: left(func(*laptop) {}), get: hours, want: 8.0},
		{name: "nor when the laptop was off and its agent starts anew", life: left((*laptop).restart), get: hours, want: 8.0},
		{name: "without windows, up to the last report of its run", get: hours, want: 2.0, life: func(l *laptop) []Observation {
			all := []Observation{
				l.report(monday.Add(9*time.Hour), control("s", "anydesk", shenyang, monday.Add(9*time.Hour))), l.report(monday.Add(11 * time.Hour)),
			}
			l.restart()
			return append(all, l.report(monday.Add(40*time.Hour)))
		}},
		{name: "a session from before the agent counts from where windows do", get: hours, want: 8.0,
			life: func(l *laptop) []Observation {
				all := l.workday(monday, driven("anydesk"))
				all[0].Report.RemoteSessions = []*farmhoundv1.RemoteSession{control("s", "anydesk", shenyang, monday.AddDate(0, 0, -9))}
				return all
			}},
	})
}

func TestControllers(t *testing.T) {
	t.Parallel()
	l := newLaptop("d1")
	f := newFleet(nil)
	pic := lived(t, f, []Observation{l.report(monday, control("s", "anydesk", shenyang, monday))})
	if got := f.Controllers(pic); len(got) != 1 || got[0] != "AnyDesk" {
		t.Errorf("controllers while the session is open: %q", got)
	}
	l.restart()
	pic, events := f.Apply(pic, l.report(monday.Add(time.Hour)))
	if got := f.Controllers(pic); len(got) != 0 {
		t.Errorf("controllers after the agent started anew: %q", got)
	}
	if len(events) != 1 || events[0].GetKind() != "session_ended" {
		t.Errorf("events: %v, want the session's end", events)
	}
}

func TestZoneAndPhase(t *testing.T) {
	t.Parallel()
	moved := func(zones ...string) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			var all []Observation
			for d, zone := range zones {
				l.seen.Place = &farmhoundv1.Place{TimeZone: zone}
				all = append(all, l.workday(monday.AddDate(0, 0, d))...)
			}
			return all
		}
	}
	changed := func(d *fleetv1.Device) any { return d.GetPlace().GetZoneChanged() }
	phase := func(d *fleetv1.Device) any {
		if d.GetPlace().PhaseHours == nil {
			return "unknown"
		}
		return d.GetPlace().GetPhaseHours()
	}
	// used is a number of days used for hours from an hour in Ohio on.
	used := func(days, hours, from int, start time.Time) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			var all []Observation
			for d := range days {
				for h := range hours {
					at := start.AddDate(0, 0, d).Add(time.Duration(from+h) * time.Hour)
					l.hours = append(l.hours, hour(at, 50))
					all = append(all, l.report(at.Add(time.Hour)))
				}
			}
			return all
		}
	}
	night := func(p *fleetv1.Person) { p.WorkStartMinute, p.WorkEndMinute = proto.Uint32(22*60), proto.Uint32(6*60) }
	july := monday.AddDate(0, 0, 182).Add(-time.Hour) // midnight in Ohio in summer
	check(t, []derived{
		{name: "kept", life: moved("America/New_York", "America/New_York"), get: changed, want: false},
		{name: "away", life: moved("America/New_York", "Asia/Shanghai"), get: changed, want: true},
		{name: "back to the declared one", life: moved("Asia/Shanghai", "America/New_York"), get: changed, want: false},
		{name: "away and back is away", life: moved("America/New_York", "Asia/Shanghai", "America/New_York"), get: changed, want: true},
		{name: "within the country", life: moved("America/New_York", "America/Los_Angeles"), get: changed, want: false},
		{name: "another name for the same clock", life: moved("America/New_York", "America/Toronto"), get: changed, want: false},
		{name: "a clock that names no place", life: moved("America/New_York", "Etc/UTC"), get: changed, want: false},
		{name: "an approved journey", life: moved("America/New_York", "Europe/Berlin"), get: changed, want: false,
			person: func(p *fleetv1.Person) { p.TravelCountries = []string{"DE"} }},
		{name: "a journey that is over", life: moved("America/New_York", "Europe/Berlin", "America/New_York"), get: changed, want: false,
			now: 5 * 24 * time.Hour, config: inGermanyUntil(monday.AddDate(0, 0, 3))},
		{name: "twenty days later", life: moved("America/New_York", "Asia/Shanghai"), now: 21 * 24 * time.Hour, get: changed, want: false},
		{name: "no declared zone", life: moved("America/New_York", "Asia/Shanghai"), get: changed, want: false, person: func(p *fleetv1.Person) { p.TimeZone = "" }},
		{name: "office hours", life: used(6, 8, 9, monday), get: phase, want: 0.0},
		{name: "the same in summer", life: used(6, 8, 9, july), get: phase, want: 0.0},
		{name: "over the change of clocks", life: used(14, 8, 9, time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC)), get: phase, want: 0.5},
		{name: "the other side of the world", life: used(6, 8, 20, monday), get: phase, want: 11.0},
		{name: "a night shift as declared", life: used(6, 8, 22, monday), person: night, get: phase, want: 0.0},
		{name: "too few days", life: used(4, 8, 9, monday), get: phase, want: "unknown"},
		{name: "too few hours", life: used(6, 2, 9, monday), get: phase, want: "unknown"},
		{name: "round the clock has no middle", life: used(6, 24, 0, monday), get: phase, want: "unknown"},
	})
}
