package order

import (
	"flag"
	"os"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/history"
	"github.com/farmhound-security/farmhound/collector/store"
)

// dictionary is where to write what the inputs of many verdicts have in common, for
// package history; empty for nowhere.
var dictionary = flag.String("dictionary", "", "write a dictionary of inputs to this file")

// maxDictionary is what a compressor looks back at, in bytes.
const maxDictionary = 32 << 10

// TestBudgets: what is kept of a laptop is small, and what a day adds to its history.
func TestBudgets(t *testing.T) {
	t.Parallel()
	const (
		// Half of these laptops have much to be said about; what is kept of one of which
		// there is nothing to say is half of it.
		state  = 10 << 10 // bytes a laptop
		perDay = 1 << 10  // bytes of history a laptop and day
	)
	l := newLife(t, 4)
	s := l.open(t)
	s.live(t, l, 0, 6, 12, 18)
	kept, err := collector.OpenStore(t.Context(), s.config.Data)
	must(t, err)
	defer kept.Close()
	var sizes, pictures, judgements, inputs, laptops, rows int
	most := 0
	samples := map[string][]byte{}
	must(t, kept.EachDevice(t.Context(), func(d *store.Device) error {
		p, j := proto.Size(d.Picture), proto.Size(d.Judgement)
		size := p + j + proto.Size(d.Summary)
		sizes, pictures, judgements, most = sizes+size, pictures+p, judgements+j, max(most, size)
		laptops++
		listed, err := kept.Verdicts(t.Context(), store.VerdictFilter{Device: d.Summary.GetId(), Limit: 10000})
		must(t, err)
		own := 0
		for _, v := range listed {
			row, err := kept.Verdict(t.Context(), d.Summary.GetId(), v.GetAt().AsTime(), v.GetOccasion())
			must(t, err)
			own += len(row.Inputs)
			samples[s.laptops[row.Device].Persona], err = history.Unpack(row.Inputs)
			must(t, err)
		}
		rows, inputs = rows+len(listed), inputs+own
		t.Logf("%-14s %-12s picture %5d judgement %5d; history %4d a row, %2d rows", s.laptops[d.Summary.GetId()].Persona, d.Summary.GetVerdict(), p, j, own/max(len(listed), 1), len(listed))
		return nil
	}))
	if *dictionary != "" {
		writeDictionary(t, samples)
	}
	lived := int(l.end.Sub(l.arrivals[0].at) / (24 * time.Hour))
	t.Logf("%d laptops: %d bytes of state each (%d of picture, %d of judgement), at most %d; %d rows of %d bytes, %d bytes a day",
		laptops, sizes/laptops, pictures/laptops, judgements/laptops, most, rows, inputs/rows, inputs/laptops/lived)
	if sizes/laptops > state {
		t.Errorf("%d bytes of state a laptop", sizes/laptops)
	}
	if inputs/laptops/lived > perDay {
		t.Errorf("%d bytes of history a laptop and day", inputs/laptops/lived)
	}
}

// writeDictionary writes one sample of every kind of laptop, those last that there are
// most of: what is last is nearest.
func writeDictionary(t *testing.T, samples map[string][]byte) {
	t.Helper()
	var all []byte
	for _, name := range []string{
		"mixed-farm", "single-host", "disguised-kvm", "displaced", "rmm-farm", "tool-rotator", "traveller", "night-shift", "supported",
		"developer", "docked", "couple", "home-worker",
	} {
		all = append(all, samples[name]...)
	}
	must(t, os.WriteFile(*dictionary, all[max(len(all)-maxDictionary, 0):], 0o600))
}
