package api

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/farmhound-security/farmhound/collector/store"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Authority knows certificates; package pki has one.
type Authority interface {
	// Identify checks a certificate request (PKCS #10, DER) and returns the id of the
	// device whose key it is for. Its errors are fit for the device's eyes.
	Identify(csr []byte) (device string, err error)
	// Issue signs a certificate request and returns the chain in DER, leaf first.
	Issue(csr []byte) (chain [][]byte, err error)
	// Device returns the id of the device that a verified certificate is for.
	Device(certificate *x509.Certificate) (string, error)
	// Issuer returns the SHA-256, in hexadecimal, of the CA certificate that a verified
	// certificate is of.
	Issuer(certificate *x509.Certificate) string
	// Anchors returns the CA certificates by which the collector is to be known, DER.
	Anchors() [][]byte
}

// door admits callers: devices by certificate, analysts by token. A method it does
// not know admits nobody, and handlers take the caller from it alone, so that a
// check cannot be forgotten.
type door struct {
	access    store.Access
	authority Authority
	hash      func(string) []byte
	// now is the wall clock, which certificates and tokens go by.
	now func() time.Time
	// allowance bounds what one device delivers.
	allowance *limiter[string]
	log       *slog.Logger
}

// visitor is a device that was let in.
type visitor struct {
	identity    store.Identity
	certificate *x509.Certificate
}

type (
	visitorKey struct{}
	callerKey  struct{}
)

// troubleWait is after what time a caller may come again when the collector could
// not do its part, as on a full disk.
const troubleWait = 10 * time.Second

const (
	ingestMethods = "/farmhound.v1.IngestService/"
	fleetMethods  = "/farmhound.fleet.v1.FleetService/"
	rosterMethods = "/farmhound.fleet.v1.RosterService/"
)

func (d *door) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	admitted, err := d.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	if batch, ok := request.(*farmhoundv1.ReportBatch); ok {
		if err := d.charge(admitted, batch); err != nil {
			return nil, err
		}
	}
	return handle(admitted, request)
}

// stream admits callers of methods that take more than one message, which devices have
// none of.
func (d *door) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	admitted, err := d.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return handle(service, admittedStream{stream, admitted})
}

// admittedStream is a stream whose context names the caller.
type admittedStream struct {
	grpc.ServerStream

	admitted context.Context //nolint:containedctx // how the library hands a stream's context on
}

// Context names the caller.
func (s admittedStream) Context() context.Context { return s.admitted }

// charge counts a batch, valid or not, towards what its device may deliver.
func (d *door) charge(ctx context.Context, batch *farmhoundv1.ReportBatch) error {
	v, err := visitorOf(ctx)
	if err != nil {
		return err
	}
	cost := max(1, len(batch.GetReports()), proto.Size(batch)/reportSize)
	if wait := d.allowance.take(v.identity.Device, cost); wait > 0 {
		return comeBack(codes.ResourceExhausted, wait, "this laptop delivers more than a laptop observes; come again later")
	}
	return nil
}

func (d *door) admit(ctx context.Context, method string) (context.Context, error) {
	switch {
	case method == farmhoundv1.EnrollmentService_Enroll_FullMethodName:
		return ctx, nil // the secret in the request is what admits
	case method == farmhoundv1.EnrollmentService_Renew_FullMethodName:
		v, err := d.device(ctx)
		return context.WithValue(ctx, visitorKey{}, v), err
	case strings.HasPrefix(method, ingestMethods):
		v, err := d.device(ctx)
		if err == nil && d.now().After(v.certificate.NotAfter) {
			err = status.Errorf(codes.Unauthenticated, "the device certificate expired on %s: renew it; nothing else is allowed with it", day(v.certificate.NotAfter))
		}
		return context.WithValue(ctx, visitorKey{}, v), err
	case strings.HasPrefix(method, fleetMethods), strings.HasPrefix(method, rosterMethods):
		who, err := d.caller(ctx)
		return context.WithValue(ctx, callerKey{}, who), err
	}
	return ctx, status.Error(codes.PermissionDenied, "nobody may call this method")
}

// device names the device that calls. Its standing is looked up with every call,
// so that a revocation acts at once, also on an open connection.
func (d *door) device(ctx context.Context) (*visitor, error) {
	conn := connectionOf(ctx)
	id, err := deviceOf(conn, d.authority)
	if err != nil {
		return nil, err
	}
	identity, err := d.access.Identity(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, status.Errorf(codes.Unauthenticated, "device %s is not enrolled here, although its certificate is from this CA", id)
	case err != nil:
		return nil, d.unavailable(ctx, "look up the device's identity", err)
	case !identity.RevokedAt.IsZero():
		return nil, revoked(identity)
	}
	return &visitor{identity, conn.State.PeerCertificates[0]}, nil
}

// deviceOf returns the device whose certificate a connection showed.
func deviceOf(conn connection, authority Authority) (string, error) {
	shown := conn.State.PeerCertificates
	if len(shown) == 0 {
		return "", status.Error(codes.Unauthenticated, "no device certificate came with the call: the laptop must enrol first")
	}
	if authority.Issuer(shown[0]) == "" {
		// The connection is older than the end of that CA.
		return "", status.Error(codes.Unauthenticated, "the device certificate is of a CA that was retired: the laptop must enrol again")
	}
	id, err := authority.Device(shown[0])
	if err != nil {
		return "", status.Error(codes.Unauthenticated, err.Error())
	}
	return id, nil
}

// revoked keeps the note to itself: it says why, and is not for whoever holds the
// laptop.
func revoked(identity store.Identity) error {
	return status.Errorf(codes.PermissionDenied, "the identity of device %s was revoked on %s", identity.Device, day(identity.RevokedAt))
}

// unavailable is for what failed at the collector's end and may work later.
func (d *door) unavailable(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	d.log.ErrorContext(ctx, "a call failed at the collector", "doing", doing, "error", err)
	return comeBack(codes.Unavailable, troubleWait, fmt.Sprintf("the collector could not %s; its log says why; try again later", doing))
}

// comeBack asks the caller to try again after a pause.
func comeBack(code codes.Code, wait time.Duration, why string) error {
	s, err := status.New(code, why).WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	if err != nil {
		return status.Error(code, why)
	}
	return s.Err()
}

func visitorOf(ctx context.Context) (*visitor, error) {
	if v, ok := ctx.Value(visitorKey{}).(*visitor); ok && v != nil {
		return v, nil
	}
	return nil, status.Error(codes.Unauthenticated, "no device was let in with this call")
}

// callerOf is the Authenticate of services behind the door.
func callerOf(ctx context.Context) (Caller, error) {
	if who, ok := ctx.Value(callerKey{}).(Caller); ok {
		return who, nil
	}
	return Caller{}, status.Error(codes.Unauthenticated, "nobody was let in with this call")
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
