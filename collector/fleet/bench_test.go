package fleet

import (
	"fmt"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// BenchmarkReport measures one report's way into a picture of four weeks and on
// to a Device, alone and among others.
func BenchmarkReport(b *testing.B) {
	l := newLaptop("d1")
	f := newFleet(people{l.serial: ohioan("p1")})
	all := hostedLife(l)
	pic := lived(b, f, all)
	last := all[len(all)-1]
	from := last.ReceivedAt.Truncate(time.Hour)
	l.hours = append(l.hours, hour(from, 30))
	next := l.report(from.Add(time.Hour))
	b.Run("apply", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f.Apply(pic, next)
		}
	})
	b.Run("device", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f.Device(pic, next.ReceivedAt)
		}
	})
	b.Run("both", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			after, _ := f.Apply(pic, next)
			f.Device(after, next.ReceivedAt)
		}
	})
}

// BenchmarkFleet measures the same in fleets of different sizes, a tenth of
// whose laptops stand in threes: it must not grow with the fleet.
func BenchmarkFleet(b *testing.B) {
	for _, size := range []int{1e3, 1e5} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			f := newFleet(nil)
			pics := make([]*fleetv1.Picture, size)
			for i := range pics {
				l := newLaptop(fmt.Sprint("d", i))
				if i%10 == 0 {
					l.at(fmt.Sprint("room ", i/30))
				}
				pics[i], _ = f.Apply(nil, l.report(monday))
			}
			later := make([]Observation, 100)
			for i := range later {
				l := newLaptop(fmt.Sprint("d", i*size/len(later)))
				l.boot++
				l.at(fmt.Sprint("room ", i*size/len(later)/30))
				later[i] = l.report(monday.Add(time.Hour))
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				at := i % len(later)
				after, _ := f.Apply(pics[at*size/len(later)], later[at])
				f.Device(after, later[at].ReceivedAt)
				i++
			}
		})
	}
}
