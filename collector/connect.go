package collector

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/store"
)

// busyRetry is after what time a laptop that was turned away may come again.
const busyRetry = 10 * time.Second

// commit lets the API speak to the pipeline: it says what its refusals mean to an agent.
type commit struct{ *ingest.Pipeline }

// Report commits a batch.
func (c commit) Report(ctx context.Context, nonce []byte, batch []fleet.Observation) (uint64, []byte, error) {
	receipt, err := c.Pipeline.Report(ctx, nonce, batch)
	switch {
	case errors.Is(err, ingest.ErrBusy):
		return 0, nil, retryLater(codes.ResourceExhausted, "the collector has more reports waiting than it lets in; come again later")
	case errors.Is(err, ingest.ErrStopped):
		return 0, nil, retryLater(codes.Unavailable, "the collector is stopping")
	case errors.Is(err, ingest.ErrBatch):
		return 0, nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return receipt.Sequence, receipt.Nonce, err
}

func retryLater(code codes.Code, why string) error {
	s, err := status.New(code, why).WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(busyRetry)})
	if err != nil {
		return status.Error(code, why)
	}
	return s.Err()
}

// notifying tells when a commit put something into the outbox.
type notifying struct {
	store.Store
	wake func()
}

// Commit commits and wakes the outputs.
func (n notifying) Commit(ctx context.Context, changes []store.Change) error {
	if err := n.Store.Commit(ctx, changes); err != nil {
		return err
	}
	if slices.ContainsFunc(changes, func(c store.Change) bool { return len(c.Outbox) > 0 }) {
		n.wake()
	}
	return nil
}
