package network

import (
	"testing"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// BenchmarkObserve compares a look at this machine's unchanged network with one at
// everything.
func BenchmarkObserve(b *testing.B) {
	for name, forget := range map[string]bool{"unchanged": false, "everything": true} {
		b.Run(name, func(b *testing.B) {
			s := New(host.Host{}, catalog.BuiltIn(), ring(b))
			defer s.Close()
			report := &farmhoundv1.Report{}
			for range mostMissing + 1 {
				_ = s.Observe(b.Context(), report)
			}
			b.ReportAllocs()
			for b.Loop() {
				if forget {
					s.system.latest.out = nil
				}
				_ = s.Observe(b.Context(), report)
			}
		})
	}
}
