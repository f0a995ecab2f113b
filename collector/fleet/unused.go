package fleet

import (
	"math/bits"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// unusedSince is the end of the latest use, nil where no later date was seen to be without
// activity. Of a laptop without activity on any day that is kept nobody knows whether it
// ever had any: one that is older than these days was not used since they begin.
func (v *view) unusedSince() *timestamppb.Timestamp {
	switch {
	case len(v.active) > 0 && v.onAfter(v.active[0].date):
		return stamp(min(v.active[0].usedUntil(), v.pic.GetLastReportUnix()))
	case len(v.active) == 0 && v.onAfter(0):
		oldest := (v.pic.GetLastReceivedUnix()/daySeconds - keptDays + 1) * daySeconds
		if v.pic.GetFirstReportUnix() < oldest {
			return stamp(oldest)
		}
	}
	return nil
}

// onAfter says whether the laptop was on after a date, and use of it would have been seen.
func (v *view) onAfter(date uint32) bool {
	days := v.pic.GetDays()
	for i, d := range slices.Backward(days) {
		if v.dates[i] <= date {
			return false
		}
		if seesUse(d) && int64(d.GetDay()) <= v.now.Unix()/daySeconds+1 {
			return true
		}
	}
	return false
}

func seesUse(d *fleetv1.Day) bool { return d.GetActivityKnownSeconds() > 0 || d.GetInput() != nil }

// usedUntil is the end of the last half hour of a date in which the laptop was in use, or
// on where nobody knows.
func (w *workday) usedUntil() int64 {
	for _, slots := range []func(*part) uint64{(*part).slots, func(p *part) uint64 { return usedSlots(p.Day) & p.side }} {
		for i := range w.each() { // the later first
			if p := &w.parts[i]; slots(p) != 0 {
				return int64(p.GetDay())*daySeconds + int64(bits.Len64(slots(p)))*slotSeconds
			}
		}
	}
	return 0
}
