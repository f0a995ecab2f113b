package fleet

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// spot is where a laptop stands in a site test, by day.
type spot struct {
	network, peer string
	tunnel        string // tool of a tunnel on the default route
	shift         bool   // used at night
	monitor       string
	console       bool   // shaped like a remote console
	physical      string // under which the collector sees its own interface, beside the tunnel
}

func (r spot) enter(l *laptop) {
	l.peer, l.physical = r.peer, r.physical
	l.at(r.network)
	if r.tunnel != "" {
		tunnel(l, r.tunnel)
	}
	l.seen.Hardware = &farmhoundv1.Hardware{}
	if r.console {
		l.seen.Hardware.Usb = append(l.seen.Hardware.Usb, &farmhoundv1.UsbDevice{VendorId: 0xcafe, ProductId: 0x4004, Interfaces: []*farmhoundv1.UsbInterface{
			{Class: 3, Subclass: 1, Protocol: 1, Keyboard: true, ReportDescriptorSha256: digest("keys")}, {Class: 3, AbsolutePointer: true, ReportDescriptorSha256: digest("pointer")},
		}})
	}
	if r.monitor != "" {
		l.seen.Hardware.Displays = append(l.seen.Hardware.Displays, monitor(r.monitor, 0))
	}
}

// together lives days of several laptops side by side and returns their Devices.
func together(t *testing.T, f *Fleet, days int, where map[string]func(day int) spot) map[string]*fleetv1.Device {
	t.Helper()
	pics := map[string]*fleetv1.Picture{}
	laptops := map[string]*laptop{}
	var now time.Time
	names := make([]string, 0, len(where))
	for id := range where {
		names = append(names, id)
		laptops[id] = newLaptop(id)
	}
	slices.Sort(names)
	for d := range days {
		for _, id := range names {
			r := where[id](d)
			if r.peer == "" {
				continue
			}
			l := laptops[id]
			r.enter(l)
			begin := monday.AddDate(0, 0, d).Add(9 * time.Hour)
			if r.shift {
				begin = begin.Add(8 * time.Hour)
			}
			for h := range 6 {
				l.hours = append(l.hours, hour(begin.Add(time.Duration(h)*time.Hour), 45))
				o := l.report(begin.Add(time.Duration(h+1) * time.Hour))
				pics[id], _ = f.Apply(pics[id], o)
				now = o.ReceivedAt
			}
		}
	}
	devices := map[string]*fleetv1.Device{}
	for id, pic := range pics {
		devices[id] = f.Device(pic, now)
	}
	return devices
}

func always(r spot) func(int) spot { return func(int) spot { return r } }

func household(name string) func(*fleetv1.Person) {
	return func(p *fleetv1.Person) { p.Household = name }
}

func TestSite(t *testing.T) {
	t.Parallel()
	spare := spot{network: "the spare room", peer: ohio}
	apart := func(i int) spot { return spot{network: fmt.Sprint("home ", i), peer: ohio} }
	tests := []struct {
		name    string
		days    int
		persons map[string]func(*fleetv1.Person)
		same    map[string]string // person of a laptop, its own where not named
		config  func(*Config)
		where   map[string]func(int) spot
		want    string // of d1: people members office household turns shared
	}{
		{name: "alone", where: map[string]func(int) spot{"d1": always(spare)}, want: "alone"},
		{name: "two people", where: map[string]func(int) spot{"d1": always(spare), "d2": always(spare)}, want: "2 [d1 d2]"},
		{name: "one person's two", same: map[string]string{"d2": "p-d1"},
			where: map[string]func(int) spot{"d1": always(spare), "d2": always(spare)}, want: "1 [d1 d2]"},
		{name: "consoles on three laptops of two people", same: map[string]string{"d3": "p-d2"}, want: "3 [d1 d2 d3 d4] consoles 2", where: map[string]func(int) spot{
			"d1": always(spot{network: spare.network, peer: ohio, console: true}), "d2": always(spot{network: spare.network, peer: ohio, console: true}),
			"d3": always(spot{network: spare.network, peer: ohio, console: true}), "d4": always(spare),
		}},
		{name: "a console that was unplugged", want: "2 [d1 d2] consoles 1", where: map[string]func(int) spot{
			"d1": always(spot{network: spare.network, peer: ohio, console: true}),
			"d2": func(d int) spot { return spot{network: spare.network, peer: ohio, console: d < 3} },
		}},
		{name: "one household", persons: map[string]func(*fleetv1.Person){"d1": household("h"), "d2": household("h")},
			where: map[string]func(int) spot{"d1": always(spare), "d2": always(spare)}, want: "1 [d1 d2] household"},
		{name: "a household and a stranger", persons: map[string]func(*fleetv1.Person){"d1": household("h"), "d2": household("h")},
			where: map[string]func(int) spot{"d1": always(spare), "d2": always(spare), "d3": always(spare)}, want: "2 [d1 d2 d3]"},
		{name: "an address is no place: carrier NAT", want: "alone",
			where: map[string]func(int) spot{"d1": always(apart(1)), "d2": always(apart(2)), "d3": always(apart(3))}},
		{name: "a gateway claimed from another egress joins nobody", want: "alone",
			where: map[string]func(int) spot{"d1": always(spare), "d2": always(spot{network: spare.network, peer: berlin})}},
		{name: "behind two exits, never seen without", want: "alone", where: map[string]func(int) spot{
			"d1": always(spot{network: spare.network, peer: exitOhio, tunnel: "wireguard"}),
			"d2": always(spot{network: spare.network, peer: california, tunnel: "wireguard"}),
		}},
		{name: "behind two exits, seen without them once", want: "2 [d1 d2]", where: map[string]func(int) spot{
			"d1": func(d int) spot {
				return []spot{spare, {network: spare.network, peer: exitOhio, tunnel: "wireguard"}}[min(d, 1)]
			},
			"d2": func(d int) spot {
				return []spot{spare, {network: spare.network, peer: berlin, tunnel: "wireguard"}}[min(d, 1)]
			},
		}},
		{name: "the company's network is everybody's", want: "alone", where: map[string]func(int) spot{
			"d1": always(spot{network: "a VPN's own gateway", peer: concentr, tunnel: "wireguard"}),
			"d2": always(spot{network: "a VPN's own gateway", peer: concentr, tunnel: "wireguard"}),
		}},
		{name: "behind the company's network, seen without it once", want: "2 [d1 d2]", where: map[string]func(int) spot{
			"d1": func(d int) spot {
				return []spot{spare, {network: spare.network, peer: concentr, tunnel: "wireguard"}}[min(d, 1)]
			},
			"d2": func(d int) spot {
				return []spot{spare, {network: spare.network, peer: concentr, tunnel: "wireguard"}}[min(d, 1)]
			},
		}},
		{name: "an office", want: "3 [d1 d2 d3] office", where: map[string]func(int) spot{
			"d1": always(spot{network: "office", peer: office}), "d2": always(spot{network: "office", peer: office}), "d3": always(spot{network: "office", peer: office}),
		}},
		{name: "one day at the office leaves two homes apart", want: "alone", where: map[string]func(int) spot{
			"d1": func(d int) spot { return []spot{apart(1), {network: "office", peer: office}}[b2i(d == 2)] },
			"d2": func(d int) spot { return []spot{apart(2), {network: "office", peer: office}}[b2i(d == 2)] },
		}},
		{name: "two days a week at one co-working space", days: 14, want: "alone", where: map[string]func(int) spot{
			"d1": func(d int) spot {
				return []spot{apart(1), {network: "co-working", peer: california}}[b2i(d%7 == 1 || d%7 == 3)]
			},
			"d2": func(d int) spot {
				return []spot{apart(2), {network: "co-working", peer: california}}[b2i(d%7 == 1 || d%7 == 3)]
			},
		}},
		{name: "a meeting of four days at a hotel, a week ago", days: 14, want: "alone", where: map[string]func(int) spot{
			"d1": func(d int) spot { return []spot{apart(1), {network: "hotel", peer: california}}[b2i(d >= 3 && d < 7)] },
			"d2": func(d int) spot { return []spot{apart(2), {network: "hotel", peer: california}}[b2i(d >= 3 && d < 7)] },
			"d3": func(d int) spot { return []spot{apart(3), {network: "hotel", peer: california}}[b2i(d >= 3 && d < 7)] },
		}},
		{name: "a campus whose every building has its gateway", want: "alone", where: map[string]func(int) spot{
			"d1": always(spot{network: "library", peer: california}), "d2": always(spot{network: "dormitory", peer: california}),
		}},
		{name: "a visitor", want: "alone", where: map[string]func(int) spot{
			"d1": always(spare), "d2": func(d int) spot { return []spot{apart(2), spare}[b2i(d == 3)] },
		}},
		{name: "left a week ago", days: 12, want: "alone", where: map[string]func(int) spot{
			"d1": always(spare), "d2": func(d int) spot { return []spot{apart(2), spare}[b2i(d < 4)] },
		}},
		{name: "silent for a week", days: 12, want: "alone", where: map[string]func(int) spot{
			"d1": always(spare), "d2": func(d int) spot { return []spot{{}, spare}[b2i(d < 4)] },
		}},
		{name: "used in turns", want: "2 [d1 d2] turns 6", where: map[string]func(int) spot{
			"d1": always(spare), "d2": always(spot{network: spare.network, peer: spare.peer, shift: true}),
		}},
		{name: "one monitor in two rooms of one house", want: `2 [d1 d2] shared "u2715"`, where: map[string]func(int) spot{
			"d1": always(spot{network: "up", peer: ohio, monitor: "u2715"}), "d2": always(spot{network: "down", peer: ohio, monitor: "u2715"}),
		}},
		{name: "one monitor on two routers of one house, each behind a tunnel", want: `2 [d1 d2] shared "u2715"`, where: map[string]func(int) spot{
			"d1": always(spot{network: "up", peer: exitOhio, tunnel: "wireguard", physical: ohio, monitor: "u2715"}),
			"d2": always(spot{network: "down", peer: exitOhio, tunnel: "wireguard", physical: ohio, monitor: "u2715"}),
		}},
		{name: "the same, each through an exit of its own", want: `2 [d1 d2] shared "u2715"`, where: map[string]func(int) spot{
			"d1": always(spot{network: "up", peer: exitOhio, tunnel: "wireguard", physical: ohio, monitor: "u2715"}),
			"d2": always(spot{network: "down", peer: ohio, monitor: "u2715"}),
		}},
		{name: "a monitor in another town", want: "alone", where: map[string]func(int) spot{
			"d1": always(spot{network: "up", peer: ohio, monitor: "u2715"}), "d2": always(spot{network: "down", peer: berlin, monitor: "u2715"}),
		}},
		{name: "a desk shared at the office by neighbours behind one carrier", want: "alone", where: map[string]func(int) spot{
			"d1": func(d int) spot {
				return []spot{apart(1), {network: "office", peer: office, monitor: "desk"}}[b2i(d%3 == 2)]
			},
			"d2": func(d int) spot {
				return []spot{apart(2), {network: "office", peer: office, monitor: "desk"}}[b2i(d%3 == 1)]
			},
		}},
		{name: "a monitor passed on long ago", days: 12, want: "alone", where: map[string]func(int) spot{
			"d1": func(d int) spot { return spot{network: "up", peer: ohio, monitor: []string{"u2715", ""}[b2i(d < 10)]} },
			"d2": func(d int) spot { return []spot{{}, {network: "down", peer: ohio, monitor: "u2715"}}[b2i(d < 2)] },
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			persons := people{}
			for id := range tt.where {
				p := ohioan("p-" + id)
				if change := tt.persons[id]; change != nil {
					change(p)
				}
				if same := tt.same[id]; same != "" {
					p.Id = same
				}
				persons["serial-"+id] = p
			}
			devices := together(t, newFleet(persons), max(tt.days, 6), tt.where)
			if diff := cmp.Diff(tt.want, siteWords(devices["d1"].GetSite())); diff != "" {
				t.Errorf("site (-want +got):\n%s", diff)
			}
			for _, id := range devices["d1"].GetSite().GetMembers() {
				if got := devices[id].GetSite().GetId(); got != devices["d1"].GetSite().GetId() {
					t.Errorf("site of %s is %q, of d1 %q", id, got, devices["d1"].GetSite().GetId())
				}
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func siteWords(s *fleetv1.Site) string {
	if s == nil {
		return "alone"
	}
	words := fmt.Sprint(s.GetPeople(), " ", s.GetMembers())
	if s.GetOffice() {
		words += " office"
	}
	if s.GetHousehold() {
		words += " household"
	}
	if s.GetConsolePeople() > 0 {
		words += fmt.Sprint(" consoles ", s.GetConsolePeople())
	}
	if s.GetTurnsDays() > 0 {
		words += fmt.Sprint(" turns ", s.GetTurnsDays())
	}
	if s.GetSharedPeripheral() != "" {
		words += fmt.Sprintf(" shared %q", s.GetSharedPeripheral())
	}
	return words
}

// TestCrowd: what hundreds have in common is an organisation's, and costs no more
// to look at than what two have.
func TestCrowd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, peer string
		want       string
	}{{"a gateway that is no name", ohio, "alone"}, {"an office", office, "64 [d0] office"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(nil)
			var first *fleetv1.Picture
			for i := range 300 {
				l := newLaptop(fmt.Sprint("d", i))
				spot{network: "one gateway", peer: tt.peer}.enter(l)
				s := control("s", "anydesk", shenyang, monday.Add(-time.Hour))
				s.AccountHash = digest("support")
				pic, _ := f.Apply(nil, l.report(monday, s))
				if i == 0 {
					first = pic
				}
			}
			dev := f.Device(first, monday.Add(time.Hour))
			if got := siteWords(dev.GetSite()); got != tt.want {
				t.Errorf("site %s, want %s", got, tt.want)
			}
			if got := dev.GetOperator().GetAccountPeople(); got != 1 {
				t.Errorf("account of %d people, want the device's own only: a crowd's account is support's", got)
			}
		})
	}
}

// TestReimaged: a laptop that was re-imaged is another device and the same laptop.
func TestReimaged(t *testing.T) {
	t.Parallel()
	for serial, want := range map[string]uint32{"S-one": 1, "S-two": 2} {
		a, b := newLaptop("d1"), newLaptop("d2")
		a.serial, b.serial = "S-one", serial
		a.seen.System.Serial, b.seen.System.Serial = a.serial, b.serial
		f := newFleet(nil)
		spot{network: "spare", peer: ohio}.enter(a)
		spot{network: "spare", peer: ohio}.enter(b)
		f.Apply(nil, a.report(monday.Add(time.Hour)))
		pic, _ := f.Apply(nil, b.report(monday.Add(3*time.Hour)))
		if got := f.Device(pic, monday.Add(4*time.Hour)).GetSite().GetPeople(); got != want {
			t.Errorf("with the serial %s beside S-one: %d people, want %d", serial, got, want)
		}
	}
}

// TestAccount: one remote account on two people's laptops, not on one person's.
func TestAccount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, second, peer string
		want               uint32
	}{{"two people", "p2", shenyang, 2}, {"one person", "p1", shenyang, 1}, {"near", "p2", ohio, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := newLaptop("d1"), newLaptop("d2")
			f := newFleet(people{a.serial: ohioan("p1"), b.serial: ohioan(tt.second)})
			s := control("s", "anydesk", tt.peer, monday)
			s.AccountHash = digest("operator")
			pic, _ := f.Apply(nil, a.report(monday.Add(time.Hour), s))
			f.Apply(nil, b.report(monday.Add(time.Hour), s))
			if got := f.Device(pic, monday.Add(2*time.Hour)).GetOperator().GetAccountPeople(); got != tt.want {
				t.Errorf("account of %d people, want %d", got, tt.want)
			}
		})
	}
}

// TestRestore: a collector that starts anew knows the same sites.
func TestRestore(t *testing.T) {
	t.Parallel()
	a, b := newLaptop("d1"), newLaptop("d2")
	persons := people{a.serial: ohioan("p1"), b.serial: ohioan("p2")}
	spare := spot{network: "the spare room", peer: ohio}
	spare.enter(a)
	spare.enter(b)
	f := newFleet(persons)
	one, _ := f.Apply(nil, a.report(monday))
	two, _ := f.Apply(nil, b.report(monday))
	anew := newFleet(persons)
	anew.Restore(one)
	anew.Restore(two)
	now := monday.Add(time.Hour)
	if diff := cmp.Diff(siteWords(f.Device(one, now).GetSite()), siteWords(anew.Device(one, now).GetSite())); diff != "" {
		t.Errorf("site (-before +after):\n%s", diff)
	}
}

// TestConcurrent: devices of one site report and are looked at at the same time.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	f := newFleet(nil)
	var running sync.WaitGroup
	pics := make([]*fleetv1.Picture, 8)
	for i := range pics {
		running.Go(func() {
			l := newLaptop(fmt.Sprint("d", i))
			spot{network: "the spare room", peer: ohio}.enter(l)
			for _, o := range l.workdays(monday, 4) {
				pics[i], _ = f.Apply(pics[i], o)
				f.Device(pics[i], o.ReceivedAt)
			}
		})
	}
	running.Wait()
	if got := f.Device(pics[0], monday.AddDate(0, 0, 4)).GetSite().GetPeople(); got != 8 {
		t.Errorf("site of %d people, want 8", got)
	}
}

// TestTogether: days together are those on which both were there, and are named; who left is
// together with nobody any more, whatever else joins them still.
func TestTogether(t *testing.T) {
	t.Parallel()
	shared := spot{network: "the co-working space", peer: ohio}
	weekdays := func(until int, then spot) func(int) spot {
		return func(d int) spot {
			switch {
			case d%7 > 4:
				return spot{} // off
			case d >= until:
				return then
			}
			return shared
		}
	}
	home := spot{network: "home", peer: california}
	for _, tt := range []struct {
		name  string
		days  int
		named bool
		where map[string]func(int) spot
		want  string
	}{
		{name: "weekdays", days: 12, where: map[string]func(int) spot{"d1": weekdays(12, home), "d2": weekdays(12, home)},
			want: "10 days 2026-01-05 to 2026-01-17, 1 unnamed"},
		{name: "both left", days: 9, where: map[string]func(int) spot{"d1": weekdays(5, home), "d2": weekdays(5, spot{network: "another home", peer: berlin})},
			want: "5 days 2026-01-05 to 2026-01-10, 1 unnamed"},
		{name: "named", days: 5, named: true, where: map[string]func(int) spot{"d1": weekdays(5, home), "d2": weekdays(5, home)},
			want: "5 days 2026-01-05 to 2026-01-10, 0 unnamed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			persons := people{"serial-d1": ohioan("p-d1")}
			if tt.named {
				persons["serial-d2"] = ohioan("p-d2")
			}
			s := together(t, newFleet(persons), tt.days, tt.where)["d1"].GetSite()
			got := fmt.Sprintf("%d days %s to %s, %d unnamed", s.GetDays(),
				s.GetTogetherFrom().AsTime().Format(time.DateOnly), s.GetTogetherTo().AsTime().Format(time.DateOnly), s.GetUnnamedPeople())
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
