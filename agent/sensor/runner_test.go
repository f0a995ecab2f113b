package sensor_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/farmhound-security/farmhound/agent/sensor"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// sense is a Sensor made of a function.
type sense struct {
	name    string
	observe func(ctx context.Context, into *farmhoundv1.Report) error
}

func (s sense) Name() string { return s.name }
func (s sense) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	return s.observe(ctx, into)
}

func place(zone string, err error) func(context.Context, *farmhoundv1.Report) error {
	return func(_ context.Context, into *farmhoundv1.Report) error {
		into.Place = &farmhoundv1.Place{TimeZone: zone}
		return err
	}
}

func TestRunnerStates(t *testing.T) {
	t.Parallel()
	const (
		ok       = farmhoundv1.SenseState_SENSE_STATE_OK
		partial  = farmhoundv1.SenseState_SENSE_STATE_PARTIAL
		failed   = farmhoundv1.SenseState_SENSE_STATE_FAILED
		timedOut = farmhoundv1.SenseState_SENSE_STATE_TIMED_OUT
		panicked = farmhoundv1.SenseState_SENSE_STATE_PANICKED
	)
	tests := []struct {
		name    string
		observe func(context.Context, *farmhoundv1.Report) error
		state   farmhoundv1.SenseState
		detail  string
		zone    string
	}{
		{name: "all seen", observe: place("Europe/Oslo", nil), state: ok, zone: "Europe/Oslo"},
		{
			name:    "partly seen",
			observe: place("Europe/Oslo", fmt.Errorf("observe: %w", sensor.Partial{Detail: "rpm databases are not read"})),
			state:   partial, detail: "rpm databases are not read", zone: "Europe/Oslo",
		},
		{
			name: "failed parts are dropped", observe: place("Europe/Oslo", errors.New("secret value 42")),
			state: failed, detail: "failed; the agent's log has the reason",
		},
		{
			name: "panic",
			observe: func(_ context.Context, into *farmhoundv1.Report) error {
				into.Place = &farmhoundv1.Place{TimeZone: "Europe/Oslo"}
				panic("a sense has a bug")
			},
			state: panicked, detail: "panicked and was recovered",
		},
		{
			name: "stops when told",
			observe: func(ctx context.Context, _ *farmhoundv1.Report) error {
				<-ctx.Done()
				return fmt.Errorf("list processes: %w", ctx.Err())
			},
			state: timedOut, detail: "did not return in time",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				other := sense{"other", func(_ context.Context, into *farmhoundv1.Report) error {
					into.Logons = &farmhoundv1.Logons{}
					return nil
				}}
				r := sensor.NewRunner([]sensor.Sensor{sense{"tested", tt.observe}, other}, 0, nil)
				got := r.Scan(t.Context())
				want := []*farmhoundv1.Sense{
					{Name: "tested", State: tt.state, Detail: tt.detail},
					{Name: "other", State: ok},
				}
				if diff := cmp.Diff(want, got.GetHealth().GetSenses(), protocmp.Transform()); diff != "" {
					t.Errorf("senses (-want +got):\n%s", diff)
				}
				if got.GetPlace().GetTimeZone() != tt.zone {
					t.Errorf("zone = %q, want %q", got.GetPlace().GetTimeZone(), tt.zone)
				}
				if got.Logons == nil {
					t.Error("the other sense's part is missing")
				}
				if err := r.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestRunnerHungSenseKeepsItsSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32 // the test looks while the sense hangs
		release := make(chan struct{})
		hung := sense{"hung", func(_ context.Context, into *farmhoundv1.Report) error {
			call := calls.Add(1)
			if call == 1 {
				<-release // deaf to ctx
			}
			into.Place = &farmhoundv1.Place{TimeZone: fmt.Sprintf("call/%d", call)}
			return nil
		}}
		r := sensor.NewRunner([]sensor.Sensor{hung}, 3*time.Second, nil)
		for scan := range 3 {
			began := time.Now()
			got := r.Scan(t.Context())
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("scan %d took %v, want the timeout", scan, took)
			}
			if state := got.Health.Senses[0].State; state != farmhoundv1.SenseState_SENSE_STATE_TIMED_OUT {
				t.Errorf("scan %d: state %v", scan, state)
			}
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("a hung sense was called %d times", n)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close beside a hung sense = %v", err)
		}

		close(release)
		synctest.Wait()
		got := r.Scan(t.Context())
		if zone := got.GetPlace().GetTimeZone(); zone != "call/2" {
			t.Errorf("after it returned: zone %q, want a fresh call's", zone)
		}
		want := sensor.Cost{Name: "hung", Runs: 2, TimedOut: 3, Spent: 10 * time.Second}
		if diff := cmp.Diff(want, r.Costs()[0]); diff != "" {
			t.Errorf("cost (-want +got):\n%s", diff)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRunnerCountsOwnCost(t *testing.T) {
	t.Parallel()
	got := sensor.NewRunner(nil, 0, nil).Scan(t.Context())
	if got.Health.CpuSeconds <= 0 || got.Health.MemoryBytes < 1<<20 {
		t.Errorf("cpu %v s, memory %v bytes", got.Health.CpuSeconds, got.Health.MemoryBytes)
	}
}
