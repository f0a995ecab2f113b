package delivery

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

func hinted(t *testing.T, code codes.Code, pause time.Duration) error {
	t.Helper()
	s, err := status.New(code, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(pause)})
	if err != nil {
		t.Fatal(err)
	}
	return s.Err()
}

func TestBackoffGrowsToItsCeiling(t *testing.T) {
	t.Parallel()
	b := NewBackoff(func() float64 { return 1 })
	var got []time.Duration
	for range 11 {
		got = append(got, b.Next(errors.New("down")))
	}
	for i, pause := range got {
		want := min(time.Second<<i, 5*time.Minute)
		if pause != want {
			t.Errorf("pause %d is %v, want %v", i, pause, want)
		}
	}
	for range 1000 {
		if pause := b.Next(errors.New("down")); pause != longestPause {
			t.Fatalf("pause is %v after many failures", pause)
		}
	}
	b.Reset()
	if pause := b.Next(nil); pause != time.Second {
		t.Errorf("after a success the pause is %v", pause)
	}
}

func TestBackoffIsJitteredOverItsWholeRange(t *testing.T) {
	t.Parallel()
	draw := 0.0
	b := NewBackoff(func() float64 { return draw })
	if pause := b.Next(nil); pause != 0 {
		t.Errorf("lowest pause is %v", pause)
	}
	draw = 0.5
	if pause := b.Next(nil); pause != time.Second {
		t.Errorf("middle of the second pause is %v", pause)
	}
	if pause := b.Refused(); pause < 3*time.Hour || pause > 9*time.Hour {
		t.Errorf("pause after a refusal is %v", pause)
	}
}

func TestBackoffObeysHints(t *testing.T) {
	t.Parallel()
	cases := []struct {
		hint, want time.Duration
	}{{30 * time.Second, 30 * time.Second}, {48 * time.Hour, time.Hour}, {-time.Second, 0}}
	for _, c := range cases {
		b := NewBackoff(func() float64 { return 0 })
		if got := b.Next(hinted(t, codes.ResourceExhausted, c.hint)); got != c.want {
			t.Errorf("hint %v gives pause %v, want %v", c.hint, got, c.want)
		}
	}
}
