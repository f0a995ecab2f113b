package lives

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/pki"
	"github.com/farmhound-security/farmhound/collector/store"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const day = 24 * time.Hour

// trusts returns the CA of the certificate that a laptop showed last, and the CAs it
// says it knows.
func (s *site) trusts(l *laptop) (ca string, known []string) {
	s.t.Helper()
	s.look(func(kept store.Store) {
		identity, err := kept.Identity(s.t.Context(), l.identity.DeviceID())
		must(s.t, err)
		ca, known = identity.CA, identity.Trusts
	})
	return ca, known
}

// A new CA reaches a laptop that is used and one that sleeps through the overlap and
// beyond the end of its certificate, and neither is lost when the old CA is retired.
func TestACAIsReplacedUnderLaptops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.start()
		awake, asleep := newLaptop(s, 1), newLaptop(s, 2)
		awake.run(15 * time.Minute)
		asleep.run(15 * time.Minute)

		beside, err := pki.Load(collector.PKIDir(s.data)) // as the command line does
		must(t, err)
		must(t, beside.Rotate(20*day))
		older, newer := beside.CAs()[0].Pin, beside.CAs()[1].Pin
		time.Sleep(day)
		awake.run(15 * time.Minute)
		awake.run(15 * time.Minute)
		ca, known := s.trusts(awake)
		if ca != older || !slices.Contains(known, newer) {
			t.Errorf("a day later: certificate of %s, knows %v; the new CA is %s", ca, known, newer)
		}
		for range 10 {
			time.Sleep(4 * day)
			awake.run(15 * time.Minute)
		}
		if ca, _ = s.trusts(awake); ca != newer || !beside.CAs()[1].Serves {
			t.Errorf("40 days later: certificate of %s, the new CA is %s; %+v", ca, newer, beside.CAs())
		}

		if _, until := asleep.identity.Validity(); !time.Now().After(until) {
			t.Fatalf("the certificate is valid until %v", until)
		}
		if ca, known = s.trusts(asleep); ca != older || slices.Contains(known, newer) {
			t.Fatalf("the laptop that slept has a certificate of %s and knows %v", ca, known)
		}
		asleep.run(15 * time.Minute)
		asleep.run(15 * time.Minute)
		if ca, known = s.trusts(asleep); ca != newer || !slices.Contains(known, newer) {
			t.Errorf("after it woke: certificate of %s, knows %v; the new CA is %s", ca, known, newer)
		}

		must(t, beside.Retire())
		s.stop()
		s.start()
		for _, l := range []*laptop{awake, asleep} {
			l.run(15 * time.Minute)
			l.settle()
			everythingOnce(t, s, l)
			if _, known = s.trusts(l); !slices.Equal(known, []string{newer}) {
				t.Errorf("after the old CA was retired it knows %v", known)
			}
		}
		s.stop()
	})
}

// A revocation holds from the next call on, on the connection that is open.
func TestARevokedLaptopIsRefusedAtItsNextCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.start()
		defer s.stop()
		l := newLaptop(s, 1)
		config, err := l.identity.ClientTLS()
		must(t, err)
		connection, err := delivery.Connect("192.0.2.1:443", config, s.dial)
		must(t, err)
		client := farmhoundv1.NewIngestServiceClient(connection)
		report := func(sequence uint64) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := client.Report(ctx, &farmhoundv1.ReportBatch{Reports: []*farmhoundv1.Report{{BootId: "0123456789abcdef0123456789abcdef", Sequence: sequence, ObservedAt: timestamppb.Now()}}})
			return err
		}
		must(t, report(1))
		s.look(func(kept store.Store) {
			must(t, kept.RevokeIdentity(t.Context(), l.identity.DeviceID(), "sold", time.Now()))
		})
		if err := report(2); err == nil {
			t.Error("a revoked laptop was heard")
		}
		must(t, errors.Join(connection.Close()))
	})
}
