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

// judgeReports applies reports one after another, each to what the one before
// made of the device, and returns one change for all of them and the standing
// that it leads to.
func (p *Pipeline) judgeReports(ctx context.Context, before standing, reports []fleet.Observation) (store.Change, standing, error) {
	var (
		merged store.Change
		after  = before
	)
	for _, o := range reports {
		if o.ReceivedAt.IsZero() {
			o.ReceivedAt = p.now()
		}
		change, err := p.guard(ctx, o.Device, func() (store.Change, error) { return p.judge.Report(after.device, after.open, o) })
		if err == nil && change.Device == nil {
			err = errors.New("the judge returned no device")
		}
		if err != nil {
			return store.Change{}, standing{}, fmt.Errorf("judge report %d of device %s: %w", o.Report.GetSequence(), o.Device, err)
		}
		change.Device = counted(change.Device, after.device, 1)
		row, err := reportRow(o)
		if err != nil {
			return store.Change{}, standing{}, err
		}
		merged.Reports = append(merged.Reports, row)
		merge(&merged, change)
		after.device, after.open, after.highest = change.Device, openAfter(after.open, change.Alerts), row.Sequence
	}
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

// merge adds a later change of the same device to an earlier one.
func merge(into *store.Change, c store.Change) {
	into.Device = c.Device
	into.Events = append(into.Events, c.Events...)
	into.Outbox = append(into.Outbox, c.Outbox...)
	for _, a := range c.Alerts {
		if i := slices.IndexFunc(into.Alerts, func(b *fleetv1.Alert) bool { return b.GetId() == a.GetId() }); i >= 0 {
			into.Alerts[i] = a
		} else {
			into.Alerts = append(into.Alerts, a)
		}
	}
	// A store lets a device have one alert that is not closed at any moment of the
	// transaction, so closing comes first.
	slices.SortStableFunc(into.Alerts, func(a, b *fleetv1.Alert) int { return standingRank(a) - standingRank(b) })
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
