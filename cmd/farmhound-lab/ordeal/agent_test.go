package ordeal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/identity"
	"github.com/farmhound-security/farmhound/agent/spool"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// What an agent is told by its environment.
const (
	// agentHome is the folder of its state; set, it makes the test's binary an agent.
	agentHome    = "FARMHOUND_ORDEAL_HOME"
	agentName    = "FARMHOUND_ORDEAL_NAME"
	agentPace    = "FARMHOUND_ORDEAL_PACE" // the mean pause between reports; none are made where it is zero
	agentAddress = "FARMHOUND_ORDEAL_COLLECTOR"
	agentCA      = "FARMHOUND_ORDEAL_CA"
	agentSecret  = "FARMHOUND_ORDEAL_SECRET"
)

// victim is an agent from its start until it is killed. It says on standard output,
// a line each: what it is about to report ("try"), what its spool has taken ("kept")
// and what the collector told it ("told").
type victim struct {
	name string
	home string
	pace time.Duration

	identity *identity.Identity
	spool    *spool.Spool
	wake     chan struct{}
}

// beAgent is the main of an agent's process.
func beAgent() int {
	pace, err := time.ParseDuration(os.Getenv(agentPace))
	if err == nil {
		v := &victim{name: os.Getenv(agentName), home: os.Getenv(agentHome), pace: pace, wake: make(chan struct{}, 1)}
		err = v.run(context.Background())
	}
	fmt.Fprintln(os.Stderr, "agent:", err)
	return 1
}

func (v *victim) run(ctx context.Context) (err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	v.identity, err = identity.Open(filepath.Join(v.home, "identity"), identity.Trust{CAFile: os.Getenv(agentCA)})
	if err != nil {
		return err
	}
	if v.spool, err = spool.Open(filepath.Join(v.home, "spool"), spool.Options{Log: log}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.spool.Close()) }()
	fmt.Println("device", v.identity.DeviceID())

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	defer group.Wait()
	for _, part := range []func(context.Context) error{v.report, v.hurry, func(ctx context.Context) error { return v.deliver(ctx, log) }} {
		group.Go(func() { cancel(part(ctx)) })
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// report makes reports up and spools them.
func (v *victim) report(ctx context.Context) error {
	if v.pace == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	boot := hex.EncodeToString(id[:])
	for sequence := uint64(1); ; sequence++ {
		r := v.madeUp(boot, sequence)
		payload, err := proto.Marshal(r)
		if err != nil {
			return err
		}
		fmt.Println("try", boot, sequence, digest(r))
		if _, err := v.spool.Append(boot, sequence, payload, spool.Normal); err != nil {
			return err
		}
		fmt.Println("kept", boot, sequence)
		if err := delivery.Pause(ctx, time.Duration(mathrand.Int64N(2*int64(v.pace)))); err != nil {
			return err
		}
	}
}

// hurry ends the pauses of delivery, which are made for hours and not for tests.
func (v *victim) hurry(ctx context.Context) error {
	for delivery.Pause(ctx, 100*time.Millisecond) == nil {
		select {
		case v.wake <- struct{}{}:
		default:
		}
	}
	return ctx.Err()
}

func (v *victim) deliver(ctx context.Context, log *slog.Logger) error {
	for !v.identity.Enrolled() {
		if err := v.enroll(ctx); err != nil {
			log.WarnContext(ctx, "not enrolled yet", "cause", err)
			if err := delivery.Pause(ctx, 200*time.Millisecond); err != nil {
				return err
			}
		}
	}
	config, err := v.identity.ClientTLS()
	if err != nil {
		return err
	}
	connection, err := delivery.Connect(os.Getenv(agentAddress), config, nil)
	if err != nil {
		return err
	}
	defer connection.Close()
	d := &delivery.Deliverer{
		Queue: v.spool, Collector: overheard{farmhoundv1.NewIngestServiceClient(connection)}, Log: log, Wake: v.wake,
		// gRPC's own pauses before it connects again are made for hours too.
		Failed: func(error) { _ = connection.Renew() },
	}
	return d.Run(ctx)
}

func (v *victim) enroll(ctx context.Context) error {
	config, err := v.identity.ServerTLS()
	if err != nil {
		return err
	}
	connection, err := delivery.Connect(os.Getenv(agentAddress), config, nil)
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err = v.identity.Enroll(ctx, farmhoundv1.NewEnrollmentServiceClient(connection), os.Getenv(agentSecret),
		&farmhoundv1.System{Serial: v.name})
	return err
}

// overheard says what the collector answered before the agent acts on it.
type overheard struct{ delivery.Collector }

// Report makes the call.
func (o overheard) Report(ctx context.Context, batch *farmhoundv1.ReportBatch, options ...grpc.CallOption) (*farmhoundv1.ReportAck, error) {
	ack, err := o.Collector.Report(ctx, batch, options...)
	if err == nil {
		fmt.Println("told", ack.GetBootId(), ack.GetSequence())
	}
	return ack, err
}

// madeUp is a report of varying size: the first of a run says who it is, every
// one counts a window, and some name a tool.
func (v *victim) madeUp(boot string, sequence uint64) *farmhoundv1.Report {
	now := time.Now()
	r := &farmhoundv1.Report{
		BootId: boot, Sequence: sequence, ObservedAt: timestamppb.New(now),
		Windows: []*farmhoundv1.Window{{StartedAt: timestamppb.New(now.Add(-time.Minute)), Seconds: 60}},
	}
	if sequence == 1 {
		r.System = &farmhoundv1.System{Serial: v.name, Hostname: v.name}
		r.Health = &farmhoundv1.Health{AgentVersion: "ordeal"}
	}
	if n := mathrand.IntN(20); n < 6 {
		r.Software = &farmhoundv1.Software{}
		for i := range n {
			r.Software.Tools = append(r.Software.Tools, &farmhoundv1.Tool{Id: fmt.Sprint("tool-", i), Running: true})
		}
	}
	return r
}

// digest tells reports apart.
func digest(r *farmhoundv1.Report) string {
	wire, _ := proto.MarshalOptions{Deterministic: true}.Marshal(r) // empty, and another digest, if it cannot be
	sum := sha256.Sum256(wire)
	return hex.EncodeToString(sum[:8])
}
