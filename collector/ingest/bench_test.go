package ingest_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// BenchmarkReport measures the path without a judge: deduplication, encoding,
// group commit. Reports have 1.5 KB, pictures and judgements 4 KB each, and many agents
// report at once, as a fleet does.
func BenchmarkReport(b *testing.B) {
	for _, agents := range []int{2, 16, 256} {
		b.Run(fmt.Sprint("agents=", agents), func(b *testing.B) {
			s := openStore(b)
			judge := &tally{report: func(dev *store.Device, _ *fleetv1.Alert, o fleet.Observation) (store.Change, error) {
				next := &store.Device{Summary: &fleetv1.DeviceSummary{Id: o.Device}}
				if dev == nil {
					next.Picture = &fleetv1.Picture{Id: o.Device, Serial: strings.Repeat("p", 4000)}
					next.Judgement = &fleetv1.Judgement{Assessment: &fleetv1.Assessment{Device: strings.Repeat("j", 4000)}}
				} else {
					next.Picture, next.Judgement = proto.CloneOf(dev.Picture), proto.CloneOf(dev.Judgement)
				}
				next.Picture.FirstReportUnix++
				return store.Change{Device: next}, nil
			}}
			p, stop := run(b, ingest.Config{Store: s, Judge: judge, Log: slog.New(slog.DiscardHandler)})
			<-p.Ready()
			b.ReportAllocs()
			b.ResetTimer()
			var agent atomic.Int64
			b.SetParallelism(max(1, agents/2)) // of two processors
			b.RunParallel(func(pb *testing.PB) {
				device := fmt.Sprint("d", agent.Add(1))
				for n := uint64(1); pb.Next(); n++ {
					o := observation(device, "b1", n)
					o.Report.System = &farmhoundv1.System{Serial: strings.Repeat("r", 1500)}
					if _, err := p.Report(b.Context(), nil, []fleet.Observation{o}); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
			stop()
		})
	}
}
