package roster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/collector/roster"
)

// many is a roster of a large company.
func many(n int) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range n {
		fmt.Fprintf(&b, "PF%07d,p-%d,US,Ohio,America/New_York,US-OH,mon-fri,09:00,17:00,engineer,anydesk,DE:2026-01-01..2026-02-01,,,\n", i, i)
	}
	return b.String()
}

// What an import of a row costs, step by step.
func BenchmarkImport(b *testing.B) {
	const n = 10_000
	text := many(n)
	f, _, err := roster.Read("r", strings.NewReader(text), known, false)
	if err != nil {
		b.Fatal(err)
	}
	records := f.Records()
	for name, step := range map[string]func(){
		"read":    func() { _, _, _ = roster.Read("r", strings.NewReader(text), known, false) },
		"records": func() { f.Records() },
		"diff":    func() { roster.Diff(records, f, false) },
		"restore": func() { roster.Restore("r", records, known) },
		"book":    func() { roster.NewBook(f) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}
