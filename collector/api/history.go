package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// ListVerdicts returns what was concluded about one device. Reading it is audited.
func (f *Fleet) ListVerdicts(ctx context.Context, req *fleetv1.ListVerdictsRequest) (*fleetv1.ListVerdictsResponse, error) {
	dev, err := f.read(ctx, req.GetDevice(), "verdicts.read")
	if err != nil {
		return nil, err
	}
	since, err := given(req.GetSince(), "since")
	if err != nil {
		return nil, err
	}
	rows, err := f.Store.Verdicts(ctx, store.VerdictFilter{
		Device: dev.Summary.GetId(), Since: since, Changes: req.GetChangesOnly(), Limit: rowLimit(req.GetLimit()),
	})
	if err != nil {
		return nil, f.fail(ctx, "read the history of verdicts", err)
	}
	return &fleetv1.ListVerdictsResponse{Verdicts: rows}, nil
}

// GetVerdict judges a past verdict again from what is kept. Reading it is audited.
func (f *Fleet) GetVerdict(ctx context.Context, req *fleetv1.GetVerdictRequest) (*fleetv1.GetVerdictResponse, error) {
	dev, err := f.read(ctx, req.GetDevice(), "verdict.read")
	if err != nil {
		return nil, err
	}
	at, err := given(req.GetAt(), "at")
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		at = f.Now()
	}
	v, err := f.Store.Verdict(ctx, dev.Summary.GetId(), at, "")
	if errors.Is(err, store.ErrNotFound) {
		return nil, status.Errorf(codes.NotFound, "no verdict on this device from %s or before is kept", at.UTC().Format(time.RFC3339))
	}
	if err != nil {
		return nil, f.fail(ctx, "read a past verdict", err)
	}
	assessment, reproduction, err := f.Reproduce(ctx, &v)
	if err != nil {
		return nil, f.fail(ctx, "judge a past verdict again", err)
	}
	return &fleetv1.GetVerdictResponse{Verdict: v.Past, Assessment: assessment, Reproduction: reproduction}, nil
}

// given is a time of a request; zero where there is none.
func given(t *timestamppb.Timestamp, name string) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if err := t.CheckValid(); err != nil {
		return time.Time{}, status.Error(codes.InvalidArgument, fmt.Sprintf("%s is no time: %v", name, err))
	}
	return t.AsTime(), nil
}
