package fleet

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// starts begins a run of the agent on a system that has been up for a while.
func (l *laptop) starts(at time.Time, up time.Duration) {
	l.restart()
	l.seen.Health.StartedAt = timestamppb.New(at)
	l.seen.Health.SystemUpSeconds = proto.Uint64(uint64(up / time.Second))
}

// works uses the laptop for some hours, delivering by the hour.
func (l *laptop) works(from time.Time, hours int) []Observation {
	var all []Observation
	for h := range hours {
		at := from.Add(time.Duration(h) * time.Hour)
		l.hours = append(l.hours, hour(at, 45))
		all = append(all, l.report(at.Add(time.Hour)))
	}
	return all
}

// gapsOf tells what the gaps of a device were, by when they began in hours from monday on.
func gapsOf(d *fleetv1.Device) any {
	var words []string
	for _, g := range d.GetTrust().GetGaps() {
		from, to := g.GetFrom().AsTime().Sub(monday).Hours(), g.GetTo().AsTime().Sub(monday).Hours()
		words = append(words, fmt.Sprintf("%s %g-%g", g.GetKind(), from, to))
	}
	return strings.Join(words, ", ")
}

func TestGaps(t *testing.T) {
	t.Parallel()
	at := func(hours int) time.Time { return monday.Add(time.Duration(hours) * time.Hour) }
	// apart works in the evening of Monday and, from 38 on, on Tuesday; what was between is
	// what then says before it.
	apart := func(then func(l *laptop)) func(l *laptop) []Observation {
		return func(l *laptop) []Observation {
			l.starts(at(8), time.Minute)
			all := l.works(at(8), 10)
			then(l)
			return append(all, l.works(at(38), 4)...)
		}
	}
	stopped := func(d *fleetv1.Device) any { return number(d.GetTrust().SilentHours) }
	held := func(l *laptop) {
		w := hour(at(18), 0)
		w.Seconds = 20 * 3600
		l.hours = append(l.hours, w)
	}
	sleeps := func(l *laptop) {
		for h := 18; h < 38; h++ {
			l.hours = append(l.hours, hour(at(h), 0, asleep))
		}
	}
	crashed := func(l *laptop) { l.starts(at(38), 31*time.Hour) }
	moves := func(l *laptop) { crashed(l); l.at("the hotel") }
	check(t, []derived{
		{name: "none", get: gapsOf, want: "", life: func(l *laptop) []Observation { return l.works(at(8), 10) }},
		{name: "asleep", life: apart(sleeps), get: gapsOf, want: "asleep 18-38"},
		{name: "asleep is no evidence", life: apart(sleeps), get: stopped, want: 0.0},
		{name: "off", life: apart(func(l *laptop) { l.starts(at(38), time.Minute) }), get: gapsOf, want: "off 18-38"},
		{name: "off is no evidence", life: apart(func(l *laptop) { l.starts(at(38), time.Minute) }), get: stopped, want: 0.0},
		{name: "off, and the agent started late", get: gapsOf, want: "off 18-38", life: apart(func(l *laptop) { l.starts(at(38), 12*time.Hour) })},
		{name: "another run of a system that stayed up", life: apart(crashed), get: gapsOf, want: "agent_stopped 18-38"},
		{name: "which is evidence", life: apart(crashed), get: stopped, want: 20.0},
		{name: "but not of long ago", life: apart(crashed), now: 6 * 24 * time.Hour, get: stopped, want: 0.0},
		{name: "nor on the way", life: apart(moves), get: stopped, want: 0.0},
		{name: "travelling", life: apart(moves), get: gapsOf, want: "travelling 18-38"},
		{
			name: "an approved journey", life: apart(crashed), get: gapsOf, want: "travelling 18-38",
			config: inGermanyUntil(at(24)),
		},
		{name: "off on the way is off", get: gapsOf, want: "off 18-38", life: apart(func(l *laptop) { l.starts(at(38), time.Minute); l.at("the hotel") })},
		{name: "the same run says nothing", life: apart(func(*laptop) {}), get: gapsOf, want: "agent_stopped 18-38"},
		{name: "the same run on the way", life: apart(func(l *laptop) { l.at("the hotel") }), get: gapsOf, want: "travelling 18-38"},
		{name: "an agent that was held", life: apart(held), get: gapsOf, want: "agent_stopped 18-38"},
		{name: "a run of which nobody knows how it began", get: gapsOf, want: "unknown 18-38", life: apart(func(l *laptop) {
			l.restart()
			l.seen.Health.StartedAt, l.seen.Health.SystemUpSeconds = nil, nil
		})},
		{name: "lost reports", life: apart(func(l *laptop) { l.seq++ }), get: gapsOf, want: "unknown 18-38"},
		{name: "a short one is none", get: gapsOf, want: "", life: func(l *laptop) []Observation {
			return append(l.works(at(8), 4), l.works(at(14), 4)...)
		}},
		{name: "the last ten", get: func(d *fleetv1.Device) any {
			gaps := d.GetTrust().GetGaps()
			return sentence("%d from %v", len(gaps), gaps[0].GetFrom().AsTime().Sub(monday).Hours()/24)
		}, want: "10 from 2.5", life: func(l *laptop) []Observation {
			var all []Observation
			for day := range 13 {
				l.starts(at(24*day+8), time.Minute)
				all = append(all, l.works(at(24*day+8), 4)...)
			}
			return all
		}},
		{name: "hours by kind", get: func(d *fleetv1.Device) any {
			s := d.GetTrust().GetGapSums()
			return sentence("%g asleep, %g off, %g travelling, %g blocked, %g stopped, %g unknown", s.GetAsleepHours(), s.GetOffHours(),
				s.GetTravellingHours(), s.GetNetworkBlockedHours(), s.GetAgentStoppedHours(), s.GetUnknownHours())
		}, want: "20 asleep, 40 off, 0 travelling, 0 blocked, 20 stopped, 0 unknown", life: func(l *laptop) []Observation {
			all := apart(sleeps)(l)
			all = append(all, l.works(at(42), 1)...)
			l.starts(at(63), time.Minute)
			all = append(all, l.works(at(63), 1)...)
			l.starts(at(84), time.Minute)
			all = append(all, l.works(at(84), 1)...)
			l.starts(at(105), 21*time.Hour)
			return append(all, l.works(at(105), 1)...)
		}},
	})
}

// TestBlocked: what is delivered late turns a gap into one of the network, or into none,
// in whatever order it comes.
func TestBlocked(t *testing.T) {
	t.Parallel()
	at := func(hours int) time.Time { return monday.Add(time.Duration(hours) * time.Hour) }
	life := func(l *laptop, late []Observation, live int) []Observation {
		l.starts(at(8), time.Minute)
		all := l.works(at(8), 8)                 // Monday
		all = append(all, l.works(at(32), 2)...) // Tuesday
		late = append(late, l.works(at(34), 10)...)
		for i := range late {
			late[i].ReceivedAt = at(46)
		}
		return append(append(all, late...), l.works(at(46), live)...)
	}
	for _, test := range []struct {
		name string
		life func(l *laptop) []Observation
		want string
	}{
		// Of the night, the run tells nothing: the same one goes on.
		{"blocked", func(l *laptop) []Observation { return life(l, nil, 4) }, "agent_stopped 16-32, network_blocked 35-46"},
		{"delivered after the lid was opened", func(l *laptop) []Observation {
			l.starts(at(8), time.Minute)
			all := append(l.works(at(8), 8), l.works(at(32), 2)...)
			l.hours = append(l.hours, hour(at(34), 30))
			shut := l.report(at(35))
			shut.ReceivedAt = at(46)
			for h := 35; h < 46; h++ {
				l.hours = append(l.hours, hour(at(h), 0, asleep))
			}
			return append(append(all, shut, l.report(at(46))), l.works(at(46), 2)...)
		}, "agent_stopped 16-32, asleep 35-46"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLaptop("d1")
			all := test.life(l)
			now := after(all)
			random := rand.New(rand.NewPCG(1, 2))
			for round := range 20 {
				f := newFleet(people{l.serial: ohioan("p1")})
				// Monday comes first, and then the rest of Tuesday in any order.
				pic := lived(t, f, all[:10])
				rest := append([]Observation(nil), all[10:]...)
				if round > 0 {
					random.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
				}
				for _, o := range rest {
					pic, _ = f.Apply(pic, o)
				}
				if got := gapsOf(f.Device(pic, now)); got != test.want {
					t.Fatalf("round %d: got %s, want %s", round, got, test.want)
				}
			}
		})
	}
	t.Run("live reports before the spooled ones", func(t *testing.T) {
		t.Parallel()
		l := newLaptop("d1")
		f := newFleet(people{l.serial: ohioan("p1")})
		all := life(l, nil, 4)
		pic := lived(t, f, append(append([]Observation(nil), all[:10]...), all[20:]...))
		if got, want := gapsOf(f.Device(pic, after(all))), "agent_stopped 16-32, unknown 34-46"; got != want {
			t.Errorf("before: got %s, want %s", got, want)
		}
		for _, o := range all[10:20] {
			pic, _ = f.Apply(pic, o)
		}
		if got, want := gapsOf(f.Device(pic, after(all))), "agent_stopped 16-32, network_blocked 35-46"; got != want {
			t.Errorf("after: got %s, want %s", got, want)
		}
	})
}

func TestSpells(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		type times struct{ from, to int64 }
		all := make([]times, 3+random.IntN(9))
		for i := range all {
			from := int64(random.IntN(1000)) * 60
			all[i] = times{from, from + 60 + int64(random.IntN(200))*60}
		}
		join := func() []uint32 {
			var list []uint32
			for _, s := range all {
				list = addSpell(list, s.from, s.to, keptSleeps)
			}
			return list
		}
		want := join()
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if got := join(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		for i := 2; i < len(want); i += 2 {
			if want[i] <= want[i-2]+want[i-1]+spellSlack {
				t.Fatalf("%v are two", want)
			}
		}
	}
}
