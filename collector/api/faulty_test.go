package api_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/faulty"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// TestEveryFaultOfTheStoreIsSaid: while the store fails, nobody is let in who would
// not be otherwise, nobody is told that they are not known, laptops are asked to come
// again, and a use of a secret is spent once at most.
func TestEveryFaultOfTheStoreIsSaid(t *testing.T) {
	t.Parallel()
	var failing *faulty.Store
	c := startOn(t, func(s store.Store) store.Store {
		failing = faulty.New(s, faulty.Plan{Seed: 7, Fail: 0.3, Tear: 0.3})
		return failing
	})
	// persist tries what may fail for the store's sake only, until it is done.
	persist := func(try func() error) {
		t.Helper()
		for range 200 {
			err := try()
			if err == nil {
				return
			}
			askedBack(t, err, codes.Unavailable, "its log says why")
		}
		t.Fatal("200 tries were in vain")
	}
	once := c.secret(t, func(s *store.Secret) { s.MaxUses = 1 })
	l := c.laptop(t)
	persist(func() error { return l.enroll(once) })
	for range 20 {
		persist(l.report)
	}
	persist(func() error { return l.renew(l.csr()) })

	revoked := c.laptop(t)
	second := c.secret(t, nil)
	persist(func() error { return revoked.enroll(second) })
	must(t, c.store.RevokeIdentity(t.Context(), revoked.id, "sold", time.Now()))
	analysts := fleetv1.NewFleetServiceClient(c.laptop(t).connect())
	good, wrong := with(t, "Bearer "+c.token(t, "viewer", nil)), with(t, "Bearer fh-token-wrong")
	refusals := map[codes.Code]int{}
	never := func(err error, code codes.Code, words string) {
		t.Helper()
		refusals[status.Code(err)]++
		if status.Code(err) != codes.Unavailable {
			refused(t, err, code, words)
		}
	}
	for range 40 {
		never(revoked.report(), codes.PermissionDenied, "revoked")
		never(c.laptop(t).enroll("fh-enroll-wrong"), codes.Unauthenticated, "no such")
		_, err := analysts.ListDevices(wrong, &fleetv1.ListDevicesRequest{})
		never(err, codes.Unauthenticated, "no such")
		_, err = analysts.ListDevices(good, &fleetv1.ListDevicesRequest{})
		if code := status.Code(err); code != codes.OK && code != codes.Unavailable && code != codes.Internal {
			t.Errorf("an analyst got %v", err)
		}
	}
	if refusals[codes.Unavailable] == 0 || refusals[codes.PermissionDenied] == 0 || refusals[codes.Unauthenticated] == 0 {
		t.Errorf("too few faults to show anything: %v, %v", refusals, failing.Faults())
	}
	failing.Calm()
	must(t, l.report())
	refused(t, c.laptop(t).enroll(once), codes.ResourceExhausted, "spent: 1 of 1")
	if _, err := analysts.WhoAmI(context.WithoutCancel(good), &fleetv1.WhoAmIRequest{}); err != nil {
		t.Error(err)
	}
}
