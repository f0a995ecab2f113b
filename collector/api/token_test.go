package api_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/farmhound-security/farmhound/collector/pki"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func (c *collector) token(t *testing.T, role string, change func(*store.Token)) string {
	t.Helper()
	value, hash := pki.NewToken()
	token := store.Token{ID: value[len(value)-6:], Hash: hash, Name: "the " + role, Role: role, CreatedAt: time.Now()}
	if change != nil {
		change(&token)
	}
	must(t, c.store.CreateToken(t.Context(), token))
	return value
}

func with(t *testing.T, headers ...string) context.Context {
	t.Helper()
	md := metadata.MD{}
	for _, h := range headers {
		md.Append("authorization", h)
	}
	return metadata.NewOutgoingContext(t.Context(), md)
}

func TestTokensNameTheCallerAndTheirRole(t *testing.T) {
	t.Parallel()
	c := start(t)
	client := fleetv1.NewFleetServiceClient(c.laptop(t).connect())
	for role, mayDecide := range map[string]bool{"viewer": false, "analyst": true, "admin": true} {
		ctx := with(t, "Bearer "+c.token(t, role, nil))
		who, err := client.WhoAmI(ctx, &fleetv1.WhoAmIRequest{})
		must(t, err)
		if who.GetName() != "the "+role || who.GetRole() != role {
			t.Errorf("%s is %v", role, who)
		}
		_, err = client.ListDevices(ctx, &fleetv1.ListDevicesRequest{})
		must(t, err)
		_, err = client.UpdateAlert(ctx, &fleetv1.UpdateAlertRequest{Id: "a-1", State: "acknowledged"})
		if mayDecide {
			refused(t, err, codes.NotFound, "a-1")
		} else {
			refused(t, err, codes.PermissionDenied, "needs an analyst's")
		}
	}
}

func TestTokensThatDoNotAdmit(t *testing.T) {
	t.Parallel()
	c := start(t)
	past := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	good := c.token(t, "admin", nil)
	unknown, _ := pki.NewToken()
	secret := c.secret(t, nil)
	client := fleetv1.NewFleetServiceClient(c.enrolled(t).current())
	for name, tc := range map[string]struct {
		headers []string
		code    codes.Code
		words   string
	}{
		"none, though a device":   {nil, codes.Unauthenticated, "authorization: Bearer"},
		"two":                     {[]string{"Bearer " + good, "Bearer " + good}, codes.Unauthenticated, "one header"},
		"another scheme":          {[]string{"Basic " + good}, codes.Unauthenticated, "authorization: Bearer"},
		"no scheme":               {[]string{good}, codes.Unauthenticated, "authorization: Bearer"},
		"empty":                   {[]string{"Bearer "}, codes.Unauthenticated, "authorization: Bearer"},
		"unknown":                 {[]string{"Bearer " + unknown}, codes.Unauthenticated, "no such API token"},
		"beginning of a good one": {[]string{"Bearer " + good[:len(good)-1]}, codes.Unauthenticated, "no such API token"},
		"an enrolment secret":     {[]string{"Bearer " + secret}, codes.Unauthenticated, "no such API token"},
		"revoked":                 {[]string{"Bearer " + c.token(t, "viewer", func(x *store.Token) { x.RevokedAt = past })}, codes.Unauthenticated, "was revoked on 2026-03-04"},
		"expired":                 {[]string{"Bearer " + c.token(t, "viewer", func(x *store.Token) { x.ExpiresAt = past })}, codes.Unauthenticated, "expired on 2026-03-04"},
		"without a known role":    {[]string{"Bearer " + c.token(t, "root", nil)}, codes.PermissionDenied, "no role that is known"},
	} {
		_, err := client.WhoAmI(with(t, tc.headers...), &fleetv1.WhoAmIRequest{})
		t.Log(name)
		refused(t, err, tc.code, tc.words)
		_, err = client.GetDevice(with(t, tc.headers...), &fleetv1.GetDeviceRequest{Device: "x"})
		refused(t, err, tc.code, tc.words)
	}
	// A token is no device.
	_, err := farmhoundv1.NewIngestServiceClient(c.laptop(t).connect()).Report(with(t, "Bearer "+good), batchOf(1))
	refused(t, err, codes.Unauthenticated, "no device certificate")
}

func TestRevokedTokenStopsOnAnOpenConnection(t *testing.T) {
	t.Parallel()
	c := start(t)
	client := fleetv1.NewFleetServiceClient(c.laptop(t).connect())
	value := c.token(t, "viewer", nil)
	_, err := client.WhoAmI(with(t, "Bearer "+value), &fleetv1.WhoAmIRequest{})
	must(t, err)
	must(t, c.store.RevokeToken(t.Context(), value[len(value)-6:], time.Now()))
	_, err = client.WhoAmI(with(t, "bearer "+value), &fleetv1.WhoAmIRequest{})
	refused(t, err, codes.Unauthenticated, "was revoked on")
}
