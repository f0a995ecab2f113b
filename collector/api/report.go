package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// Committer makes reports durable; package ingest has one.
type Committer interface {
	// Report commits a batch of one device and one boot id, oldest first, that came
	// with a nonce, and returns the highest sequence committed for that boot and the
	// nonce for the next batch. A nil error means it survives a crash.
	Report(ctx context.Context, nonce []byte, batch []fleet.Observation) (sequence uint64, next []byte, err error)
}

// ingest takes what laptops observed.
type ingest struct {
	farmhoundv1.UnimplementedIngestServiceServer

	*door
	commit Committer
	policy func() *farmhoundv1.Policy
	// clock is the collector's, which may be an injected one; see Config.Now.
	clock  func() time.Time
	egress Egress // nil where nobody answers
	// neighbours is Config.Neighbours.
	neighbours func(device string) []byte
	// foreign counts batches with answers of other laptops.
	foreign *tally

	batchRules, catalogRules *fieldrules.Validator
	catalog                  func() SignedCatalog
}

// Report commits a batch and acknowledges it.
func (i *ingest) Report(ctx context.Context, batch *farmhoundv1.ReportBatch) (*farmhoundv1.ReportAck, error) {
	v, err := visitorOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := i.check(batch); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "the batch is not valid: %v", err)
	}
	received, conn := i.clock(), connectionOf(ctx)
	millis, segment := roundTrip(conn.direct)
	returned := conn.line.called(v.identity.Device)
	var foreign uint64
	observations := make([]fleet.Observation, len(batch.GetReports()))
	for n, report := range batch.GetReports() {
		paths, others := i.paths(v.identity.Device, report, received)
		foreign += others
		observations[n] = fleet.Observation{
			Device: v.identity.Device, Serial: v.identity.Serial, EnrolledAt: v.identity.EnrolledAt,
			SupersededBy: v.identity.SupersededBy, SupersededAt: v.identity.SupersededAt,
			ReceivedAt: received, Peer: conn.address, PeerRTTMillis: millis, PeerMSS: segment,
			Returned: returned && n == 0,
			Paths:    paths,
			Report:   report,
		}
	}
	i.sayForeign(ctx, v.identity.Device, foreign)
	sequence, next, err := i.commit.Report(ctx, batch.GetNonce(), observations)
	if err != nil {
		// A committer that knows better how the agent should take it says so.
		if _, ok := status.FromError(err); ok {
			return nil, err
		}
		return nil, i.unavailable(ctx, "store the reports", err)
	}
	policy, err := i.trust(ctx, v, batch.GetTrustedCas())
	if err != nil {
		return nil, err
	}
	ack := &farmhoundv1.ReportAck{
		BootId: batch.GetReports()[0].GetBootId(), Sequence: sequence,
		NextNonce: next, Policy: policy, CollectorTime: timestamppb.New(received),
	}
	if i.neighbours != nil {
		ack.NeighbourCandidates = i.neighbours(v.identity.Device)
	}
	if i.egress != nil {
		ack.Egress = i.egress.Responder(v.identity.Device)
	}
	return ack, nil
}

// check holds a batch to the schema's rules and to what the schema says in words.
func (i *ingest) check(batch *farmhoundv1.ReportBatch) error {
	if err := i.batchRules.Validate(batch); err != nil {
		return err
	}
	reports := batch.GetReports()
	if len(reports) == 0 {
		return errors.New("reports: there is none")
	}
	var previous uint64
	for n, report := range reports {
		switch {
		case report.GetBootId() != reports[0].GetBootId():
			return fmt.Errorf("reports[%d].boot_id: another than the first report's; a batch is of one", n)
		case report.GetSequence() <= previous:
			return fmt.Errorf("reports[%d].sequence: %d after %d; they count from 1, oldest first", n, report.GetSequence(), previous)
		case report.GetSequence() > math.MaxInt64:
			return fmt.Errorf("reports[%d].sequence: beyond what stores can hold", n)
		}
		previous = report.GetSequence()
	}
	return nil
}

// Catalog returns the catalogue that agents are to use, if its digest is asked for.
func (i *ingest) Catalog(_ context.Context, request *farmhoundv1.CatalogRequest) (*farmhoundv1.CatalogResponse, error) {
	if err := i.catalogRules.Validate(request); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "the request is not valid: %v", err)
	}
	served := i.catalog()
	if served.Encoded == nil {
		served.Encoded = catalog.BuiltInBytes()
	}
	if request.GetDigest() != catalog.Digest(served.Encoded) {
		return nil, status.Errorf(codes.NotFound, "there is no catalogue with the digest %s", request.GetDigest())
	}
	return &farmhoundv1.CatalogResponse{Catalog: served.Encoded, Signature: served.Signature, PublicKey: served.PublicKey}, nil
}
