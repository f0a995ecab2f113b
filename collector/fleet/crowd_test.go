package fleet

import (
	"fmt"
	"slices"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// TestCrowdInRotation: what a crowd has in common stays a crowd's while laptops come
// to a new fleet key one after another, seen from whichever of them.
func TestCrowdInRotation(t *testing.T) {
	t.Parallel()
	things := []struct {
		name  string
		enter func(l *laptop)
		want  string // site and people of the account
	}{
		{"gateway", func(l *laptop) { spot{network: "one gateway", peer: ohio}.enter(l) }, "alone 0"},
		{"office", func(l *laptop) { spot{network: "office", peer: office}.enter(l) }, "64 office 0"},
		{"monitor", func(l *laptop) { spot{network: "home of " + l.id, peer: ohio, monitor: "no name"}.enter(l) }, "alone 0"},
		{"account", func(*laptop) {}, "alone 1"},
	}
	type ring = []uint32
	first, both, second := ring{1}, ring{2, 1}, ring{2}
	shares := map[string]func(i int) []ring{}
	for _, rotated := range []int{0, 1, 10, 35, 40, 64, 65, 79, 80} {
		shares[fmt.Sprint(rotated, " rotated")] = func(i int) []ring { return []ring{first, both}[:1+b2i(i < rotated)] }
		shares[fmt.Sprint(rotated, " new with both keys")] = func(i int) []ring { return []ring{[]ring{first, both}[b2i(i < rotated)]} }
		shares[fmt.Sprint(rotated, " have retired the first")] = func(i int) []ring { return []ring{first, both, second}[:2+b2i(i < rotated)] }
	}
	shares["neither name is a crowd's, two have both"] = func(i int) []ring {
		switch {
		case i == 0 || i == 79:
			return []ring{first, both}
		case i < 40:
			return []ring{first}
		}
		return []ring{second}
	}
	for _, thing := range things {
		for name, rings := range shares {
			t.Run(thing.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				f := newFleet(nil)
				pics := make([]*fleetv1.Picture, 80)
				now := monday
				for i := range pics {
					l, agent := newLaptop(fmt.Sprint("d", i)), hashing{}
					thing.enter(l)
					for turn, keys := range rings(i) {
						now = monday.Add(time.Duration(turn) * time.Hour)
						var sessions []*farmhoundv1.RemoteSession
						if thing.name == "account" {
							s := control("s", "anydesk", shenyang, monday.Add(-time.Hour))
							s.AccountHash = digest("support")
							sessions = append(sessions, s)
						}
						o := l.report(now, sessions...)
						o.Report = agent.report(o.Report, ringOf(t, keys...))
						pics[i], _ = f.Apply(pics[i], o)
					}
				}
				for _, i := range []int{0, 1, 38, 39, 40, 78, 79} {
					d := f.Device(pics[i], now.Add(time.Hour))
					got := "alone"
					if s := d.GetSite(); s != nil {
						got = fmt.Sprint(s.GetPeople())
						if s.GetOffice() {
							got += " office"
						}
					}
					if got = fmt.Sprint(got, " ", d.GetOperator().GetAccountPeople()); got != thing.want {
						t.Errorf("d%d: %s, want %s", i, got, thing.want)
					}
				}
			})
		}
	}
}

// hashed is an account under the fleet keys that a laptop claims it for, newest first.
type hashed []claim

type claim struct {
	key  uint32
	hash []byte
}

// account returns what an honest laptop with these keys says of an account.
func account(t *testing.T, name string, keys ...uint32) (h hashed) {
	t.Helper()
	for _, id := range keys {
		hash, _, _ := ringOf(t, id).Hash(fleetkey.RemoteAccount, digest(name))
		h = append(h, claim{id, hash})
	}
	return h
}

func (h hashed) put(s *farmhoundv1.RemoteSession) {
	s.AccountHash, s.KeyId = h[0].hash, h[0].key
	for _, earlier := range h[1:] {
		s.EarlierAccounts = append(s.EarlierAccounts, &farmhoundv1.EarlierHash{KeyId: earlier.key, Hash: earlier.hash})
	}
}

// TestClaimedAccount: what a laptop claims of another one's remote account counts
// against the other only if it counts against the claimer, and names that one
// of the two contradicts tie nothing.
func TestClaimedAccount(t *testing.T) {
	t.Parallel()
	victim, other, own := account(t, "victim", 2, 1), account(t, "other", 2, 1), account(t, "own", 2, 1)
	stranger := claim{9, digest("nothing")}
	tests := []struct {
		name                string
		victim              hashed
		claimed             hashed
		peer                string // of the claimed session
		ago                 int    // days
		idle                bool   // the claimer's windows count no control
		want                uint32
		wantClaimer, wantOf uint32 // of the claimer, of the other victim
	}{
		{name: "nothing", victim: victim, claimed: own, want: 1, wantClaimer: 1, wantOf: 1},
		{name: "the account", victim: victim, claimed: victim, want: 2, wantClaimer: 2, wantOf: 1},
		{name: "an older name beside a newer one that is not it", victim: victim, claimed: hashed{own[0], victim[1]}, want: 1, wantClaimer: 1, wantOf: 1},
		{name: "an older name beside that of a key nobody else has", victim: victim, claimed: hashed{stranger, victim[1]}, want: 1, wantClaimer: 1, wantOf: 1},
		{name: "two people's accounts as one", victim: victim, claimed: hashed{other[0], victim[1]}, want: 1, wantClaimer: 2, wantOf: 2},
		{name: "two people's accounts as one, the other way round", victim: victim, claimed: hashed{victim[0], other[1]}, want: 2, wantClaimer: 2, wantOf: 1},
		{name: "from near", victim: victim, claimed: victim, peer: ohio, want: 1, wantOf: 1},
		{name: "without the control", victim: victim, claimed: victim, idle: true, want: 1, wantOf: 1},
		{name: "of weeks ago", victim: victim, claimed: victim, ago: 22, want: 1, wantOf: 1},
		{name: "the only name", victim: victim[1:], claimed: hashed{own[0], victim[1]}, want: 2, wantClaimer: 2, wantOf: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			persons := people{}
			f := newFleet(persons)
			report := func(id, peer string, ago int, driving bool, h hashed) *fleetv1.Picture {
				l := newLaptop(id)
				persons[l.serial] = ohioan("p-" + id)
				from := monday.Add(-time.Duration(ago) * 24 * time.Hour)
				l.hours = append(l.hours, hour(from, 40))
				if driving {
					l.hours[0] = hour(from, 40, driven("anydesk"))
				}
				s := control(id, "anydesk", peer, from, until(from.Add(time.Hour)))
				h.put(s)
				pic, _ := f.Apply(nil, l.report(monday.Add(time.Hour), s))
				return pic
			}
			peer := tt.peer
			if peer == "" {
				peer = shenyang
			}
			v := report("victim", shenyang, 0, true, tt.victim)
			o := report("other", shenyang, 0, true, other)
			c := report("claimer", peer, tt.ago, !tt.idle, tt.claimed)
			for _, check := range []struct {
				who  string
				pic  *fleetv1.Picture
				want uint32
			}{{"victim", v, tt.want}, {"claimer", c, tt.wantClaimer}, {"other", o, tt.wantOf}} {
				if got := f.Device(check.pic, monday.Add(2*time.Hour)).GetOperator().GetAccountPeople(); got != check.want {
					t.Errorf("the %s's account is of %d people, want %d", check.who, got, check.want)
				}
			}
		})
	}
}

// TestClaimsEndWithTheClaimersOwn: a laptop that claims an account and falls silent
// accuses nobody for longer than itself.
func TestClaimsEndWithTheClaimersOwn(t *testing.T) {
	t.Parallel()
	f := newFleet(people{"serial-victim": ohioan("p1"), "serial-claimer": ohioan("p2")})
	report := func(l *laptop, pic *fleetv1.Picture, day int) *fleetv1.Picture {
		from := monday.AddDate(0, 0, day)
		s := control(fmt.Sprint(l.id, day), "anydesk", shenyang, from, until(from.Add(time.Hour)))
		account(t, "operator", 1).put(s)
		pic, _ = f.Apply(pic, l.report(from.Add(time.Hour), s))
		return pic
	}
	victim := newLaptop("victim")
	var pic *fleetv1.Picture
	claimer := report(newLaptop("claimer"), nil, 0)
	for day, want := range []uint32{0: 2, 10: 2, 19: 2, 20: 1, 25: 1} {
		if want == 0 {
			continue
		}
		pic = report(victim, pic, day)
		now := monday.AddDate(0, 0, day).Add(2 * time.Hour)
		if got := f.Device(pic, now).GetOperator().GetAccountPeople(); got != want {
			t.Errorf("day %d: the victim's account is of %d people, want %d", day, got, want)
		}
		if accused := f.Device(claimer, now).GetOperator().GetAccountPeople() == 2; accused != (want == 2) {
			t.Errorf("day %d: the claimer accused %t", day, accused)
		}
	}
}

// TestAUsedAccountIsStillACrowds: whom an account does not control any more still
// shows that it is the company's support's.
func TestAUsedAccountIsStillACrowds(t *testing.T) {
	t.Parallel()
	f := newFleet(nil)
	var pic *fleetv1.Picture
	for i := range crowd + 1 {
		from := monday.AddDate(0, 0, -25*b2i(i%2 == 1))
		s := control("s", "anydesk", shenyang, from, until(from.Add(time.Hour)))
		account(t, "support", 1).put(s)
		pic, _ = f.Apply(nil, newLaptop(fmt.Sprint("d", i)).report(monday.Add(time.Hour), s))
	}
	if got := f.Device(pic, monday.Add(2*time.Hour)).GetOperator().GetAccountPeople(); got != 1 {
		t.Errorf("the support's account is of %d people, want the device's own", got)
	}
}

// TestManyNamesHideNoCrowd: a laptop behind the same egress that claims names without
// end takes the place of none that the others tell.
func TestManyNamesHideNoCrowd(t *testing.T) {
	t.Parallel()
	f := newFleet(nil)
	var seen *fleetv1.Picture
	for i := range 80 {
		l, agent := newLaptop(fmt.Sprint("d", i)), hashing{}
		spot{network: "one gateway", peer: ohio}.enter(l)
		keys := []uint32{1 + uint32(b2i(i >= 40))}
		if i == 38 || i == 39 {
			keys = []uint32{2, 1}
		}
		o := l.report(monday)
		o.Report = agent.report(o.Report, ringOf(t, keys...))
		pic, _ := f.Apply(nil, o)
		switch i {
		case 0:
			seen = pic
		case 37:
			for key := range uint32(keptRenames) {
				name := f.hash(hashGateway, digest(fmt.Sprint(key)))
				pic.Renames = append(pic.GetRenames(), &fleetv1.Rename{
					Name: name[:], KeyId: key + 2, First: pic.GetNetworks()[0].GetGateway(), FirstKeyId: 1,
				})
			}
			f.Restore(pic)
		}
	}
	if got := siteWords(f.Device(seen, monday.Add(time.Hour)).GetSite()); got != "alone" {
		t.Errorf("site %s, want none: a crowd shares the gateway", got)
	}
}

// TestNobodyIsExcusedByOneClaim: a laptop that claims that its operator's account is
// the one of a crowd takes nobody else's evidence away but its own report.
func TestNobodyIsExcusedByOneClaim(t *testing.T) {
	t.Parallel()
	f := newFleet(nil)
	crowds := account(t, "support", 2)
	report := func(id string, h hashed) *fleetv1.Picture {
		s := control(id, "anydesk", shenyang, monday.Add(-time.Hour))
		h.put(s)
		pic, _ := f.Apply(nil, newLaptop(id).report(monday, s))
		return pic
	}
	for i := range crowd + 1 {
		report(fmt.Sprint("d", i), crowds)
	}
	farm := account(t, "operator", 1)
	pic := report("f1", farm)
	report("f2", farm)
	liar := report("f3", slices.Concat(crowds, farm))
	people := func(pic *fleetv1.Picture) uint32 {
		return f.Device(pic, monday.Add(time.Hour)).GetOperator().GetAccountPeople()
	}
	if got := people(pic); got != 2 {
		t.Errorf("the operator's account is of %d people, want the two who do not claim a crowd's", got)
	}
	if got := people(liar); got != 1 {
		t.Errorf("the claimer's account is of %d people, want its own only", got)
	}
}
