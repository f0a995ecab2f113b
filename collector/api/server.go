package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // reports arrive compressed
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// Bounds of what a peer can make the server hold.
const (
	maxMessage     = 4 << 20 // bytes, after decompression
	maxHeaders     = 16 << 10
	window         = 256 << 10 // what may be under way before a call has been read
	maxCalls       = 64        // at a time on one connection
	connectTimeout = 20 * time.Second
	// drainTime is how long calls under way may take when the server stops.
	drainTime = 15 * time.Second
)

// SignedCatalog is a catalogue as the company signed it.
type SignedCatalog struct {
	// Encoded is the catalogue, Signature over it, and PublicKey what agents pin.
	Encoded, Signature, PublicKey []byte
}

// Config is what the services need. All of it but the catalogue is required.
type Config struct {
	// TLS is the port's configuration: it verifies client certificates if given, and
	// lets an expired one of its own through.
	TLS *tls.Config
	// Authority issues certificates.
	Authority Authority
	// Hash is under what secrets and tokens are stored.
	Hash func(value string) []byte
	// Access knows secrets, tokens and identities.
	Access store.Access
	// Commit makes reports durable.
	Commit Committer
	// Policy returns what agents are to do, now.
	Policy func() *farmhoundv1.Policy
	// Catalog returns what agents are to look for, now; the zero value is what they bring
	// along, and so is a Catalog that is nil.
	Catalog func() SignedCatalog
	// Egress answers laptops that ask how they are seen; nil for nobody.
	Egress Egress
	// Neighbours returns how the hashes of the addresses begin by which a device can tell
	// other laptops among its neighbours, as acknowledgements carry them; nil for none.
	Neighbours func(device string) []byte
	// Fleet answers analysts. Its Authenticate is set here: callers are named at the door.
	Fleet *Fleet
	// Roster answers about the roster; nil for nobody.
	Roster *Roster
	// Now is the collector's clock, by which reports are received. Certificates,
	// secrets and tokens go by the wall clock whatever this says.
	Now func() time.Time
	Log *slog.Logger
}

// NewServer returns the server of every service. It serves through Serve.
func NewServer(c Config) (*grpc.Server, error) {
	if c.TLS == nil || c.Authority == nil || c.Hash == nil || c.Access == nil || c.Commit == nil ||
		c.Policy == nil || c.Fleet == nil || c.Now == nil || c.Log == nil {
		return nil, errors.New("set up the API: every field of its configuration is required")
	}
	if c.Catalog == nil {
		c.Catalog = func() SignedCatalog { return SignedCatalog{} }
	}
	door := &door{access: c.Access, authority: c.Authority, hash: c.Hash, now: time.Now, log: c.Log,
		allowance: newLimiter[string](reportRate, reportBurst, time.Now)}
	enrollment := &enrollment{
		door: door, policy: c.Policy, catalog: c.Catalog,
		limit: newLimiter[netip.Addr](enrollRate, enrollBurst, time.Now), floods: newTally(time.Minute, time.Now),
		secrets: newLimiter[string](secretRate, secretBurst, time.Now), refusals: newTally(time.Second, time.Now),
	}
	ingest := &ingest{door: door, commit: c.Commit, policy: c.Policy, clock: c.Now, egress: c.Egress, neighbours: c.Neighbours,
		foreign: newTally(time.Minute, time.Now), catalog: c.Catalog}
	for _, rules := range []struct {
		of   proto.Message
		into **fieldrules.Validator
	}{
		{&farmhoundv1.EnrollRequest{}, &enrollment.enrollRules},
		{&farmhoundv1.RenewRequest{}, &enrollment.renewRules},
		{&farmhoundv1.ReportBatch{}, &ingest.batchRules},
		{&farmhoundv1.CatalogRequest{}, &ingest.catalogRules},
	} {
		var err error
		if *rules.into, err = fieldrules.Compile(rules.of.ProtoReflect().Descriptor()); err != nil {
			return nil, fmt.Errorf("set up the API: %w", err)
		}
	}
	c.Fleet.Authenticate = callerOf

	server := grpc.NewServer(options(c, door)...)
	farmhoundv1.RegisterEnrollmentServiceServer(server, enrollment)
	farmhoundv1.RegisterIngestServiceServer(server, ingest)
	fleetv1.RegisterFleetServiceServer(server, c.Fleet)
	if c.Roster != nil {
		c.Roster.fleet = c.Fleet
		fleetv1.RegisterRosterServiceServer(server, c.Roster)
	}
	return server, nil
}

func options(c Config, door *door) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(newTransport(c.TLS, newTurns(time.Now), c.Log)),
		// The first is the outermost.
		grpc.ChainUnaryInterceptor(recoverer(c.Log), door.unary, readable),
		grpc.ChainStreamInterceptor(streamRecoverer(c.Log), door.stream),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.InTapHandle(newCrowd(c.Authority).enter),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxConcurrentStreams(maxCalls),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			// Agents call every half hour at least; who is silent for longer connects again.
			MaxConnectionIdle: 50 * time.Minute,
			// Lets balancers spread connections anew.
			MaxConnectionAge: 12 * time.Hour, MaxConnectionAgeGrace: time.Minute,
			Time: 40 * time.Minute, Timeout: 20 * time.Second,
		}),
		// A window of a fixed size: the library otherwise pings with every call to find a
		// better one, which costs a quiet laptop more than its reports.
		grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(window),
		// Agents ping every 20 s while a call waits.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second}),
		grpc.WaitForHandlers(true),
	}
}

// recoverer turns a panic into an error of the one call that caused it.
func recoverer(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (answer any, err error) {
		defer func() {
			if cause := recover(); cause != nil {
				log.ErrorContext(ctx, "a call panicked", "method", info.FullMethod, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				answer, err = nil, status.Error(codes.Internal, "the call failed inside the collector; its log says why")
			}
		}()
		return handle(ctx, request)
	}
}

// streamRecoverer is recoverer for methods that take more than one message.
func streamRecoverer(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				log.ErrorContext(stream.Context(), "a call panicked", "method", info.FullMethod, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				err = status.Error(codes.Internal, "the call failed inside the collector; its log says why")
			}
		}()
		return handle(service, stream)
	}
}

// Serve answers calls until ctx is done, then lets calls under way finish, for a
// while. It closes the listener.
func Serve(ctx context.Context, server *grpc.Server, listener net.Listener) error {
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		hurry := time.AfterFunc(drainTime, server.Stop)
		defer hurry.Stop()
		server.GracefulStop()
	})
	err := server.Serve(listener)
	if !stop() {
		<-drained
		return nil
	}
	server.Stop() // what was accepted before
	if err != nil {
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	}
	return nil
}
