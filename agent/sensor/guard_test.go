package sensor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// slow is a sense that takes its time.
type slow struct {
	name  string
	takes time.Duration
	power farmhoundv1.PowerSource
}

func (s *slow) Name() string { return s.name }

func (s *slow) Observe(_ context.Context, into *farmhoundv1.Report) error {
	time.Sleep(s.takes)
	if s.power != 0 {
		into.Hardware = &farmhoundv1.Hardware{Power: s.power}
	}
	return nil
}

// An agent that uses more than it may looks less often, then does without its
// longest-running senses, says which, and takes them back when it has been calm.
func TestGuard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cpu, rate time.Duration
		var memory uint64
		began := time.Now()
		r := NewRunner([]Sensor{
			&slow{name: "software", takes: 3 * time.Millisecond},
			&slow{name: "hardware", takes: 2 * time.Millisecond},
			&slow{name: "network", takes: time.Millisecond},
		}, 0, nil)
		r.Guard()
		r.cost = func() (time.Duration, uint64) {
			now := time.Now()
			cpu += time.Duration(now.Sub(began).Minutes() * float64(rate))
			began = now
			return cpu, memory
		}
		type state struct {
			Stretch int
			Resting []string
			Said    bool
		}
		after := func(length time.Duration) state {
			t.Helper()
			var seen *farmhoundv1.Report
			for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(15 * time.Second) {
				seen = r.Scan(t.Context())
			}
			got := state{Stretch: r.Stretch()}
			for _, sense := range seen.GetHealth().GetSenses() {
				if sense.GetDetail() == detailResting && sense.GetState() == farmhoundv1.SenseState_SENSE_STATE_FAILED {
					got.Resting = append(got.Resting, sense.GetName())
				}
				got.Said = got.Said || sense.GetName() == guardName && sense.GetDetail() == detailStretched
			}
			return got
		}
		for _, step := range []struct {
			what   string
			cpu    time.Duration
			memory uint64
			length time.Duration
			want   state
		}{
			{"as it should be", 40 * time.Millisecond, 18 << 20, time.Hour, state{1, nil, false}},
			{"one busy span", time.Second, 18 << 20, guardSpan + time.Minute, state{2, nil, true}},
			{"it stays so", time.Second, 18 << 20, guardSpan, state{4, nil, true}},
			{"the longest-running that can be spared", time.Second, 18 << 20, guardSpan + time.Minute, state{4, []string{"hardware"}, true}},
			{"every one but what it is for", time.Second, 18 << 20, time.Hour, state{4, []string{"hardware", "network"}, true}},
			{"a little better is not enough", 300 * time.Millisecond, 18 << 20, time.Hour, state{4, []string{"hardware", "network"}, true}},
			{"calm, but not for long", 40 * time.Millisecond, 18 << 20, calmSpan / 2, state{4, []string{"hardware", "network"}, true}},
			{"calm: the last one is back first", 40 * time.Millisecond, 18 << 20, calmSpan, state{4, []string{"hardware"}, true}},
			{"all is back", 40 * time.Millisecond, 18 << 20, 4 * calmSpan, state{1, nil, false}},
			{"memory alone", 40 * time.Millisecond, 100 << 20, guardSpan + time.Minute, state{2, nil, true}},
		} {
			rate, memory = step.cpu, step.memory
			if diff := cmp.Diff(step.want, after(step.length)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.what, diff)
			}
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestStretchOnBattery(t *testing.T) {
	t.Parallel()
	power := &slow{name: "hardware"}
	r := NewRunner([]Sensor{power}, 0, nil)
	for _, tt := range []struct {
		power farmhoundv1.PowerSource
		want  int
	}{
		{farmhoundv1.PowerSource_POWER_SOURCE_BATTERY, 2},
		{farmhoundv1.PowerSource_POWER_SOURCE_UNSPECIFIED, 2}, // not told: as it was
		{farmhoundv1.PowerSource_POWER_SOURCE_AC, 1},
	} {
		power.power = tt.power
		r.Scan(t.Context())
		if got := r.Stretch(); got != tt.want {
			t.Errorf("%v: looks are stretched to %d, want %d", tt.power, got, tt.want)
		}
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
