package evaluate

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector/fleet"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// What a device-month costs, from drawing it to the last judgement, decides how many
// honest ones can be looked at.
func BenchmarkDeviceMonth(b *testing.B) {
	for name, grid := range map[string]bool{"every report": false, "grid": true} {
		b.Run(name, func(b *testing.B) {
			c := Command{Months: 1, Size: 60, Casting: persona.Former, Seeds: Seeds{1, 1}}
			bench := newBench(b, &c)
			bench.grid = grid
			laptops := 0
			for b.Loop() {
				world, err := persona.NewWorld(c.options().of(1))
				if err != nil {
					b.Fatal(err)
				}
				lives, err := bench.live(b.Context(), world)
				if err != nil {
					b.Fatal(err)
				}
				laptops += len(lives)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(laptops), "ms/device-month")
		})
	}
}

// turn is the last report of a laptop's month and what it came upon.
type turn struct {
	picture   *fleetv1.Picture
	judgement *fleetv1.Judgement
	report    fleet.Observation
}

// A report's way into a picture of a month and on to the judgement of it, over every
// laptop of a world.
func BenchmarkReport(b *testing.B) {
	c := Command{Months: 1, Size: 60, Casting: persona.Everyday, Seeds: Seeds{1, 1}}
	bench := newBench(b, &c)
	world, err := persona.NewWorld(c.options().of(1))
	if err != nil {
		b.Fatal(err)
	}
	l, err := bench.open(world, world.RosterCSV())
	if err != nil {
		b.Fatal(err)
	}
	turns := map[bool]map[string]turn{true: {}, false: {}}
	for step := range world.Steps() {
		for _, delivery := range step.Deliveries {
			if d := l.byID[delivery.Laptop.DeviceID]; d != nil {
				report := delivery.Reports[len(delivery.Reports)-1]
				turns[delivery.Laptop.Kind == persona.Honest][d.laptop.DeviceID] = turn{d.picture, d.judgement, observed(step.At, delivery, report)}
			}
			if err := l.take(step.At, delivery); err != nil {
				b.Fatal(err)
			}
		}
	}
	for name, honest := range map[string]bool{"honest": true, "farmed": false} {
		list := slices.Collect(maps.Values(turns[honest]))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				t := &list[i%len(list)]
				picture, _ := l.fleet.Apply(t.picture, t.report)
				course := l.detector.Resume(t.judgement, time.Unix(t.picture.GetLastReportUnix(), 0))
				if err := course.Reported(time.Unix(picture.GetLastReportUnix(), 0), l.view(t.picture)); err != nil {
					b.Fatal(err)
				}
				if _, err := course.Judge(t.report.ReceivedAt, l.view(picture)); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
