package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/spool"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const boot = "00112233445566778899aabbccddeeff"

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openSpool(t *testing.T, path string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(path, spool.Options{Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func fill(t *testing.T, s *spool.Spool, bootID string, count uint64) {
	t.Helper()
	for sequence := uint64(1); sequence <= count; sequence++ {
		payload, err := proto.Marshal(&farmhoundv1.Report{BootId: bootID, Sequence: sequence})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(bootID, sequence, payload, spool.Normal); err != nil {
			t.Fatal(err)
		}
	}
}

// fake is a collector: it commits what is new and answers as it is told.
type fake struct {
	mu sync.Mutex
	// answer is asked before each batch; an error is returned to the agent, after
	// the batch was committed if loseAck.
	answer  func(call int, batch *farmhoundv1.ReportBatch) (err error, loseAck bool)
	calls   []call
	highest map[string]uint64
	commits []uint64
}

type call struct {
	At       time.Time
	Boot     string
	From, To uint64
	Nonce    string
}

func (f *fake) Report(_ context.Context, batch *farmhoundv1.ReportBatch, _ ...grpc.CallOption) (*farmhoundv1.ReportAck, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reports := batch.GetReports()
	first, last := reports[0], reports[len(reports)-1]
	f.calls = append(f.calls, call{time.Now(), first.GetBootId(), first.GetSequence(), last.GetSequence(), string(batch.GetNonce())})
	var err error
	if f.answer != nil {
		var loseAck bool
		if err, loseAck = f.answer(len(f.calls), batch); err != nil && !loseAck {
			return nil, err
		}
	}
	if f.highest == nil {
		f.highest = map[string]uint64{}
	}
	for _, report := range reports {
		if report.GetSequence() > f.highest[report.GetBootId()] {
			f.highest[report.GetBootId()] = report.GetSequence()
			f.commits = append(f.commits, report.GetSequence())
		}
	}
	if err != nil {
		return nil, err
	}
	return &farmhoundv1.ReportAck{
		BootId: first.GetBootId(), Sequence: f.highest[first.GetBootId()], NextNonce: []byte{byte('a' + len(f.calls) - 1)},
	}, nil
}

// deliverUntil runs a delivery in a bubble of fake time until the spool is empty
// or patience is over.
func deliverUntil(t *testing.T, s *spool.Spool, collector Collector, patience time.Duration, change func(*Deliverer)) string {
	t.Helper()
	var said bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		d := &Deliverer{
			Queue: s, Collector: collector, Random: func() float64 { return 1 },
			Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Acknowledged: func(*farmhoundv1.ReportAck) {
				if s.Status().Depth == 0 {
					cancel()
				}
			},
		}
		if change != nil {
			change(d)
		}
		if err := d.Run(ctx); err == nil {
			t.Error("Run returned without an error")
		}
	})
	return said.String()
}

func TestDeliversInOrderWithNonces(t *testing.T) {
	t.Parallel()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	fill(t, s, boot, 300)
	fill(t, s, "ffeeddccbbaa99887766554433221100", 2)
	collector := &fake{}
	deliverUntil(t, s, collector, time.Hour, nil)
	want := []call{
		{Boot: boot, From: 1, To: 256},
		{Boot: boot, From: 257, To: 300, Nonce: "a"},
		{Boot: "ffeeddccbbaa99887766554433221100", From: 1, To: 2, Nonce: "b"},
	}
	if diff := cmp.Diff(want, collector.calls, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".At" }, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
}

func TestLostAckIsSentAgainWithTheSameNonce(t *testing.T) {
	t.Parallel()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	fill(t, s, boot, 3)
	collector := &fake{answer: func(call int, _ *farmhoundv1.ReportBatch) (error, bool) {
		if call <= 2 {
			return status.Error(codes.Unavailable, "connection reset"), true
		}
		return nil, false
	}}
	said := deliverUntil(t, s, collector, time.Hour, nil)
	if diff := cmp.Diff([]uint64{1, 2, 3}, collector.commits); diff != "" {
		t.Errorf("redelivery had an effect: %s", diff)
	}
	for _, c := range collector.calls {
		if c.Nonce != "" || c.From != 1 || c.To != 3 {
			t.Errorf("redelivery differs: %+v", c)
		}
	}
	if pauses := gaps(collector.calls); !cmp.Equal(pauses, []time.Duration{time.Second, 2 * time.Second}) {
		t.Errorf("pauses %v", pauses)
	}
	if strings.Count(said, "reports stay in the spool") != 1 || !strings.Contains(said, "delivery works again") {
		t.Errorf("failures are not said once: %s", said)
	}
}

// What was appended after a batch went out unanswered waits for the next one.
func TestRedeliveryIsTheSameBatch(t *testing.T) {
	t.Parallel()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	fill(t, s, boot, 3)
	collector := &fake{answer: func(call int, _ *farmhoundv1.ReportBatch) (error, bool) {
		if call > 1 {
			return nil, false
		}
		payload, err := proto.Marshal(&farmhoundv1.Report{BootId: boot, Sequence: 4})
		if err != nil {
			return err, false
		}
		_, err = s.Append(boot, 4, payload, spool.Normal)
		return errors.Join(err, status.Error(codes.Unavailable, "connection reset")), true
	}}
	deliverUntil(t, s, collector, time.Hour, nil)
	want := []call{
		{Boot: boot, From: 1, To: 3},
		{Boot: boot, From: 1, To: 3},
		{Boot: boot, From: 4, To: 4, Nonce: "b"},
	}
	if diff := cmp.Diff(want, collector.calls, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".At" }, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
}

func TestHintOfCollectorIsObeyed(t *testing.T) {
	t.Parallel()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	fill(t, s, boot, 1)
	busy := hinted(t, codes.ResourceExhausted, 40*time.Second)
	collector := &fake{answer: func(call int, _ *farmhoundv1.ReportBatch) (error, bool) {
		if call == 1 {
			return busy, false
		}
		return nil, false
	}}
	deliverUntil(t, s, collector, time.Hour, nil)
	if pauses := gaps(collector.calls); !cmp.Equal(pauses, []time.Duration{41 * time.Second}) {
		t.Errorf("pauses %v", pauses)
	}
}

// Reports of the least value wait for each other, or go along with another.
func TestQuietReportsWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
		collector := &fake{}
		ctx, cancel := context.WithCancel(t.Context())
		d := &Deliverer{Queue: s, Collector: collector, Log: quiet(), Hold: func() time.Duration { return 30 * time.Minute }}
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		began, sequence := time.Now(), uint64(0)
		add := func(worth spool.Value) {
			sequence++
			payload, err := proto.Marshal(&farmhoundv1.Report{BootId: boot, Sequence: sequence})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Append(boot, sequence, payload, worth); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		time.Sleep(time.Second) // of the bubble: no report comes at the moment at which a wait ends
		for range 12 {
			time.Sleep(5 * time.Minute)
			add(spool.Low)
		}
		time.Sleep(time.Minute)
		add(spool.Normal)
		cancel()
		if err := <-done; err == nil {
			t.Error("Run returned without an error")
		}
		var got []string
		for _, c := range collector.calls {
			got = append(got, fmt.Sprintf("%v: %d to %d", c.At.Sub(began), c.From, c.To))
		}
		want := []string{"30m0s: 1 to 5", "1h0m0s: 6 to 11", "1h1m1s: 12 to 13"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRefusalIsSaidOnceAndNotHammered(t *testing.T) {
	t.Parallel()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	fill(t, s, boot, 1)
	collector := &fake{answer: func(int, *farmhoundv1.ReportBatch) (error, bool) {
		return status.Error(codes.PermissionDenied, "device certificate revoked on 2026-03-04: laptop returned"), false
	}}
	said := deliverUntil(t, s, collector, 24*time.Hour, nil)
	if len(collector.calls) > 5 {
		t.Errorf("%d calls in a day after a refusal", len(collector.calls))
	}
	if strings.Count(said, "revoked on 2026-03-04") != 1 || !strings.Contains(said, "run farmhound-agent enroll") {
		t.Errorf("refusal is not said once with what to do: %s", said)
	}
	if s.Status().Depth != 1 {
		t.Error("refused reports left the spool")
	}
}

func TestPauseEndsWhenWoken(t *testing.T) {
	t.Parallel()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	fill(t, s, boot, 1)
	wake := make(chan struct{}, 1)
	collector := &fake{answer: func(call int, _ *farmhoundv1.ReportBatch) (error, bool) {
		if call == 1 {
			wake <- struct{}{}
			return status.Error(codes.Unauthenticated, "certificate expired"), false
		}
		return nil, false
	}}
	deliverUntil(t, s, collector, time.Minute, func(d *Deliverer) { d.Wake = wake })
	if s.Status().Depth != 0 {
		t.Error("a new certificate did not end the pause")
	}
}

func TestPoisonousReportIsIsolatedAndCounted(t *testing.T) {
	t.Parallel()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	fill(t, s, boot, 20)
	collector := &fake{answer: func(_ int, batch *farmhoundv1.ReportBatch) (error, bool) {
		for _, report := range batch.GetReports() {
			if report.GetSequence() == 13 {
				return status.Error(codes.InvalidArgument, "reports[4]: \x1b[31mbad"), false
			}
		}
		return nil, false
	}}
	said := deliverUntil(t, s, collector, time.Hour, nil)
	want := []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20}
	if diff := cmp.Diff(want, collector.commits); diff != "" {
		t.Error(diff)
	}
	if got := s.Status(); got.Dropped != 1 || got.Depth != 0 {
		t.Errorf("status %+v; want 1 dropped", got)
	}
	if strings.Contains(said, "\x1b") {
		t.Errorf("collector's control characters are logged: %q", said)
	}
}

func TestUnreadableReportIsDropped(t *testing.T) {
	t.Parallel()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	fill(t, s, boot, 1)
	if _, err := s.Append(boot, 2, []byte("\xff\xff no report"), spool.Normal); err != nil {
		t.Fatal(err)
	}
	collector := &fake{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := &Deliverer{Queue: dropNotifier{s, cancel}, Collector: collector, Log: quiet()}
	if err := d.Run(ctx); err == nil {
		t.Error("Run returned without an error")
	}
	if got := s.Status(); got.Dropped != 1 || got.Depth != 0 || !cmp.Equal(collector.commits, []uint64{1}) {
		t.Errorf("status %+v, commits %v", got, collector.commits)
	}
}

type dropNotifier struct {
	*spool.Spool
	done func()
}

func (d dropNotifier) Drop(bootID string, sequence uint64) (int, error) {
	defer d.done()
	return d.Spool.Drop(bootID, sequence)
}

// An acknowledgement that does not fit what was sent takes nothing out of the spool.
func TestWrongAckTakesNothing(t *testing.T) {
	t.Parallel()
	for name, ack := range map[string]*farmhoundv1.ReportAck{
		"of another run":   {BootId: "ffff", Sequence: 9},
		"of nothing":       {BootId: boot},
		"without anything": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
			fill(t, s, boot, 3)
			calls := 0
			deliverUntil(t, s, reportFunc(func() (*farmhoundv1.ReportAck, error) { calls++; return ack, nil }), 10*time.Second, nil)
			if got := s.Status(); got.Depth != 3 {
				t.Errorf("%d of 3 reports are left", got.Depth)
			}
			if calls < 2 || calls > 5 {
				t.Errorf("%d calls in 10 s", calls)
			}
		})
	}
	t.Run("beyond what was sent", func(t *testing.T) {
		t.Parallel()
		s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
		fill(t, s, boot, 257)
		sent := 0
		deliverUntil(t, s, reportFunc(func() (*farmhoundv1.ReportAck, error) {
			sent++
			return &farmhoundv1.ReportAck{BootId: boot, Sequence: 1 << 60}, nil
		}), 10*time.Second, nil)
		if sent != 2 {
			t.Errorf("%d batches were sent for 257 reports", sent)
		}
	})
}

type reportFunc func() (*farmhoundv1.ReportAck, error)

func (f reportFunc) Report(context.Context, *farmhoundv1.ReportBatch, ...grpc.CallOption) (*farmhoundv1.ReportAck, error) {
	return f()
}

func gaps(calls []call) []time.Duration {
	var out []time.Duration
	for i := 1; i < len(calls); i++ {
		out = append(out, calls[i].At.Sub(calls[i-1].At))
	}
	return out
}
