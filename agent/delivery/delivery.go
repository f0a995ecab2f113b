// Package delivery takes reports from the spool to the collector.
//
// One batch is in flight at a time. A batch leaves the spool only when the
// collector's acknowledgement says that it is durable there; an acknowledgement
// that was lost means that the same batch goes out again, which has no second
// effect. What fails is tried again after a pause that grows, with jitter, or
// after the pause that the collector asked for.
// The package may import proto/, agent/spool, agent/identity and agent/road only.
package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/identity"
	"github.com/farmhound-security/farmhound/agent/spool"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	maxReports  = 256 // the contract's bound on a batch
	maxBytes    = 1 << 20
	callTimeout = 45 * time.Second
)

// Queue is where reports wait; *spool.Spool is one.
type Queue interface {
	Peek(maxReports, maxBytes int) (*spool.Batch, error)
	Commit(bootID string, sequence uint64, nonce []byte) (removed int, err error)
	Drop(bootID string, sequence uint64) (dropped int, err error)
	Changed() <-chan struct{}
}

// Collector takes batches; the contract's IngestServiceClient is one.
type Collector interface {
	Report(context.Context, *farmhoundv1.ReportBatch, ...grpc.CallOption) (*farmhoundv1.ReportAck, error)
}

// Deliverer takes batches from a queue to a collector. Its fields are set before
// Run and not changed afterwards.
type Deliverer struct {
	Queue     Queue
	Collector Collector
	// Acknowledged is called after each acknowledgement, when the spool has
	// forgotten what it names. Nil is allowed.
	Acknowledged func(*farmhoundv1.ReportAck)
	// TrustedCAs returns the digests of the CAs by which the collector is known, which
	// it is told. Nil tells nothing.
	TrustedCAs func() [][]byte
	// Failed is called with every failure, in words; Acknowledged follows when it
	// has passed. Nil is allowed.
	Failed func(error)
	// Hold returns how long reports may wait of which the queue gives no signal: they
	// go along with the next that it does, or together. Nil holds none of them for
	// longer than a minute.
	Hold func() time.Duration
	// Wake ends a pause early. Nil is allowed.
	Wake <-chan struct{}
	// Random draws the jitter, 0 to 1. Nil means the runtime's generator.
	Random func() float64
	// Log is where deliveries are logged. Nil means slog.Default().
	Log *slog.Logger

	backoff *Backoff
	// reports bounds the next batch; it shrinks to find a report that the
	// collector cannot take.
	reports int
	// unsettled is how many reports went out in a batch that nobody answered: they
	// may be committed, and go out again as that very batch, so that the collector
	// can tell a redelivery from a second laptop with the same key.
	unsettled int
	// failing is the kind of failure that was logged last, empty when delivery
	// works: a row of the same failures is said once.
	failing string
}

// Run delivers until ctx is done and returns its error.
func (d *Deliverer) Run(ctx context.Context) error {
	if d.Random == nil {
		d.Random = rand.Float64
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	d.backoff, d.reports = NewBackoff(d.Random), maxReports
	for {
		more, err := d.deliver(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			err = d.pause(ctx, d.fail(ctx, err))
		case !more:
			err = d.wait(ctx)
		}
		if err != nil {
			return err
		}
	}
}

func (d *Deliverer) pause(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-d.Wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait returns when reports may wait.
func (d *Deliverer) wait(ctx context.Context) error {
	hold := time.Minute
	if d.Hold != nil {
		hold = d.Hold()
	}
	timer := time.NewTimer(hold)
	defer timer.Stop()
	select {
	case <-d.Queue.Changed():
		return nil
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deliver sends the oldest batch and applies the acknowledgement. It reports
// whether there was one.
func (d *Deliverer) deliver(ctx context.Context) (bool, error) {
	most := d.reports
	if d.unsettled > 0 {
		most = min(most, d.unsettled)
	}
	waiting, err := d.Queue.Peek(most, maxBytes)
	if err != nil || waiting == nil {
		return false, err
	}
	batch, err := unpack(waiting)
	if err != nil {
		return true, d.drop(ctx, waiting, err)
	}
	if d.TrustedCAs != nil {
		batch.TrustedCas = d.TrustedCAs()
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ack, err := d.Collector.Report(call, batch, grpc.UseCompressor(gzip.Name))
	d.unsettled = 0
	switch size := refusedSize(err); {
	case status.Code(err) == codes.InvalidArgument, size == tooLarge:
		return true, d.isolate(ctx, waiting, err)
	case size == perhapsTooLarge:
		// Nothing of it was taken. Fewer are tried after the pause; one alone is never
		// dropped for this.
		d.reports = max(len(waiting.Payloads)/2, 1)
		return true, err
	case err != nil:
		d.unsettled = len(batch.GetReports())
		return true, err
	}
	return true, d.apply(ctx, waiting, ack)
}

// apply takes out of the spool what the acknowledgement covers: never more than
// was sent, and only of the boot id that was sent.
func (d *Deliverer) apply(ctx context.Context, sent *spool.Batch, ack *farmhoundv1.ReportAck) error {
	if ack.GetBootId() != sent.BootID {
		return errors.New("the collector acknowledged another run of the agent than was sent")
	}
	removed, err := d.Queue.Commit(sent.BootID, min(ack.GetSequence(), sent.Last()), ack.GetNextNonce())
	if err != nil {
		return err
	}
	if removed == 0 {
		return fmt.Errorf("the collector acknowledged nothing of what was sent (up to %d of %d)", ack.GetSequence(), sent.Last())
	}
	if d.failing != "" {
		d.Log.InfoContext(ctx, "delivery works again")
	}
	d.failing = ""
	d.backoff.Reset()
	d.reports = min(d.reports*2, maxReports)
	d.Log.DebugContext(ctx, "reports delivered", "reports", removed)
	if d.Acknowledged != nil {
		d.Acknowledged(ack)
	}
	return nil
}

// isolate answers a collector that can never take a batch as it is: half of it is
// tried next, and a single report that is refused is dropped and counted, so that
// it does not hold up the others for ever.
func (d *Deliverer) isolate(ctx context.Context, refused *spool.Batch, cause error) error {
	if len(refused.Payloads) > 1 {
		d.reports = len(refused.Payloads) / 2
		return nil
	}
	return d.drop(ctx, refused, identity.Explain("report", cause))
}

// drop removes the first report of a batch, for good.
func (d *Deliverer) drop(ctx context.Context, batch *spool.Batch, cause error) error {
	d.Log.ErrorContext(ctx, "a report can never be taken, is dropped and counted",
		"boot_id", batch.BootID, "sequence", batch.Sequences[0], "cause", cause)
	_, err := d.Queue.Drop(batch.BootID, batch.Sequences[0])
	return err
}

// fail logs a failure, the first of a row only, and returns how long to pause.
func (d *Deliverer) fail(ctx context.Context, err error) time.Duration {
	explained := identity.Explain("delivery of reports", err)
	if d.Failed != nil {
		d.Failed(explained)
	}
	kind := fmt.Sprint(status.Code(err), identity.Refused(explained))
	if d.failing != kind {
		d.failing = kind
		d.Log.WarnContext(ctx, "reports stay in the spool until they can be delivered", "cause", explained)
	}
	if identity.Refused(explained) {
		return d.backoff.Refused()
	}
	return d.backoff.Next(err)
}

// unpack reads the reports of a batch. The first one that cannot be read ends the
// batch before it; if that is the very first, it is the error.
func unpack(waiting *spool.Batch) (*farmhoundv1.ReportBatch, error) {
	batch := &farmhoundv1.ReportBatch{Nonce: waiting.Nonce}
	for i, payload := range waiting.Payloads {
		report := new(farmhoundv1.Report)
		if err := proto.Unmarshal(payload, report); err != nil {
			if i == 0 {
				return nil, fmt.Errorf("read report from spool: %w", err)
			}
			waiting.Sequences, waiting.Payloads = waiting.Sequences[:i], waiting.Payloads[:i]
			break
		}
		batch.Reports = append(batch.Reports, report)
	}
	return batch, nil
}
