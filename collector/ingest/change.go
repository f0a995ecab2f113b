package ingest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// judgeReports applies the reports of one delivery and returns the change for all of
// them and the standing that it leads to. What lies between is nobody's business: a
// device is judged once, with everything that is known.
func (p *Pipeline) judgeReports(ctx context.Context, before standing, reports []fleet.Observation) (store.Change, standing, error) {
	rows := make([]store.Report, len(reports))
	for i := range reports {
		o := &reports[i]
		if o.ReceivedAt.IsZero() {
			o.ReceivedAt = p.now()
		}
		var err error
		if rows[i], err = reportRow(*o); err != nil {
			return store.Change{}, standing{}, err
		}
	}
	device := reports[0].Device
	change, err := p.guard(ctx, device, func() (store.Change, error) { return p.judge.Report(before.device, before.open, reports) })
	if err == nil && change.Device == nil {
		err = errors.New("the judge returned no device")
	}
	if err != nil {
		return store.Change{}, standing{}, fmt.Errorf("judge reports %d to %d of device %s: %w",
			rows[0].Sequence, rows[len(rows)-1].Sequence, device, err)
	}
	merged := ordered(change)
	merged.Device, merged.Reports = counted(change.Device, before.device, uint64(len(rows))), rows
	after := before
	after.device, after.open, after.highest = merged.Device, openAfter(before.open, merged.Alerts), rows[len(rows)-1].Sequence
	return merged, after, nil
}

// guard turns a panic of the judge into an error: what devices send is hostile, and
// one that finds a way to make the judge panic must not take the collector along.
func (p *Pipeline) guard(ctx context.Context, device string, judge func() (store.Change, error)) (c store.Change, err error) {
	defer func() {
		if r := recover(); r != nil {
			p.log.ErrorContext(ctx, "the judge panicked", "device", device, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = errors.New("the judge panicked")
		}
	}()
	if c, err = judge(); err != nil {
		return store.Change{}, err
	}
	if c.Device != nil && c.Device.Summary.GetId() != device {
		return store.Change{}, fmt.Errorf("the judge returned the device %q instead", c.Device.Summary.GetId())
	}
	return c, nil
}

// counted returns the device with its summary's count of committed reports. Only
// the pipeline counts them, whatever the judge leaves in the field: it alone knows
// which are new.
func counted(d, before *store.Device, reports uint64) *store.Device {
	if before != nil {
		reports += before.Summary.GetReports()
	}
	summary := proto.CloneOf(d.Summary) // it may be the one before, which is not to change
	summary.Reports = reports
	return &store.Device{Summary: summary, Picture: d.Picture, Judgement: d.Judgement}
}

func reportRow(o fleet.Observation) (store.Report, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(o.Report)
	if err != nil {
		return store.Report{}, fmt.Errorf("encode report %d of device %s: %w", o.Report.GetSequence(), o.Device, err)
	}
	row := store.Report{
		Device:        o.Device,
		BootID:        o.Report.GetBootId(),
		Sequence:      o.Report.GetSequence(),
		ObservedAt:    o.Report.GetObservedAt().AsTime(),
		ReceivedAt:    o.ReceivedAt,
		PeerRTTMillis: o.PeerRTTMillis,
		Body:          body,
	}
	if o.Peer.IsValid() {
		row.Peer = o.Peer.String()
	}
	return row, nil
}

// ordered puts alerts into the order in which they can be stored: a store lets a
// device have one that is not closed at any moment of the transaction, so closing
// comes first.
func ordered(c store.Change) store.Change {
	slices.SortStableFunc(c.Alerts, func(a, b *fleetv1.Alert) int { return standingRank(a) - standingRank(b) })
	return c
}

const closed = "closed"

func standingRank(a *fleetv1.Alert) int {
	if a.GetState() == closed {
		return 0
	}
	return 1
}

// openAfter returns the alert that is not closed after alerts were stored.
func openAfter(open *fleetv1.Alert, alerts []*fleetv1.Alert) *fleetv1.Alert {
	for _, a := range alerts {
		switch {
		case a.GetState() != closed:
			open = a
		case a.GetId() == open.GetId():
			open = nil
		}
	}
	return open
}
