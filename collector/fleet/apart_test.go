package fleet

import (
	"fmt"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// One who hosts laptops can give each a router of its own and lead all of them through one
// exit: that makes it nobody's but theirs. What people at home have is no such thing.
func TestAnExitOfOneHand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		laptops int // six where zero
		enter   func(i int, l *laptop)
		others  int // of the fleet, who leave elsewhere
		want    bool
	}{
		"a router for each":                  {want: true},
		"and one console between them":       {enter: func(_ int, l *laptop) { shareMonitor(l, "console") }},
		"and a console for every two":        {enter: func(i int, l *laptop) { shareMonitor(l, fmt.Sprint("console ", i/2)) }},
		"each its own console":               {enter: func(i int, l *laptop) { shareMonitor(l, fmt.Sprint("console ", i)) }, want: true},
		"all on one line":                    {enter: func(_ int, l *laptop) { l.physical = "203.0.113.10" }},
		"neighbours by number at a carrier":  {enter: func(i int, l *laptop) { l.physical = fmt.Sprint("203.0.113.", 10+i) }, want: true},
		"others on one line":                 {enter: func(i int, l *laptop) { l.physical = fmt.Sprintf("203.0.%d.10", 113+min(i, 1)) }},
		"each on a line of its own":          {enter: func(i int, l *laptop) { l.physical = fmt.Sprintf("203.0.%d.10", 113+i) }, want: true},
		"two of many on one line":            {laptops: 7, enter: func(i int, l *laptop) { l.physical = fmt.Sprintf("203.0.%d.10", 113+max(i, 1)) }, want: true},
		"in two rooms":                       {enter: func(i int, l *laptop) { l.at(fmt.Sprint("room ", i/3)); tunnel(l, "") }},
		"two in one room":                    {laptops: 7, enter: func(i int, l *laptop) { l.at(fmt.Sprint("room ", max(i, 1))); tunnel(l, "") }, want: true},
		"the others by a VPN they can buy":   {enter: func(i int, l *laptop) { buys(l, i > 0) }},
		"one other by a VPN one can buy":     {laptops: 7, enter: func(i int, l *laptop) { buys(l, i == 1) }, want: true},
		"a handful of hundreds":              {others: 494},
		"a handful of a hundred":             {others: 94, want: true},
		"the share that it takes of a fleet": {laptops: 11, others: 489, want: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.laptops == 0 {
				tt.laptops = everybodysPeople + 1
			}
			persons := people{}
			for i := range tt.laptops {
				persons[fmt.Sprint("serial-d", i)] = ohioan(fmt.Sprint("p", i))
			}
			f := newFleet(persons)
			for i := range tt.others {
				f.index.replace(&entry{id: fmt.Sprint("other ", i)})
			}
			var first *fleetv1.Picture
			for i := range tt.laptops {
				l := newLaptop(fmt.Sprint("d", i))
				l.peer = exitBerlin
				tunnel(l, "")
				if tt.enter != nil {
					tt.enter(i, l)
				}
				if pic := lived(t, f, l.workdays(monday, 5)); i == 0 {
					first = pic
				}
			}
			if got := f.Device(first, time.Unix(first.GetLastReceivedUnix(), 0)).GetEgress().GetCompany(); got != tt.want {
				t.Errorf("the company's: %t, want %t", got, tt.want)
			}
		})
	}
}

func shareMonitor(l *laptop, name string) {
	l.seen.Hardware.Displays = append(l.seen.Hardware.Displays, monitor(name, 0))
}

func buys(l *laptop, yes bool) {
	if yes {
		tunnel(l, "mullvad")
	}
}

// Laptops that see each other, or that one account drives, are of one hand whatever
// gateway each has.
func TestAnExitOfWhoSeeEachOther(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		wire    func(i int) string
		account string
		want    bool
	}{
		"apart":                 {wire: func(i int) string { return fmt.Sprint("wire ", i) }, want: true},
		"on one wire":           {wire: func(int) string { return "wire" }},
		"every two on a wire":   {wire: func(i int) string { return fmt.Sprint("wire ", i/2) }},
		"driven by one account": {wire: func(i int) string { return fmt.Sprint("wire ", i) }, account: "operator"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			persons, laptops := people{}, map[string]onWire{}
			for i := range everybodysPeople + 1 {
				id := fmt.Sprint("d", i)
				persons["serial-"+id] = ohioan("p-" + id)
				laptops[id] = onWire{spot: spot{network: "behind the router of " + id, peer: exitBerlin, tunnel: "wireguard"}, wire: tt.wire(i)}
			}
			f := newFleet(persons)
			l := neighbourly(t, f, 6, laptops)
			for id, pic := range l.pics {
				if tt.account == "" {
					break
				}
				driver := newLaptop(id)
				laptops[id].enter(driver)
				s := control("s"+id, "anydesk", shenyang, l.now, func(s *farmhoundv1.RemoteSession) { s.AccountHash = digest(tt.account) })
				driver.boot++
				driver.hours = append(driver.hours, hour(l.now, 45, driven("anydesk")))
				l.pics[id], _ = f.Apply(pic, driver.report(l.now.Add(time.Hour), s))
			}
			if got := f.Device(l.pics["d0"], l.now.Add(time.Hour)).GetEgress().GetCompany(); got != tt.want {
				t.Errorf("the company's: %t, want %t", got, tt.want)
			}
		})
	}
}
