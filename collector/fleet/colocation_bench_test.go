package fleet

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// numbered names things of a fleet that is too large to be lived.
func numbered(kind byte, n int) []byte {
	b := make([]byte, 8)
	binary.BigEndian.PutUint64(b, uint64(n)<<8|uint64(kind))
	return b
}

// kept is the picture of one laptop of a fleet: of ten, one is at one office with all the
// others that are, three are in rooms of three, and the rest are alone behind carriers who
// hand out one network to two hundred. moved is whether it is somewhere else since.
func kept(n int, moved bool) *fleetv1.Picture {
	at := monday.Unix() + 12*3600
	pic := &fleetv1.Picture{
		Id: fmt.Sprintf("device-%08d", n), Serial: fmt.Sprintf("S%08d", n), LastReportUnix: at, LastReceivedUnix: at, FirstReportUnix: at - 20*daySeconds,
	}
	place, office, room := n, n%10 == 9, n%10 >= 6 && n%10 < 9
	if office {
		place = 9
	}
	if room {
		place = n / 10
	}
	kind := byte('g')
	if moved {
		kind = 'm'
	}
	prefix := fmt.Sprintf("10.%d.%d.0/24", n/200>>8, n/200&255)
	if office {
		prefix = "198.51.100.0/24"
	}
	sighting := func(kind byte, last int64, days uint64) *fleetv1.NetworkSighting {
		return &fleetv1.NetworkSighting{
			Gateway: numbered(kind, place), AccessPoint: numbered(kind+1, place), EgressPrefix: prefix, FirstUnix: at - 20*daySeconds, LastUnix: last, Days: days,
		}
	}
	pic.Networks = []*fleetv1.NetworkSighting{sighting('o', at-10*daySeconds, 0xff), sighting(kind, at, 0xfffff)}
	pic.Addresses = []*fleetv1.AddressState{{Name: numbered('a', n), Beginning: numbered('a', n)[4:7], KeyId: 1, FirstDay: uint32(at/daySeconds) - 20, LastUnix: at}}
	if n%2 == 0 {
		pic.Peripherals = []*fleetv1.PeripheralState{{Kind: "display", Name: "U2720Q", Serial: numbered('p', n), Present: true, LastUnix: at, EgressPrefixes: []string{prefix}}}
	}
	for other := n / 10 * 10; room && other < n/10*10+10; other++ {
		if o := other % 10; o >= 6 && o < 9 && other != n {
			pic.Neighbours = append(pic.Neighbours, &fleetv1.NeighbourSighting{Name: numbered('a', other), FirstUnix: at - 20*daySeconds, LastUnix: at, Days: 0xfffff})
		}
	}
	for d := range 20 {
		pic.Days = append(pic.Days, &fleetv1.Day{Day: uint32(at/daySeconds) - 19 + uint32(d), Slots: 0xffff << (n % 3 * 8)})
	}
	return pic
}

// BenchmarkRoom measures who else is there in a room of thirty who all see each other.
func BenchmarkRoom(b *testing.B) {
	f, now := newFleet(nil), monday.Add(13*time.Hour)
	const room = 30
	for n := range room {
		pic := kept(1000+n, false)
		pic.Networks, pic.Neighbours = kept(6, false).GetNetworks(), nil
		for other := range room {
			if other != n {
				pic.Neighbours = append(pic.Neighbours, &fleetv1.NeighbourSighting{
					Name: numbered('a', 1000+other), FirstUnix: now.Unix() - 20*daySeconds, LastUnix: now.Unix(), Days: 0xfffff,
				})
			}
		}
		f.Restore(pic)
	}
	e := f.index.entry("device-00001000")
	if n := len(f.site(e, now).GetMembers()); n != room {
		b.Fatalf("a site of %d", n)
	}
	b.Run("site", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f.site(e, now)
		}
	})
	b.Run("explained", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f.SiteOf(e.id, now)
		}
	})
}

// BenchmarkColocation measures, in fleets of three sizes, what where a laptop stands costs
// with every report of it: that others can find it, where it is as it was (report) and
// where it moved (move), who else is there (site), and whom it is to look for (candidates).
// None may grow with the fleet, but for memory that is colder. A list of all sites grows
// with their number. -short leaves out the largest.
func BenchmarkColocation(b *testing.B) {
	sizes := []int{1e3, 1e5, 1e6}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, size := range sizes {
		f := newFleet(nil)
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for n := range size {
			f.Restore(kept(n, false))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		const some = 1000 // spread over the fleet
		var pics [2][some]*fleetv1.Picture
		var entries [some]*entry
		for i := range some {
			n := (i*(size/some) + i%10) % size
			pics[0][i], pics[1][i] = kept(n, true), kept(n, false)
		}
		now := monday.Add(13 * time.Hour)
		b.Run(fmt.Sprint("report/", size), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f.enter(pics[1][i%some], now)
				i++
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(size), "B/device")
		})
		b.Run(fmt.Sprint("move/", size), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f.enter(pics[i/some%2][i%some], now)
				i++
			}
		})
		for i := range some {
			f.enter(pics[1][i], now)
			entries[i] = f.index.entry(pics[0][i].GetId())
		}
		b.Run(fmt.Sprint("site/", size), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f.site(entries[i%some], now)
				i++
			}
		})
		b.Run(fmt.Sprint("candidates/", size), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f.NeighbourCandidates(entries[i%some].id)
				i++
			}
		})
		b.Run(fmt.Sprint("list/", size), func(b *testing.B) {
			b.ReportAllocs()
			sites := 0
			for b.Loop() {
				sites = len(f.Sites(now))
			}
			b.ReportMetric(float64(sites), "sites")
		})
	}
}

// BenchmarkInvented measures what a laptop costs that makes up all the networks and
// peripherals that a picture keeps, and others with every report.
func BenchmarkInvented(b *testing.B) {
	f := newFleet(nil)
	var pics [2]*fleetv1.Picture
	for i := range pics {
		pic := kept(7, false)
		pic.Networks, pic.Peripherals = nil, nil
		for n := range keptNetworks {
			at := pic.GetLastReceivedUnix()
			pic.Networks = append(pic.Networks, &fleetv1.NetworkSighting{
				Gateway: numbered('g', 1000*i+n), AccessPoint: numbered('h', 1000*i+n), EgressPrefix: fmt.Sprintf("10.%d.%d.0/24", i, n), FirstUnix: at, LastUnix: at, Days: 1,
			})
		}
		for n := range keptPeripherals {
			p := &fleetv1.PeripheralState{Kind: "display", Serial: numbered('p', 1000*i+n), Present: true}
			for prefix := range keptPrefixes {
				p.EgressPrefixes = append(p.EgressPrefixes, fmt.Sprintf("10.%d.%d.0/24", i, prefix))
			}
			pic.Peripherals = append(pic.Peripherals, p)
		}
		for n := range keptContacts {
			pic.Contacts = append(pic.Contacts, &fleetv1.Contact{Day: uint32(pic.GetLastReceivedUnix() / daySeconds), Tool: "anydesk", Seconds: 60, Account: numbered('c', 1000*i+n)})
		}
		pics[i] = pic
	}
	now := monday.Add(13 * time.Hour)
	f.enter(pics[1], now)
	joints := len(f.index.entry(pics[1].GetId()).joints)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		f.enter(pics[i%2], now)
		i++
	}
	b.ReportMetric(float64(joints), "joints")
}
