package api

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/collector/store"
)

// maxToken bounds an API token, in bytes.
const maxToken = 256

// caller names the analyst or machine whose bearer token came with the call.
func (d *door) caller(ctx context.Context) (Caller, error) {
	value, err := bearer(ctx)
	if err != nil {
		return Caller{}, err
	}
	hash := d.hash(value)
	token, err := d.access.TokenByHash(ctx, hash)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Caller{}, status.Error(codes.Unauthenticated, "there is no such API token")
	case err != nil:
		return Caller{}, d.unavailable(ctx, "look up the API token", err)
	// The store found it by its hash; this does not rely on how it compares.
	case subtle.ConstantTimeCompare(token.Hash, hash) != 1:
		return Caller{}, status.Error(codes.Unauthenticated, "there is no such API token")
	case !token.RevokedAt.IsZero():
		return Caller{}, status.Errorf(codes.Unauthenticated, "API token %q was revoked on %s", token.Name, day(token.RevokedAt))
	case !token.ExpiresAt.IsZero() && !d.now().Before(token.ExpiresAt):
		return Caller{}, status.Errorf(codes.Unauthenticated, "API token %q expired on %s", token.Name, day(token.ExpiresAt))
	}
	switch token.Role {
	case "viewer", "analyst", "admin":
		return Caller{ID: token.ID, Name: token.Name, Role: token.Role}, nil
	}
	return Caller{}, status.Errorf(codes.PermissionDenied, "API token %q has no role that is known", token.Name)
}

func bearer(ctx context.Context) (string, error) {
	const needed = "the call needs one header \"authorization: Bearer TOKEN\""
	headers := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(headers) != 1 {
		return "", status.Error(codes.Unauthenticated, needed)
	}
	scheme, value, found := strings.Cut(headers[0], " ")
	if !found || !strings.EqualFold(scheme, "bearer") || value == "" || len(value) > maxToken {
		return "", status.Error(codes.Unauthenticated, needed)
	}
	return value, nil
}
