package sensor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// seldom counts how often it is asked.
type seldom struct {
	asked int
	err   error
}

func (s *seldom) Name() string        { return "seldom" }
func (s *seldom) Pace() time.Duration { return time.Minute }

func (s *seldom) Observe(_ context.Context, into *farmhoundv1.Report) error {
	s.asked++
	into.Place = &farmhoundv1.Place{TimeZone: "Europe/Oslo"}
	return s.err
}

func TestPacedSenseIsAskedOnceAMinute(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		err    error
		forget bool
		asked  int
		zone   string
	}{
		{name: "all seen", asked: 3, zone: "Europe/Oslo"},
		{name: "partly seen", err: Partial{Detail: "not all"}, asked: 3, zone: "Europe/Oslo"},
		{name: "failed", err: errors.New("no"), asked: 12},
		{name: "something else to look for each time", forget: true, asked: 12, zone: "Europe/Oslo"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &seldom{err: tt.err}
				r := NewRunner([]Sensor{s}, 0, nil)
				for range 12 {
					if got := r.Scan(t.Context()); got.GetPlace().GetTimeZone() != tt.zone || len(got.GetHealth().GetSenses()) != 1 {
						t.Errorf("a scan tells %v", got)
					}
					if tt.forget {
						r.forget()
					}
					time.Sleep(15 * time.Second)
				}
				if s.asked != tt.asked {
					t.Errorf("asked %d times, want %d", s.asked, tt.asked)
				}
				if err := r.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
