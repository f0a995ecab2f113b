package evaluate

import (
	"testing"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

// What a device-month costs, from drawing it to the last judgement, decides how many
// honest ones can be looked at.
func BenchmarkDeviceMonth(b *testing.B) {
	for name, grid := range map[string]bool{"every report": false, "grid": true} {
		b.Run(name, func(b *testing.B) {
			c := Command{Months: 1, Size: 60, Casting: persona.Reserved, Seeds: Seeds{1, 1}}
			bench := newBench(b, &c)
			bench.grid = grid
			laptops := 0
			for b.Loop() {
				world, err := persona.NewWorld(c.options().of(1))
				if err != nil {
					b.Fatal(err)
				}
				lives, err := bench.live(b.Context(), world)
				if err != nil {
					b.Fatal(err)
				}
				laptops += len(lives)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(laptops), "ms/device-month")
		})
	}
}
