package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/alert"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Bounds of what one call may ask for.
const (
	defaultRows = 1000
	maxRows     = 10000
	maxName     = 128
)

// Caller is who asks: a token. Two may have one name.
type Caller struct {
	ID   string
	Name string
	Role string // viewer, analyst or admin
}

// entry is what the audit log says of something that the caller did.
func (who Caller) entry(at time.Time, action, object, detail string) store.AuditEntry {
	return store.AuditEntry{At: at, Actor: fmt.Sprintf("%s (token %s)", who.Name, who.ID), Action: action, Object: object, Detail: detail}
}

// FleetStore is what answering analysts needs of the store.
type FleetStore interface {
	store.Fleet
	store.History
	Identity(ctx context.Context, device string) (store.Identity, error)
	Audit(ctx context.Context, e store.AuditEntry) error
}

// Fleet answers analysts from the store.
type Fleet struct {
	fleetv1.UnimplementedFleetServiceServer

	// Store holds what is known.
	Store FleetStore
	// Authenticate names the caller, or returns a gRPC status.
	Authenticate func(ctx context.Context) (Caller, error)
	// Exclusive runs fn while no report of the device is being judged, so that an
	// analyst's decision and a new verdict never overwrite each other.
	Exclusive func(ctx context.Context, device string, fn func(context.Context) error) error
	// Finding renders an alert for the outbox.
	Finding func(a *fleetv1.Alert, dev *fleetv1.Device, transition string, now time.Time) ([]byte, error)
	// FindingKey names the event, so that receivers recognise a repeat.
	FindingKey func(a *fleetv1.Alert, transition string) string
	// Derive returns the picture that signals and analysts see.
	Derive func(d *store.Device) *fleetv1.Device
	// Suppose weighs a device as it is and as a request supposes. Its error is of the gRPC
	// code InvalidArgument where something cannot be supposed.
	Suppose func(d *store.Device, req *fleetv1.WhatIfRequest) (*fleetv1.WhatIfResponse, error)
	// Standing returns a stored assessment as of when it was last found to stand.
	Standing func(a *fleetv1.Assessment) *fleetv1.Assessment
	// Reproduce judges a past verdict again: what comes of it, nil where it cannot be
	// done, and whether that is what was concluded.
	Reproduce func(ctx context.Context, v *store.Verdict) (*fleetv1.Assessment, *fleetv1.Reproduction, error)
	// Sites tells where laptops are kept together.
	Sites Sites
	// Doubts is what the last look for lines that many laptops contradict found; nil for nothing.
	Doubts func() *fleetv1.CheckRosterResponse
	// Now is the collector's clock.
	Now func() time.Time
	// Version is the collector's.
	Version string
	Log     *slog.Logger
}

// WhoAmI names the token's role.
func (f *Fleet) WhoAmI(ctx context.Context, _ *fleetv1.WhoAmIRequest) (*fleetv1.WhoAmIResponse, error) {
	who, err := f.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	return &fleetv1.WhoAmIResponse{Name: who.Name, Role: who.Role, CollectorVersion: f.Version}, nil
}

// ListDevices lists devices, riskiest first. It names people, so that it is audited.
func (f *Fleet) ListDevices(ctx context.Context, req *fleetv1.ListDevicesRequest) (*fleetv1.ListDevicesResponse, error) {
	who, err := f.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range req.GetVerdicts() {
		if alert.Rank(v) < 0 {
			return nil, status.Errorf(codes.InvalidArgument, "there is no verdict %q; there are clear, watch, likely and near_certain", clip(v))
		}
	}
	if len(req.GetPrefix()) > maxName {
		return nil, status.Errorf(codes.InvalidArgument, "the prefix is longer than %d bytes", maxName)
	}
	rows, next, err := f.Store.Devices(ctx, store.DeviceFilter{
		Verdicts: req.GetVerdicts(), Prefix: req.GetPrefix(), Limit: rowLimit(req.GetPageSize()), After: req.GetPageToken(),
	})
	if err != nil {
		return nil, f.fail(ctx, "list devices", err)
	}
	detail := fmt.Sprintf("%d rows, verdicts %q, prefix %q", len(rows), req.GetVerdicts(), req.GetPrefix())
	if err := f.audit(ctx, who, "devices.list", "", detail); err != nil {
		return nil, err
	}
	answer := &fleetv1.ListDevicesResponse{Devices: rows, NextPageToken: next}
	if req.GetPageToken() == "" && f.Doubts != nil {
		for _, d := range f.Doubts().GetDoubts() {
			answer.Doubts = append(answer.Doubts, d.GetSentence())
		}
	}
	return answer, nil
}

// GetDevice returns the whole picture of one device. Reading it is audited.
func (f *Fleet) GetDevice(ctx context.Context, req *fleetv1.GetDeviceRequest) (*fleetv1.GetDeviceResponse, error) {
	dev, err := f.read(ctx, req.GetDevice(), "device.read")
	if err != nil {
		return nil, err
	}
	derived := f.Derive(dev)
	return &fleetv1.GetDeviceResponse{
		Summary: dev.Summary, Device: derived, Assessment: f.Standing(dev.Judgement.GetAssessment()), Doubts: f.doubtsOf(derived.GetPerson()),
	}, nil
}

// doubtsOf are sentences on what is said of a person and contradicted by many laptops, so
// that a conclusion may rest on a mistake in it.
func (f *Fleet) doubtsOf(p *fleetv1.Person) []string {
	if f.Doubts == nil {
		return nil
	}
	var all []string
	for _, d := range f.Doubts().GetDoubts() {
		column, value, _ := strings.Cut(d.GetLine(), " ")
		said := map[string]string{"country": p.GetCountry(), "region": p.GetCountry() + "-" + p.GetRegion(), "ship_to": p.GetShipTo(), "time_zone": p.GetTimeZone()}
		if is, personal := said[column]; !personal || is == value {
			all = append(all, d.GetSentence())
		}
	}
	return all
}

// GetTimeline returns what happened on one device. Reading it is audited.
func (f *Fleet) GetTimeline(ctx context.Context, req *fleetv1.GetTimelineRequest) (*fleetv1.GetTimelineResponse, error) {
	dev, err := f.read(ctx, req.GetDevice(), "timeline.read")
	if err != nil {
		return nil, err
	}
	var since time.Time
	if req.GetSince() != nil {
		if err := req.GetSince().CheckValid(); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "since is no time: %v", err)
		}
		since = req.GetSince().AsTime()
	}
	events, err := f.Store.Timeline(ctx, dev.Summary.GetId(), since, rowLimit(req.GetLimit()))
	if err != nil {
		return nil, f.fail(ctx, "read the timeline", err)
	}
	identity, err := f.Store.Identity(ctx, dev.Summary.GetId())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, f.fail(ctx, "read the identity", err)
	}
	return &fleetv1.GetTimelineResponse{Events: withLinks(events, identity, since, rowLimit(req.GetLimit()))}, nil
}

// ListAlerts lists alerts, newest first; without states, those not closed. They
// name people, so that it is audited.
func (f *Fleet) ListAlerts(ctx context.Context, req *fleetv1.ListAlertsRequest) (*fleetv1.ListAlertsResponse, error) {
	who, err := f.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	states := req.GetStates()
	known := []string{alert.StateOpen, alert.StateAcknowledged, alert.StateClosed}
	for _, s := range states {
		if !slices.Contains(known, s) {
			return nil, status.Errorf(codes.InvalidArgument, "there is no alert state %q; there are open, acknowledged and closed", clip(s))
		}
	}
	if len(states) == 0 {
		states = []string{alert.StateOpen, alert.StateAcknowledged}
	}
	filter := store.AlertFilter{States: states, Limit: rowLimit(req.GetLimit())}
	if req.GetDevice() != "" {
		dev, err := f.find(ctx, req.GetDevice())
		if err != nil {
			return nil, err
		}
		filter.Device = dev.Summary.GetId()
	}
	alerts, err := f.Store.Alerts(ctx, filter)
	if err != nil {
		return nil, f.fail(ctx, "list alerts", err)
	}
	detail := fmt.Sprintf("%d rows, states %q", len(alerts), states)
	if err := f.audit(ctx, who, "alerts.list", filter.Device, detail); err != nil {
		return nil, err
	}
	return &fleetv1.ListAlertsResponse{Alerts: alerts}, nil
}

// UpdateAlert acknowledges or closes an alert; the SIEM is told in the same commit.
func (f *Fleet) UpdateAlert(ctx context.Context, req *fleetv1.UpdateAlertRequest) (*fleetv1.UpdateAlertResponse, error) {
	who, err := f.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	if who.Role != "analyst" && who.Role != "admin" {
		return nil, status.Errorf(codes.PermissionDenied, "token %q is a %s's; changing alerts needs an analyst's or an admin's", who.Name, who.Role)
	}
	current, err := f.Store.Alert(ctx, req.GetId())
	if err != nil {
		return nil, f.fail(ctx, fmt.Sprintf("alert %q", clip(req.GetId())), err)
	}
	var changed *fleetv1.Alert
	err = f.Exclusive(ctx, current.GetDevice(), func(ctx context.Context) error {
		changed, err = f.decide(ctx, who, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &fleetv1.UpdateAlertResponse{Alert: changed}, nil
}

func (f *Fleet) decide(ctx context.Context, who Caller, req *fleetv1.UpdateAlertRequest) (*fleetv1.Alert, error) {
	current, err := f.Store.Alert(ctx, req.GetId())
	if err != nil {
		return nil, f.fail(ctx, "read the alert", err)
	}
	now := f.Now()
	next, transition, err := alert.Update(current, req.GetState(), req.GetReason(), req.GetNote(), who.Name, now)
	if err != nil {
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	}
	dev, err := f.Store.Device(ctx, next.GetDevice())
	if err != nil {
		return nil, f.fail(ctx, "read the alert's device", err)
	}
	body, err := f.Finding(next, f.Derive(dev), string(transition), now)
	if err != nil {
		return nil, f.fail(ctx, "render the finding", err)
	}
	summary := fmt.Sprintf("Alert %s %s by %s.", next.GetId(), transition, who.Name)
	if next.GetReason() != "" {
		summary = fmt.Sprintf("Alert %s closed by %s: %s.", next.GetId(), who.Name, next.GetReason())
	}
	err = f.Store.Commit(ctx, []store.Change{{
		Alerts: []*fleetv1.Alert{next},
		Events: []*fleetv1.Event{{At: timestamppb.New(now), Kind: "alert_" + string(transition), Summary: summary}},
		Outbox: []store.OutboxRow{{Key: f.FindingKey(next, string(transition)), Device: next.GetDevice(), Body: body, CreatedAt: now}},
		Device: dev,
		Audit:  []store.AuditEntry{who.entry(now, "alert."+string(transition), next.GetId(), next.GetReason())},
	}})
	if err != nil {
		return nil, f.fail(ctx, "store the decision", err)
	}
	return next, nil
}

// read finds a device and records who looked at it.
func (f *Fleet) read(ctx context.Context, name, action string) (*store.Device, error) {
	who, err := f.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	dev, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return dev, f.audit(ctx, who, action, dev.Summary.GetId(), "")
}

func (f *Fleet) find(ctx context.Context, name string) (*store.Device, error) {
	if name == "" || len(name) > maxName {
		return nil, status.Errorf(codes.InvalidArgument, "name a device by its id, a unique prefix of it, or its serial (at most %d bytes)", maxName)
	}
	dev, err := f.Store.FindDevice(ctx, name)
	if err != nil {
		return nil, f.fail(ctx, fmt.Sprintf("device %q", clip(name)), err)
	}
	return dev, nil
}

func (f *Fleet) audit(ctx context.Context, who Caller, action, object, detail string) error {
	if err := f.Store.Audit(ctx, who.entry(f.Now(), action, object, detail)); err != nil {
		// Nobody reads a person's data unrecorded.
		return f.fail(ctx, "write the audit log", err)
	}
	return nil
}

// fail turns a store's error into what the caller may know of it.
func (f *Fleet) fail(ctx context.Context, what string, err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return status.Errorf(codes.NotFound, "%s: not found", what)
	case errors.Is(err, store.ErrAmbiguous):
		return status.Errorf(codes.FailedPrecondition, "%s names more than one device; give more of the id", what)
	case errors.Is(err, store.ErrConflict):
		return status.Errorf(codes.Aborted, "%s: it changed meanwhile; ask again", what)
	case errors.Is(err, store.ErrPage):
		return status.Errorf(codes.InvalidArgument, "%s: %s; begin again without one", what, store.ErrPage)
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	f.Log.ErrorContext(ctx, "a call of the fleet service failed", "doing", what, "error", err)
	return status.Errorf(codes.Internal, "%s failed; the collector's log says why", what)
}

func rowLimit(asked uint32) int {
	if asked == 0 {
		return defaultRows
	}
	return int(min(asked, maxRows))
}

func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
