package delivery

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/spool"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// A laptop that is away for a week reports every window of it afterwards, each once and
// in order, and has not worn itself out with trying meanwhile.
func TestWeekOffline(t *testing.T) {
	t.Parallel()
	const (
		week    = 7 * 24 * time.Hour
		each    = 30 * time.Minute // as windows wait for each other
		windows = uint64(week / each)
	)
	synctest.Test(t, func(t *testing.T) {
		back := time.Now().Add(week)
		s, err := spool.Open(filepath.Join(t.TempDir(), "spool"), spool.Options{Log: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		collector := &fake{answer: func(int, *farmhoundv1.ReportBatch) (error, bool) {
			if time.Now().Before(back) {
				return status.Error(codes.Unavailable, "no route to host"), false
			}
			return nil, false
		}}
		ctx, cancel := context.WithTimeout(t.Context(), week+time.Hour)
		defer cancel()
		wake := make(chan struct{}, 1)
		d := &Deliverer{Queue: s, Collector: collector, Random: func() float64 { return 1 }, Log: quiet(), Wake: wake}
		d.Acknowledged = func(*farmhoundv1.ReportAck) {
			if s.Status().Depth == 0 {
				cancel()
			}
		}
		done := make(chan struct{})
		go func() { defer close(done); _ = d.Run(ctx) }()
		for sequence := uint64(1); sequence <= windows; sequence++ {
			payload, err := proto.Marshal(&farmhoundv1.Report{BootId: boot, Sequence: sequence})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Append(boot, sequence, payload, spool.Low); err != nil {
				t.Fatal(err)
			}
			time.Sleep(each)
		}
		collector.mu.Lock()
		tries := len(collector.calls)
		collector.mu.Unlock()
		wake <- struct{}{} // the laptop is on a network again
		<-done
		if most := int(week/longestPause) + 32; tries > most {
			t.Errorf("%d tries in a week, more than %d", tries, most)
		}
		if got := uint64(len(collector.commits)); got != windows || s.Status().Dropped != 0 {
			t.Errorf("%d of %d windows arrived, %d dropped", got, windows, s.Status().Dropped)
		}
		for i, sequence := range collector.commits {
			if sequence != uint64(i+1) {
				t.Fatalf("place %d has window %d", i+1, sequence)
			}
		}
		if late := time.Since(back); late > 10*time.Minute {
			t.Errorf("all arrived %v after the network came back", late)
		}
	})
}
