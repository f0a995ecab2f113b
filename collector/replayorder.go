package collector

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// sortLines puts lines in the order of their time. Those of one moment, such as what a
// spool delivers at once, follow laptop by laptop, each run of an agent in its sequence
// and the runs as they began.
func sortLines(lines []replayLine) {
	slices.SortStableFunc(lines, func(a, b replayLine) int {
		return cmp.Or(a.ObservedAt.Compare(b.ObservedAt), strings.Compare(a.Device, b.Device))
	})
	for len(lines) > 0 {
		first := lines[0]
		n := slices.IndexFunc(lines, func(l replayLine) bool { return !l.ObservedAt.Equal(first.ObservedAt) || l.Device != first.Device })
		if n < 0 {
			n = len(lines)
		}
		if n > 1 {
			sortMoment(lines[:n])
		}
		lines = lines[n:]
	}
}

// placed is a line with what its report says of its place.
type placed struct {
	line     replayLine
	boot     string
	sequence uint64
	observed time.Time
}

// sortMoment sorts the lines of one laptop and one moment.
func sortMoment(lines []replayLine) {
	all := make([]placed, len(lines))
	began := map[string]time.Time{}
	for i, line := range lines {
		p := placeOf(line)
		all[i] = p
		if at, known := began[p.boot]; !known || p.observed.Before(at) {
			began[p.boot] = p.observed
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int {
		return cmp.Or(
			began[a.boot].Compare(began[b.boot]), strings.Compare(a.boot, b.boot), cmp.Compare(a.sequence, b.sequence),
			a.observed.Compare(b.observed), bytes.Compare(a.line.Report, b.line.Report),
		)
	})
	for i := range all {
		lines[i] = all[i].line
	}
}

// placeOf reads what places a report, in either spelling of the contract's JSON. What
// cannot be read is a problem of the line, which is told later.
func placeOf(line replayLine) placed {
	var report struct {
		BootID        string      `json:"bootId"`
		OtherBootID   string      `json:"boot_id"`
		Sequence      json.Number `json:"sequence"`
		ObservedAt    time.Time   `json:"observedAt"`
		OtherObserved time.Time   `json:"observed_at"`
	}
	_ = json.Unmarshal(line.Report, &report)
	p := placed{line: line, boot: cmp.Or(report.BootID, report.OtherBootID), observed: report.ObservedAt}
	if p.observed.IsZero() {
		p.observed = report.OtherObserved
	}
	if p.observed.IsZero() {
		p.observed = line.ObservedAt
	}
	if n, err := report.Sequence.Int64(); err == nil && n > 0 {
		p.sequence = uint64(n)
	}
	return p
}
