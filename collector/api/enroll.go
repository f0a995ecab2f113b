package api

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/collector/store"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// enrollment gives laptops their identity.
type enrollment struct {
	farmhoundv1.UnimplementedEnrollmentServiceServer

	*door
	policy func() *farmhoundv1.Policy
	// catalog has the key that agents pin; nil where none signs.
	catalog func() SignedCatalog
	// limit is per address, and floods are the addresses that go beyond it.
	limit  *limiter[netip.Addr]
	floods *tally
	// secrets is per secret, and refusals are those not counted in the store yet.
	secrets  *limiter[string]
	refusals *tally

	enrollRules, renewRules *fieldrules.Validator
}

// Enroll exchanges a secret and a certificate request for a certificate. Refusals
// tell a wrong, spent, expired and revoked secret apart: who holds a secret of 256
// random bits may know what became of it.
func (e *enrollment) Enroll(ctx context.Context, request *farmhoundv1.EnrollRequest) (*farmhoundv1.EnrollResponse, error) {
	from := connectionOf(ctx).address
	if wait := e.limit.take(hostOf(from.Addr()), 1); wait > 0 {
		if n := e.floods.add(hostOf(from.Addr()).String()); n > 0 {
			e.log.WarnContext(ctx, "too many enrolments from one address", "peer", from.String(), "refused", n)
		}
		return nil, comeBack(codes.ResourceExhausted, wait, "too many enrolments from this address; try again later")
	}
	if err := e.enrollRules.Validate(request); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "the enrolment is not valid: %v", err)
	}
	device, err := e.authority.Identify(request.GetCsr())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	identity, err := e.admitNew(ctx, request.GetSecret(), store.Identity{Device: device, Serial: request.GetSystem().GetSerial()})
	if err != nil {
		if code := status.Code(err); code != codes.Unavailable && code != codes.Canceled && code != codes.DeadlineExceeded {
			e.log.WarnContext(ctx, "an enrolment was refused", "device", device, "peer", from.String(), "reason", status.Convert(err).Message())
		}
		return nil, err
	}
	chain, err := e.authority.Issue(request.GetCsr())
	if err != nil {
		return nil, e.unavailable(ctx, "issue a certificate", err)
	}
	err = e.access.Audit(ctx, store.AuditEntry{
		At: e.now(), Actor: "device:" + device, Action: "device.enroll", Object: device,
		Detail: fmt.Sprintf("serial %q from %s with secret %s, first enrolled %s, supersedes %q",
			request.GetSystem().GetSerial(), from, identity.SecretID, identity.EnrolledAt.UTC().Format(time.RFC3339), identity.Supersedes),
	})
	if err != nil {
		return nil, e.unavailable(ctx, "write the audit log", err)
	}
	e.log.InfoContext(ctx, "a laptop enrolled", "device", device, "serial", identity.Serial, "supersedes", identity.Supersedes, "peer", from.String())
	return &farmhoundv1.EnrollResponse{CertificateChain: chain, Policy: e.policy(), CatalogPublicKey: e.catalog().PublicKey}, nil
}

// admitNew spends a use of the secret and returns the device's identity. The
// standing is read afterwards, because enrolling a known device changes nothing: a
// revoked one does not come back by it.
func (e *enrollment) admitNew(ctx context.Context, secret string, asked store.Identity) (store.Identity, error) {
	hash, now := e.hash(secret), e.now()
	asked.EnrolledAt = now
	if wait := e.secrets.take(string(hash), 1); wait > 0 {
		e.count(ctx, hash)
		return store.Identity{}, comeBack(codes.ResourceExhausted, wait, "too many enrolments with this secret; try again later")
	}
	if err := e.access.Enroll(ctx, hash, asked, now); err != nil {
		return store.Identity{}, e.refusal(ctx, hash, err)
	}
	identity, err := e.access.Identity(ctx, asked.Device)
	if err != nil {
		return store.Identity{}, e.unavailable(ctx, "look up the device's identity", err)
	}
	if !identity.RevokedAt.IsZero() {
		return store.Identity{}, revoked(identity)
	}
	return identity, nil
}

// refusal says what is wrong with a secret.
func (e *enrollment) refusal(ctx context.Context, hash []byte, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return status.Error(codes.Unauthenticated, "there is no such enrolment secret")
	}
	if !errors.Is(err, store.ErrRevoked) && !errors.Is(err, store.ErrExpired) && !errors.Is(err, store.ErrSpent) {
		return e.unavailable(ctx, "record the enrolment", err)
	}
	e.count(ctx, hash)
	secret, lookErr := e.secret(ctx, hash)
	if lookErr != nil {
		return e.unavailable(ctx, "look up the enrolment secret", lookErr)
	}
	switch {
	case errors.Is(err, store.ErrRevoked):
		return status.Errorf(codes.PermissionDenied, "enrolment secret %s was revoked on %s", secret.ID, day(secret.RevokedAt))
	case errors.Is(err, store.ErrExpired):
		return status.Errorf(codes.FailedPrecondition, "enrolment secret %s expired on %s", secret.ID, day(secret.ExpiresAt))
	default:
		// Without a RetryInfo: agents tell it from load by that.
		return status.Errorf(codes.ResourceExhausted, "enrolment secret %s is spent: %d of %d uses", secret.ID, secret.Uses, secret.MaxUses)
	}
}

// count counts a refused enrolment with a secret, in the store at most once a second.
func (e *enrollment) count(ctx context.Context, hash []byte) {
	n := e.refusals.add(string(hash))
	if n == 0 {
		return
	}
	if err := e.access.RefuseEnrollment(ctx, hash, n, e.now()); err != nil && !errors.Is(err, store.ErrNotFound) {
		e.log.ErrorContext(ctx, "refused enrolments could not be counted", "refused", n, "error", err)
	}
}

func (e *enrollment) secret(ctx context.Context, hash []byte) (store.Secret, error) {
	secrets, err := e.access.Secrets(ctx)
	if err != nil {
		return store.Secret{}, err
	}
	for _, s := range secrets {
		if subtle.ConstantTimeCompare(s.Hash, hash) == 1 {
			return s, nil
		}
	}
	return store.Secret{}, store.ErrNotFound
}

// Renew replaces the certificate of the call, which may have expired, for the same
// key: only the standing of the identity counts.
func (e *enrollment) Renew(ctx context.Context, request *farmhoundv1.RenewRequest) (*farmhoundv1.RenewResponse, error) {
	v, err := visitorOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.renewRules.Validate(request); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "the renewal is not valid: %v", err)
	}
	device, err := e.authority.Identify(request.GetCsr())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if device != v.identity.Device {
		return nil, status.Errorf(codes.InvalidArgument, "the certificate request is for another key than device %s has; a new key must enrol", v.identity.Device)
	}
	chain, err := e.authority.Issue(request.GetCsr())
	if err != nil {
		return nil, e.unavailable(ctx, "issue a certificate", err)
	}
	e.log.InfoContext(ctx, "a device certificate was renewed", "device", device, "previous_until", v.certificate.NotAfter)
	return &farmhoundv1.RenewResponse{CertificateChain: chain, CatalogPublicKey: e.catalog().PublicKey}, nil
}
