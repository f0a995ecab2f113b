package api_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/alert"
	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// deaf is a store whose audit log cannot be written.
type deaf struct{ *sqlite.Store }

func (deaf) Audit(context.Context, store.AuditEntry) error { return errors.New("no room") }

// watched is a fleet service over a store with one device and its open alert,
// asked by one of two tokens with one name.
func watched(t *testing.T) (*api.Fleet, *sqlite.Store) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	must(t, s.Commit(t.Context(), []store.Change{{
		Device: &store.Device{
			Summary: &fleetv1.DeviceSummary{Id: "d1", Serial: "S1", Verdict: "likely"}, Picture: &fleetv1.Picture{Id: "d1"}, Judgement: &fleetv1.Judgement{},
		},
		Alerts: []*fleetv1.Alert{{Id: "a1", Device: "d1", State: alert.StateOpen, OpenedAt: timestamppb.New(received)}},
	}}))
	return &api.Fleet{
		Store: s,
		Authenticate: func(context.Context) (api.Caller, error) {
			return api.Caller{ID: "t7", Name: "ann", Role: "analyst"}, nil
		},
		Exclusive:  func(ctx context.Context, _ string, fn func(context.Context) error) error { return fn(ctx) },
		Finding:    func(*fleetv1.Alert, *fleetv1.Device, string, time.Time) ([]byte, error) { return []byte("{}"), nil },
		FindingKey: func(a *fleetv1.Alert, transition string) string { return a.GetId() + transition },
		Standing:   func(a *fleetv1.Assessment) *fleetv1.Assessment { return a },
		Derive:     func(*store.Device) *fleetv1.Device { return &fleetv1.Device{} },
		Suppose: func(_ *store.Device, req *fleetv1.WhatIfRequest) (*fleetv1.WhatIfResponse, error) {
			if len(req.GetSet()) > 0 {
				return nil, status.Error(codes.InvalidArgument, "there is no field x")
			}
			if len(req.GetWithout()) > 0 {
				return nil, errors.New("the rules are gone")
			}
			return &fleetv1.WhatIfResponse{Device: "d1"}, nil
		},
		Now: func() time.Time { return received },
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}, s
}

func TestWhoLooksIsRecorded(t *testing.T) {
	t.Parallel()
	f, s := watched(t)
	ctx := t.Context()
	_, err := f.ListDevices(ctx, &fleetv1.ListDevicesRequest{Verdicts: []string{"likely"}, Prefix: "S"})
	must(t, err)
	_, err = f.ListAlerts(ctx, &fleetv1.ListAlertsRequest{Device: "S1"})
	must(t, err)
	_, err = f.GetDevice(ctx, &fleetv1.GetDeviceRequest{Device: "S1"})
	must(t, err)
	_, err = f.UpdateAlert(ctx, &fleetv1.UpdateAlertRequest{Id: "a1", State: alert.StateAcknowledged})
	must(t, err)
	_, err = f.WhatIf(ctx, &fleetv1.WhatIfRequest{Device: "S1", WithApproved: []string{"anydesk"}})
	must(t, err)
	log, err := s.AuditLog(ctx, time.Time{}, 10)
	must(t, err)
	var got []string
	for _, e := range log {
		got = append(got, e.Actor+": "+e.Action+" "+e.Object+" "+e.Detail)
	}
	want := []string{
		`ann (token t7): devices.list  1 rows, verdicts ["likely"], prefix "S"`,
		`ann (token t7): alerts.list d1 1 rows, states ["open" "acknowledged"]`,
		"ann (token t7): device.read d1 ",
		"ann (token t7): alert.acknowledged a1 ",
		`ann (token t7): device.what_if d1 without "", approved "anydesk", set ""`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nobody reads unrecorded; what is decided is recorded by the commit that decides it.
func TestAnAuditLogThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	f, s := watched(t)
	f.Store = deaf{s}
	ctx := t.Context()
	devices, err := f.ListDevices(ctx, &fleetv1.ListDevicesRequest{})
	refused(t, err, codes.Internal, "audit")
	alerts, err := f.ListAlerts(ctx, &fleetv1.ListAlertsRequest{})
	refused(t, err, codes.Internal, "audit")
	if devices != nil || alerts != nil {
		t.Error("rows were shown unrecorded")
	}
	_, err = f.UpdateAlert(ctx, &fleetv1.UpdateAlertRequest{Id: "a1", State: alert.StateClosed, Reason: alert.Reasons[0]})
	must(t, err)
	log, err := s.AuditLog(ctx, time.Time{}, 10)
	must(t, err)
	if len(log) != 1 || log[0].Action != "alert.closed" || log[0].Detail != alert.Reasons[0] {
		t.Errorf("audit log %v, want the decision", log)
	}
}

func TestListsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	f, _ := watched(t)
	ctx := t.Context()
	_, err := f.ListDevices(ctx, &fleetv1.ListDevicesRequest{PageToken: "nonsense"})
	refused(t, err, codes.InvalidArgument, "the page token is not one of ours")
	_, err = f.ListDevices(ctx, &fleetv1.ListDevicesRequest{Verdicts: []string{"bad"}})
	refused(t, err, codes.InvalidArgument, `there is no verdict "bad"; there are clear, watch, likely and near_certain`)
	_, err = f.ListAlerts(ctx, &fleetv1.ListAlertsRequest{States: []string{"closd"}})
	refused(t, err, codes.InvalidArgument, `there is no alert state "closd"; there are open, acknowledged and closed`)
}
