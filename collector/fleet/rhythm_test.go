package fleet

import (
	"testing"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestMachineRhythmShare(t *testing.T) {
	t.Parallel()
	beating := func(r *farmhoundv1.Rhythm) func(*laptop) []Observation {
		return func(l *laptop) []Observation {
			return l.workdays(monday, 5, func(w *farmhoundv1.Window) { w.Rhythm = r })
		}
	}
	share := func(d *fleetv1.Device) any {
		s := d.GetStill()
		if s.MachineRhythmShare == nil {
			return "unknown"
		}
		return sentence("%.2f", s.GetMachineRhythmShare())
	}
	check(t, []derived{
		{name: "no hands sense", life: beating(nil), get: share, want: "unknown"},
		{name: "too little input", life: beating(&farmhoundv1.Rhythm{Bursts: 9, GapCv: 0.01}), get: share, want: "unknown"},
		{name: "an even beat", life: beating(&farmhoundv1.Rhythm{Bursts: 60, GapCv: 0.02}), get: share, want: "1.00"},
		{name: "random pauses of one scale", get: share, want: "1.00",
			life: beating(&farmhoundv1.Rhythm{Bursts: 60, GapCv: 0.5, PauseSpread: proto.Float64(0.2), Pauses: 50})},
		{name: "a spread that rests on little", get: share, want: "0.00",
			life: beating(&farmhoundv1.Rhythm{Bursts: 12, GapCv: 0.5, PauseSpread: proto.Float64(0.2), Pauses: 12})},
		{name: "a person", get: share, want: "0.00",
			life: beating(&farmhoundv1.Rhythm{Bursts: 60, GapCv: 1.8, PauseSpread: proto.Float64(0.8), Pauses: 200})},
	})
}
