package delivery

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// A batch that is too large goes in parts, and of a report that is too large alone the
// others are not kept.
func TestTooLargeIsHalvedNeverLost(t *testing.T) {
	t.Parallel()
	const large = "grpc: received message larger than max (5000000 vs. 4194304)"
	for _, tt := range []struct {
		name, words string
		takes       int    // reports a batch
		huge        uint64 // the sequence of a report that is never taken
		dropped     uint64
	}{
		{name: "batch", words: large, takes: 10},
		{name: "one report", words: large, takes: 256, huge: 33, dropped: 1},
		{name: "batch, by another's words", words: "quota of this path exceeded", takes: 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
			fill(t, s, boot, 100)
			collector := &fake{answer: func(_ int, batch *farmhoundv1.ReportBatch) (error, bool) {
				isHuge := func(r *farmhoundv1.Report) bool { return r.GetSequence() == tt.huge }
				if len(batch.GetReports()) > tt.takes || slices.ContainsFunc(batch.GetReports(), isHuge) {
					return status.Error(codes.ResourceExhausted, tt.words), false
				}
				return nil, false
			}}
			said := deliverUntil(t, s, collector, time.Hour, nil)
			if got := s.Status(); got.Depth != 0 || got.Dropped != tt.dropped || len(collector.commits) != 100-int(tt.dropped) {
				t.Errorf("%d wait, %d dropped, %d committed", got.Depth, got.Dropped, len(collector.commits))
			}
			if got := strings.Count(said, "can never be taken"); got != int(tt.dropped) {
				t.Errorf("%d drops are said: %s", got, said)
			}
		})
	}
}

// A report alone that is refused in words that do not speak of its size stays.
func TestShortageDropsNothing(t *testing.T) {
	t.Parallel()
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	fill(t, s, boot, 3)
	collector := &fake{answer: func(int, *farmhoundv1.ReportBatch) (error, bool) {
		return status.Error(codes.ResourceExhausted, "try less"), false
	}}
	deliverUntil(t, s, collector, time.Hour, nil)
	if got := s.Status(); got.Depth != 3 || got.Dropped != 0 || len(collector.calls) > 30 {
		t.Errorf("%d wait, %d dropped after %d calls", got.Depth, got.Dropped, len(collector.calls))
	}
}

func TestRefusedSize(t *testing.T) {
	t.Parallel()
	load, err := status.New(codes.ResourceExhausted, "larger than max").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	for err, want := range map[error]sizeRefusal{
		nil:        otherFailure,
		load.Err(): otherFailure,
		status.Error(codes.Unavailable, "larger than max"):                                                      otherFailure,
		status.Error(codes.ResourceExhausted, "trying to send message larger than max (9 vs. 8)"):               tooLarge,
		status.Error(codes.ResourceExhausted, "grpc: received message after decompression larger than max (8)"): tooLarge,
		status.Error(codes.ResourceExhausted, "no"):                                                             perhapsTooLarge,
	} {
		if got := refusedSize(err); got != want {
			t.Errorf("%v is %d, want %d", err, got, want)
		}
	}
}
