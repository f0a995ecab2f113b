package detect

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// View derives a device as it was at a moment from what is known of it.
type View func(at time.Time) *fleetv1.Device

// Moment is one judgement with all that it rests on: the same comes of it again.
type Moment struct {
	At     time.Time
	Device *fleetv1.Device
	// Before is what the days before came to; nil where there were none.
	Before *fleetv1.Judgement
	After  *fleetv1.Judgement
	// Weight is what the evidence comes to, as Weigh returns it.
	Weight float64
}

// Outcome is what a device came to.
type Outcome struct {
	At      time.Time
	Verdict string
}

// waitDays is how many days after a device's last day reports of it are waited for: a
// laptop that was put away for a holiday is heard of again by then. Later ones count, but
// an alert does not stay provisional for them.
const waitDays = 14

// Course judges one device day by day, in days of UTC that are those of its reports. The
// days that evidence counts and names are the person's; those that are settled are one
// cadence for all. What others have to do with a day is looked at when it is over for all:
// were it over for each by a clock of their own, it would depend on the order of arrival
// which of a colleague's reports were there by then. And the person's clock is what the
// roster says, which is mended later, or what the laptop says, which could so choose for
// itself when its days are over.
// What a day comes to is judged as of its end, on what the days before came to. While
// a day lasts, and as long as reports of it may still arrive, a judgement is
// provisional and nothing rests on it, so that neither evidence that is remembered nor
// a verdict that is held depends on the order in which a day's reports arrive. A report
// of a day that was settled before counts from now on: an agent delivers in its order.
type Course struct {
	// Ends are the last seconds of the days that were judged, again or for the first
	// time, oldest first.
	Ends []Moment
	// Settled is what became final, oldest first: days after which a later one had begun,
	// judged by this course or before it. Of a device that is not heard of any more, every
	// sweep that no longer waits for it says its last day and then the moment of the sweep.
	Settled []Outcome

	detector        *Detector
	day             uint32 // of the latest report
	changes         uint32
	settled, closed *fleetv1.Judgement
	beside          *fleetv1.Device
}

// Resume takes up a device where the judgement before left off, nil for a new one.
// latest is when its latest report by then was observed.
func (d *Detector) Resume(before *fleetv1.Judgement, latest time.Time) *Course {
	c := &Course{detector: d, day: dayOf(latest)}
	switch {
	case before == nil:
	case before.GetDay() == 0:
		// From before there were days: it is what those before came to.
		c.settled = rest(before)
	default:
		c.day, c.changes = before.GetDay(), before.GetChanges()
		c.settled, c.closed, c.beside = before.GetSettled(), before.GetClosed(), before.GetBeside()
	}
	return c
}

// Reported tells of a report. latest is when the latest by now was observed, and was
// how the device looked without this one, nil for a device that had none.
func (c *Course) Reported(latest time.Time, was View) error {
	day := dayOf(latest)
	switch {
	case was == nil:
		c.day = day
	case day <= c.day:
		// What the day came to is no longer all that it came to.
		c.closed = nil
	default:
		if err := c.close(was); err != nil {
			return err
		}
		// A sweep may have closed the day already.
		c.Settled = append(c.Settled, c.outcome())
		c.day, c.settled, c.closed, c.changes, c.beside = day, c.closed, nil, 0, nil
	}
	return nil
}

// Sweep is Judge at a moment at which everybody is judged, with all that arrived before.
// What others have to do with a day that is over is looked at the first time, and stays:
// when a report of the day comes late, theirs may have come already or not.
func (c *Course) Sweep(now time.Time, is View) (Moment, error) {
	if dayOf(now) > c.day && c.beside == nil {
		dev := is(endOf(c.day))
		c.closed, c.beside = nil, &fleetv1.Device{Site: dev.GetSite()}
		if people := dev.GetOperator().GetAccountPeople(); people > 0 {
			c.beside.Operator = &fleetv1.Operator{AccountPeople: people}
		}
	}
	m, err := c.Judge(now, is)
	if err == nil && dayOf(now) > c.day+waitDays {
		c.Settled = append(c.Settled, c.outcome(), Outcome{At: now, Verdict: m.After.GetAssessment().GetVerdict()})
	}
	return m, err
}

// outcome is what the day that was closed came to.
func (c *Course) outcome() Outcome {
	return Outcome{At: endOf(c.day), Verdict: c.closed.GetAssessment().GetVerdict()}
}

// Judge judges the device at a moment. The judgement that it comes to is what Resume
// takes the next time.
func (c *Course) Judge(now time.Time, is View) (Moment, error) {
	base := c.settled
	if dayOf(now) > c.day {
		if err := c.close(is); err != nil {
			return Moment{}, err
		}
		base = c.closed
	}
	m, err := c.detector.moment(is(now), base, now)
	if err != nil {
		return Moment{}, err
	}
	m.After = &fleetv1.Judgement{
		Assessment: m.After.GetAssessment(), Day: c.day, Settled: c.settled, Closed: c.closed, Changes: c.changes, Beside: c.beside,
	}
	return m, nil
}

// close judges what the day came to, unless that is known.
func (c *Course) close(look View) error {
	if c.closed != nil {
		return nil
	}
	end := endOf(c.day)
	dev := look(end)
	if c.beside != nil {
		dev.Site = c.beside.GetSite()
		if dev.GetOperator() != nil {
			dev.Operator.AccountPeople = c.beside.GetOperator().GetAccountPeople()
		}
	}
	m, err := c.detector.moment(dev, c.settled, end)
	if err != nil {
		return err
	}
	c.Ends = append(c.Ends, m)
	c.closed = rest(m.After)
	return nil
}

func (d *Detector) moment(dev *fleetv1.Device, before *fleetv1.Judgement, at time.Time) (Moment, error) {
	after, weight, err := d.Weigh(dev, before, at)
	if err != nil {
		return Moment{}, err
	}
	reachedBy(after.GetAssessment().GetFirstAt(), dev.GetLastReportAt(), at)
	return Moment{At: at, Device: dev, Before: before, After: after, Weight: weight}, nil
}

// reachedBy says of a verdict that is new at a moment that the day's last report by
// then showed it, which does not depend on when somebody looked.
func reachedBy(first *fleetv1.FirstAt, last *timestamppb.Timestamp, now time.Time) {
	if last == nil || last.AsTime().After(now) || dayOf(last.AsTime()) != dayOf(now) {
		return
	}
	for _, at := range []**timestamppb.Timestamp{&first.Watch, &first.Likely, &first.NearCertain} {
		if *at != nil && (*at).AsTime().Equal(now) {
			*at = last
		}
	}
}

// rest returns of a judgement what later ones rest on: what was concluded and since
// when, and the evidence.
func rest(j *fleetv1.Judgement) *fleetv1.Judgement {
	a := j.GetAssessment()
	return &fleetv1.Judgement{
		Assessment: &fleetv1.Assessment{
			Verdict: a.GetVerdict(), Kind: a.GetKind(), HostedRisk: a.GetHostedRisk(), DisplacedRisk: a.GetDisplacedRisk(), FirstAt: a.GetFirstAt(),
		},
		Ledger: j.GetLedger(),
	}
}

const daySeconds = 24 * 60 * 60

func dayOf(at time.Time) uint32 { return uint32(max(at.Unix(), 0) / daySeconds) }

// endOf is the last second of a day.
func endOf(day uint32) time.Time { return time.Unix((int64(day)+1)*daySeconds-1, 0).UTC() }

// Again judges a moment of the past again from what it rested on.
func (d *Detector) Again(dev *fleetv1.Device, before *fleetv1.Judgement, at time.Time) (*fleetv1.Assessment, error) {
	m, err := d.moment(dev, before, at)
	return m.After.GetAssessment(), err
}
