package order

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/proto/catalog"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// BenchmarkReport takes one more report of five minutes into the picture of a laptop
// that has lived for so many days, and judges it by every signal: flat in days.
func BenchmarkReport(b *testing.B) {
	rules, err := collector.LoadRules("")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"home-worker", "rmm-farm"} {
		for _, days := range []int{1, 28, 90} {
			b.Run(fmt.Sprintf("%s/days=%d", name, days), func(b *testing.B) {
				one := grown(b, rules, name, days)
				b.ReportAllocs()
				for b.Loop() {
					one.next()
				}
			})
		}
	}
}

// old is a laptop that has lived for a while.
type old struct {
	fleet    *fleet.Fleet
	detector *detect.Detector
	picture  *fleetv1.Picture
	before   *fleetv1.Judgement
	obs      fleet.Observation
}

func grown(b *testing.B, rules *detect.Rules, name string, days int) *old {
	b.Helper()
	end := time.Date(2026, 5, 29, 16, 0, 0, 0, time.UTC)
	world, err := persona.NewWorld(persona.Options{Seed: 2, Days: days, End: end, Personas: []string{name}, Window: 5 * time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	o := &old{fleet: fleet.New(fleet.Config{Catalog: catalog.BuiltIn()}), detector: detect.New(rules, detect.Options{})}
	var device string
	for step := range world.Steps() {
		for _, d := range step.Deliveries {
			if device == "" {
				device = d.Laptop.DeviceID
			}
			if d.Laptop.DeviceID != device {
				continue
			}
			for _, r := range d.Reports {
				o.obs = fleet.Observation{Device: device, Serial: d.Laptop.Serial, ReceivedAt: step.At, Peer: d.Peer, Report: r}
				o.picture, o.before = o.take()
			}
		}
	}
	last := o.obs.Report
	o.obs.ReceivedAt = o.obs.ReceivedAt.Add(5 * time.Minute)
	o.obs.Report = &farmhoundv1.Report{
		BootId: last.GetBootId(), Sequence: last.GetSequence() + 1, ObservedAt: timestamppb.New(o.obs.ReceivedAt),
		Windows: []*farmhoundv1.Window{{
			StartedAt: timestamppb.New(o.obs.ReceivedAt.Add(-5 * time.Minute)), Seconds: 300,
			ActiveSeconds: proto.Uint32(240), OnAcSeconds: proto.Uint32(300), AsleepSeconds: proto.Uint32(0),
			ControlKnown: true, Input: &farmhoundv1.InputSeconds{BuiltIn: 60},
		}},
	}
	return o
}

func (o *old) next() { _, _ = o.take() }

// take takes the report, and is what a collector does of it but for storing.
func (o *old) take() (*fleetv1.Picture, *fleetv1.Judgement) {
	latest := func(p *fleetv1.Picture) time.Time { return time.Unix(p.GetLastReportUnix(), 0) }
	view := func(p *fleetv1.Picture) detect.View {
		if p == nil {
			return nil
		}
		return func(at time.Time) *fleetv1.Device { return o.fleet.Device(p, at) }
	}
	course := o.detector.Resume(o.before, latest(o.picture))
	picture, _ := o.fleet.Apply(o.picture, o.obs)
	if err := course.Reported(latest(picture), view(o.picture)); err != nil {
		panic(err)
	}
	m, err := course.Judge(o.obs.ReceivedAt, view(picture))
	if err != nil {
		panic(err)
	}
	return picture, m.After
}
