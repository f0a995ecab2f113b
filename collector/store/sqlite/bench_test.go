package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// BenchmarkCommit commits groups of changes as a busy fleet makes them: a report
// of 1.5 KB, a picture and a judgement of 4 KB each, an event now and then.
func BenchmarkCommit(b *testing.B) {
	const group, devices = 50, 2000
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "farmhound.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	filler := func(n int) string { return fmt.Sprintf("%0*d", n, 0) }
	picture, judgement, body := filler(4000), filler(4000), []byte(filler(1500))
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		changes := make([]store.Change, group)
		for i := range changes {
			id := fmt.Sprintf("%064d", n*7919%devices)
			changes[i] = store.Change{
				Device: &store.Device{
					Summary:   &fleetv1.DeviceSummary{Id: id, Serial: "S" + id, Hostname: "host", Risk: 0.001 * float64(n%3)},
					Picture:   &fleetv1.Picture{Id: id, Serial: picture},
					Judgement: &fleetv1.Judgement{Assessment: &fleetv1.Assessment{Device: judgement}},
				},
				Reports: []store.Report{{Device: id, BootID: "0123456789abcdef0123456789abcdef", Sequence: uint64(n/devices + 1), ObservedAt: at, ReceivedAt: at, Peer: "192.0.2.1:5", Body: body}},
			}
			if n%10 == 0 {
				changes[i].Events = []*fleetv1.Event{{At: timestamppb.New(at), Kind: "tool"}}
			}
			n++
		}
		if err := s.Commit(b.Context(), changes); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "changes/s")
}
