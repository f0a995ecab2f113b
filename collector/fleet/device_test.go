package fleet

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// derived is one thing that a life is to show.
type derived struct {
	name   string
	config func(*Config)
	person func(*fleetv1.Person) // nil for the person of Ohio
	alone  bool                  // no roster
	life   func(l *laptop) []Observation
	now    time.Duration // after the last report; a minute when zero
	get    func(*fleetv1.Device) any
	want   any
}

func check(t *testing.T, tests []derived) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLaptop("d1")
			person := ohioan("p1")
			if tt.person != nil {
				tt.person(person)
			}
			persons := people{l.serial: person}
			if tt.alone {
				persons = people{}
			}
			f := newFleet(persons, func(c *Config) {
				if tt.config != nil {
					tt.config(c)
				}
			})
			all := tt.life(l)
			dev := f.Device(lived(t, f, all), after(all).Add(tt.now))
			if diff := cmp.Diff(tt.want, tt.get(dev)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// journey is a roster in which everybody may be in Germany until a time.
type journey struct {
	people
	until time.Time
}

func (j journey) Person(serial string, at time.Time) (*fleetv1.Person, bool) {
	person, ok := j.people.Person(serial, at)
	person = proto.CloneOf(person)
	if at.Before(j.until) {
		person.TravelCountries = []string{"DE"}
	}
	return person, ok
}

// inGermanyUntil approves of the journey in a test's world.
func inGermanyUntil(at time.Time) func(*Config) {
	return func(c *Config) { c.Roster = journey{c.Roster.(people), at} }
}

// rounded makes shares comparable; unknown is its own value.
func rounded(share *float64) any {
	if share == nil {
		return "unknown"
	}
	return float64(int(*share*100+0.5)) / 100
}

func TestActivity(t *testing.T) {
	t.Parallel()
	day5 := func(get func(*fleetv1.Activity) any) func(*fleetv1.Device) any {
		return func(d *fleetv1.Device) any { return get(d.GetDay5()) }
	}
	unsanctioned := day5(func(a *fleetv1.Activity) any { return rounded(a.UnsanctionedShare) })
	near := day5(func(a *fleetv1.Activity) any { return rounded(a.NearShare) })
	plain := func(change ...func(*farmhoundv1.Window)) func(l *laptop) []Observation {
		return func(l *laptop) []Observation { return l.workdays(monday, 7, change...) }
	}
	// through lets sessions of a peer accompany a driven workday.
	through := func(peer string, change ...func(*farmhoundv1.RemoteSession)) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			all := l.workday(monday, driven("anydesk"))
			s := control("s", "anydesk", peer, monday.Add(9*time.Hour), change...)
			all[1].Report.RemoteSessions = []*farmhoundv1.RemoteSession{s}
			end := proto.CloneOf(s)
			until(monday.Add(17 * time.Hour))(end)
			all[len(all)-1].Report.RemoteSessions = []*farmhoundv1.RemoteSession{end}
			return all
		}
	}
	check(t, []derived{
		{name: "days are those in use", life: plain(), get: day5(func(a *fleetv1.Activity) any { return a.GetDays() }), want: uint32(5)},
		{
			name: "a laptop that only woke up was not in use", want: uint32(5),
			life: func(l *laptop) []Observation {
				all := l.workdays(monday, 7)
				l.hours = append(l.hours, hour(monday.AddDate(0, 0, 8), 20))
				return append(all, l.report(monday.AddDate(0, 0, 8).Add(time.Hour)))
			},
			get: func(d *fleetv1.Device) any { return d.GetDay20().GetDays() },
		},
		{
			name: "day1 is the last day in use, not today", want: "2026-01-09",
			life: func(l *laptop) []Observation {
				all := l.workdays(monday, 7)
				return append(all, l.report(monday.AddDate(0, 0, 9)))
			},
			get: func(d *fleetv1.Device) any { return d.GetDay1().GetFrom().AsTime().Format(time.DateOnly) },
		},
		{
			name: "the last three days are of days in use", want: "2026-01-08 2026-01-12: 3 days, 1 driven, 0.33",
			life: func(l *laptop) []Observation {
				return append(l.workdays(monday, 6), l.workday(monday.AddDate(0, 0, 7), driven("anydesk"))...)
			},
			get: func(d *fleetv1.Device) any {
				a := d.GetDay3()
				date := func(at time.Time) string { return at.Format(time.DateOnly) }
				return sentence("%s %s: %d days, %d driven, %v", date(a.GetFrom().AsTime()), date(a.GetTo().AsTime().AddDate(0, 0, -1)),
					a.GetDays(), a.GetDrivenDays(), rounded(a.UnsanctionedShare))
			},
		},
		{
			name: "of less days than it is over, it is over all", want: "2 2 2",
			life: func(l *laptop) []Observation { return l.workdays(monday, 2) },
			get: func(d *fleetv1.Device) any {
				return sentence("%d %d %d", d.GetDay3().GetDays(), d.GetDay5().GetDays(), d.GetDay20().GetDays())
			},
		},
		{name: "nothing controlled is zero", life: plain(), get: unsanctioned, want: 0.0},
		{name: "control unknown is unknown", life: plain(func(w *farmhoundv1.Window) { w.ControlKnown = false }), get: unsanctioned, want: "unknown"},
		{name: "no hands is unknown", life: plain(func(w *farmhoundv1.Window) { w.Input = nil }), want: "unknown",
			get: day5(func(a *fleetv1.Activity) any { return rounded(a.LocalShare) })},
		{name: "input without hands for a day leaves the others", want: 1.0,
			life: func(l *laptop) []Observation {
				return append(l.workday(monday), l.workday(monday.AddDate(0, 0, 1), func(w *farmhoundv1.Window) { w.Input = nil })...)
			},
			get: day5(func(a *fleetv1.Activity) any { return rounded(a.BuiltInShare) })},
		{name: "driven all day", life: plain(driven("anydesk")), get: unsanctioned, want: 1.0},
		{name: "driven days", life: plain(driven("anydesk")), get: day5(func(a *fleetv1.Activity) any { return a.GetDrivenDays() }), want: uint32(5)},
		{name: "approved by the company", life: plain(driven("anydesk")), get: unsanctioned, want: 0.0,
			config: func(c *Config) { c.Company.ApprovedTools = []ApprovedTool{{ID: "anydesk"}} }},
		{name: "approval that ended", life: plain(driven("anydesk")), get: unsanctioned, want: 1.0,
			config: func(c *Config) {
				c.Company.ApprovedTools = []ApprovedTool{{ID: "anydesk", Until: monday.AddDate(0, 0, -1)}}
			}},
		{name: "approval that ends afterwards covered what it covered", life: plain(driven("anydesk")), get: unsanctioned, want: 0.0, now: 10 * 24 * time.Hour,
			config: func(c *Config) {
				c.Company.ApprovedTools = []ApprovedTool{{ID: "anydesk", Until: monday.AddDate(0, 0, 7)}}
			}},
		{name: "approval that ends meanwhile", life: plain(driven("anydesk")), get: unsanctioned, want: 0.4,
			config: func(c *Config) {
				c.Company.ApprovedTools = []ApprovedTool{{ID: "anydesk", Until: monday.AddDate(0, 0, 2).Add(6 * time.Hour)}}
			}},
		{name: "what was counted is known", life: plain(driven("anydesk"), func(w *farmhoundv1.Window) { w.ControlKnown = false }), get: unsanctioned, want: 1.0},
		{name: "approved for the person", life: plain(driven("anydesk")), want: 1.0,
			person: func(p *fleetv1.Person) { p.ApprovedTools = []string{"anydesk"} },
			get:    day5(func(a *fleetv1.Activity) any { return rounded(a.SanctionedShare) })},
		{name: "activity unknown: of the time awake", get: unsanctioned, want: 0.5,
			life: plain(driven("anydesk"), func(w *farmhoundv1.Window) { w.ActiveSeconds, w.Control[0].Seconds = nil, 1800 })},
		{name: "near as the laptop counts", get: near, want: 1.0, life: plain(driven("anydesk"), func(w *farmhoundv1.Window) {
			for _, c := range w.GetControl() {
				c.NearSeconds = c.GetSeconds()
			}
		})},
		{name: "a far peer is far", life: through(shenyang), get: near, want: 0.0},
		{name: "a peer behind the laptop's own egress is near", life: through(ohio), get: near, want: 1.0},
		{name: "and is not unsanctioned", life: through(ohio), get: unsanctioned, want: 0.0},
		{name: "a neighbour's address is not", life: through(ohioFriend), get: near, want: 0.0},
		{name: "a peer in the company's network is near", life: through(concentr), get: near, want: 1.0},
		{name: "an overlay's address is nowhere", life: through("100.64.3.4"), get: near, want: 0.0},
		{name: "a relay at the own address is not near", get: near, want: 0.0,
			life: through(ohio, func(s *farmhoundv1.RemoteSession) { s.Path = farmhoundv1.SessionPath_SESSION_PATH_RELAY })},
		{name: "strangers share the exit of a VPN", get: near, want: 0.0,
			life: func(l *laptop) []Observation { l.peer = exitOhio; return through(exitOhio)(l) }},
		{name: "jigglers are no input", want: 0.5,
			life: plain(func(w *farmhoundv1.Window) {
				if w.GetActiveSeconds() > 0 {
					w.Input = &farmhoundv1.InputSeconds{BuiltIn: 100, Attached: 100, Jiggler: 200}
				}
			}),
			get: day5(func(a *fleetv1.Activity) any { return rounded(a.BuiltInShare) })},
		{name: "calls with injected input", want: 1.0,
			life: plain(func(w *farmhoundv1.Window) {
				w.CallSeconds, w.Input = proto.Uint32(600), &farmhoundv1.InputSeconds{Injected: 300, BuiltIn: 200}
			}),
			get: day5(func(a *fleetv1.Activity) any { return rounded(a.CallInjectedShare) })},
		{name: "no calls is unknown", life: plain(), want: "unknown",
			get: day5(func(a *fleetv1.Activity) any { return rounded(a.CallInjectedShare) })},
	})
}

func TestTools(t *testing.T) {
	t.Parallel()
	anydesk := &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "anydesk", Running: true, Unattended: true, FixedCredential: true}}}
	// appears installs the tool before a workday and removes it before another.
	appears := func(installed, removed, days int) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			var all []Observation
			for d := range days {
				if d == installed {
					l.seen.Software = anydesk
				}
				if d == removed {
					l.seen.Software = &farmhoundv1.Software{}
				}
				all = append(all, l.workday(monday.AddDate(0, 0, d))...)
			}
			return all
		}
	}
	first := func(get func(*fleetv1.ToolSighting) any) func(*fleetv1.Device) any {
		return func(d *fleetv1.Device) any {
			if len(d.GetTools()) == 0 {
				return "none"
			}
			return get(d.GetTools()[0])
		}
	}
	fortnight := first(func(t *fleetv1.ToolSighting) any { return t.GetFirstFortnight() })
	present := first(func(t *fleetv1.ToolSighting) any { return t.GetPresent() })
	check(t, []derived{
		{name: "there from the first report", life: appears(0, -1, 3), get: fortnight, want: false},
		{name: "appeared in the first fortnight", life: appears(2, -1, 5), get: fortnight, want: true},
		{name: "appeared later", life: appears(20, -1, 22), get: fortnight, want: false},
		{name: "new in thirty days", life: appears(20, -1, 22), get: first(func(t *fleetv1.ToolSighting) any { return t.GetNewIn_30D() }), want: true},
		{name: "present", life: appears(2, -1, 5), get: present, want: true},
		{name: "gone", life: appears(2, 4, 6), get: present, want: false},
		{name: "was there until the report without it", life: appears(2, 4, 6), want: "2026-01-09 09",
			get: first(func(t *fleetv1.ToolSighting) any {
				return t.GetLastSeenAt().AsTime().Add(-5 * time.Hour).Format("2006-01-02 15")
			})},
		{name: "forgotten after thirty days", life: appears(2, 4, 6), now: 31 * 24 * time.Hour, get: present, want: "none"},
		{name: "not forgotten while present", life: appears(2, -1, 6), now: 31 * 24 * time.Hour, get: present, want: true},
		{name: "the catalogue's words", life: appears(2, -1, 3), want: "AnyDesk remote-control true true true",
			get: first(func(t *fleetv1.ToolSighting) any {
				return sentence("%s %s %t %t %t", t.GetName(), t.GetCategory(), t.GetControls(), t.GetUnattended(), t.GetFixedCredential())
			})},
		{name: "in a container only", get: present, want: "none", life: func(l *laptop) []Observation {
			l.seen.Software = &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{
				{Id: "anydesk", Running: true, Scope: farmhoundv1.InstallScope_INSTALL_SCOPE_CONTAINER},
			}}
			return l.workday(monday)
		}},
		{name: "set up while approved", get: first(func(t *fleetv1.ToolSighting) any { return sentence("%t %t", t.GetApproved(), t.GetFirstFortnight()) }),
			life: appears(2, -1, 6), want: "false false", config: func(c *Config) {
				c.Company.ApprovedTools = []ApprovedTool{{ID: "anydesk", Until: monday.AddDate(0, 0, 4)}}
			}},
		{name: "gone before its approval ended", get: first(func(t *fleetv1.ToolSighting) any { return t.GetApproved() }),
			life: appears(2, 4, 6), want: true, config: func(c *Config) {
				c.Company.ApprovedTools = []ApprovedTool{{ID: "anydesk", Until: monday.AddDate(0, 0, 5)}}
			}},
		{name: "a sense that fails does not keep a tool there", want: "2026-01-07", life: func(l *laptop) []Observation {
			all := appears(2, -1, 3)(l)
			l.seen.Health = &farmhoundv1.Health{Senses: []*farmhoundv1.Sense{{Name: "software", State: farmhoundv1.SenseState_SENSE_STATE_FAILED}}}
			l.seen.Software = nil
			return append(all, l.workday(monday.AddDate(0, 0, 3))...)
		}, get: first(func(t *fleetv1.ToolSighting) any { return t.GetLastSeenAt().AsTime().Format(time.DateOnly) })},
	})
}

// A window that says it reaches beyond its report counts up to it: what is judged
// tonight must not name tomorrow.
func TestWindowEndsWithItsReport(t *testing.T) {
	t.Parallel()
	l, f := newLaptop("d1"), newFleet(nil)
	midnight := time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)
	w := hour(midnight.Add(-time.Hour), 0)
	w.Seconds, w.ActiveSeconds = 2*3600, proto.Uint32(2*3600)
	l.hours = append(l.hours, w)
	dev := f.Device(lived(t, f, []Observation{l.report(midnight)}), midnight)
	if got := dev.GetDay1().GetActiveHours(); got < 0.99 || got > 1.01 {
		t.Errorf("counted %v hours, want the one before the report", got)
	}
	if to := dev.GetDay1().GetTo().AsTime(); to.After(midnight) {
		t.Errorf("the last day with activity ends %s, after the report", to)
	}
}

// Silence takes nothing from what could be observed until it began.
func TestSilenceIsNotBlindness(t *testing.T) {
	t.Parallel()
	l, f := newLaptop("d1"), newFleet(nil)
	l.rtt = 20
	all := l.workdays(monday, 7)
	pic := lived(t, f, all)
	for _, days := range []int{0, 21, 400} {
		known := f.Device(pic, after(all).AddDate(0, 0, days)).GetKnown()
		if !known.GetControl() || !known.GetHands() || !known.GetDistance() {
			t.Errorf("after %d days of silence: %v", days, known)
		}
	}
}

// TestFiguresHaveRoom: there is a place for every figure of an activity.
func TestFiguresHaveRoom(t *testing.T) {
	t.Parallel()
	optional := 0
	fields := (*fleetv1.Activity)(nil).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if fields.Get(i).HasOptionalKeyword() {
			optional++
		}
	}
	if room := len(figures{}.given); room != optional {
		t.Errorf("room for %d of %d figures", room, optional)
	}
}
