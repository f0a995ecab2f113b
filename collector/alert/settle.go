package alert

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// ReasonNotUpheld is why the collector itself closes an alert.
const ReasonNotUpheld = "not_upheld"

// byItself is who changed an alert that nobody changed.
const byItself = "farmhound"

// Settle returns what a day that is over does to the device's alert that was opened or
// raised on it, when reports of the day may have been missing: nil where that is
// nothing. end is the verdict that the day came to at its last second, after how the
// device is judged now.
//
// A verdict that neither the day nor the present comes to was one of half the reports.
// What a day came to before stays; without any, an alert that nobody has taken up is
// closed, and one that somebody has says so.
func (p Policy) Settle(open *fleetv1.Alert, end string, after *fleetv1.Assessment, at, now time.Time) (*fleetv1.Alert, Transition) {
	if open == nil || !open.GetProvisional() || dayOf(at) < open.GetDay() {
		return nil, None
	}
	a := proto.CloneOf(open)
	if Rank(end) >= Rank("likely") {
		a.Upheld = higher(open.GetUpheld(), end)
	}
	stands := Rank(open.GetVerdict())
	switch {
	case Rank(a.GetUpheld()) >= stands:
		a.Provisional = false
		return a, None
	case Rank(after.GetVerdict()) >= stands:
		a.Day = max(a.GetDay()+1, dayOf(now))
		return a, None
	}
	a.Provisional = false
	a.Course = fmt.Sprintf("Not upheld: with all its reports, what %s came to is %s, and the verdict now is %s.",
		at.UTC().Format("2 Jan 2006"), end, after.GetVerdict())
	a.ChangedBy, a.UpdatedAt, a.Assessment = byItself, timestamppb.New(now), proto.CloneOf(after)
	if a.GetUpheld() == "" && Rank(after.GetVerdict()) >= Rank("likely") {
		a.Provisional, a.Day = true, max(a.GetDay()+1, dayOf(now))
		return lowered(a, after.GetVerdict()), Lowered
	}
	if a.GetUpheld() != "" {
		return lowered(a, a.GetUpheld()), Lowered
	}
	if a.GetState() != StateOpen {
		return a, Lowered
	}
	a.State, a.Reason = StateClosed, ReasonNotUpheld
	return a, Closed
}

// lowered gives an alert a milder verdict.
func lowered(a *fleetv1.Alert, verdict string) *fleetv1.Alert {
	now := &fleetv1.Assessment{Verdict: verdict, Kind: a.GetKind()}
	a.Verdict, a.Severity, a.Title = verdict, severity(now), title(now)
	return a
}

func higher(a, b string) string {
	if Rank(a) >= Rank(b) {
		return a
	}
	return b
}

const daySeconds = 24 * 60 * 60

// dayOf is the UTC day of a moment, counted from 1970.
func dayOf(at time.Time) uint32 { return uint32(max(at.Unix(), 0) / daySeconds) }
