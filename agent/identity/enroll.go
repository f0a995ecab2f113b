package identity

import (
	"context"
	"fmt"
	"log/slog"

	"google.golang.org/grpc"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Enroller gives a first certificate; the contract's EnrollmentServiceClient is one.
type Enroller interface {
	Enroll(context.Context, *farmhoundv1.EnrollRequest, ...grpc.CallOption) (*farmhoundv1.EnrollResponse, error)
}

// Renewer gives a next certificate; the contract's EnrollmentServiceClient is one.
type Renewer interface {
	Renew(context.Context, *farmhoundv1.RenewRequest, ...grpc.CallOption) (*farmhoundv1.RenewResponse, error)
}

// Enroll exchanges a secret for a certificate and returns the first policy. An
// enrolled device may enrol again; it stays the same device.
func (i *Identity) Enroll(ctx context.Context, collector Enroller, secret string, system *farmhoundv1.System) (*farmhoundv1.Policy, error) {
	csr, err := i.request()
	if err != nil {
		return nil, err
	}
	response, err := collector.Enroll(ctx, &farmhoundv1.EnrollRequest{Secret: secret, Csr: csr, System: system})
	if err != nil {
		return nil, Explain("enrolment", err)
	}
	if err := i.adopt(response.GetCertificateChain()); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	if err := i.keepTrust(); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	if err := i.pinCatalogKey(response.GetCatalogPublicKey()); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	return response.GetPolicy(), nil
}

// Renew replaces the certificate, for the same key. The call must be made under
// the present certificate. That a key of catalogues could not be pinned along with it
// is logged and no failure: the certificate is renewed.
func (i *Identity) Renew(ctx context.Context, collector Renewer, log *slog.Logger) error {
	csr, err := i.request()
	if err != nil {
		return err
	}
	response, err := collector.Renew(ctx, &farmhoundv1.RenewRequest{Csr: csr})
	if err != nil {
		return Explain("renewal of the device certificate", err)
	}
	if err := i.adopt(response.GetCertificateChain()); err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	if _, err := i.PinFirstCatalogKey(response.GetCatalogPublicKey()); err != nil {
		log.ErrorContext(ctx, "key that signs catalogues cannot be pinned", "cause", err)
	}
	return nil
}
