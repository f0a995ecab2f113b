package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/collector/pki"
	"github.com/farmhound-security/farmhound/collector/store"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestSecretsAreRefusedEachForItsReason(t *testing.T) {
	t.Parallel()
	c := start(t)
	past := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	unknown, _ := pki.NewSecret()
	cases := map[string]struct {
		secret string
		code   codes.Code
		words  string
	}{
		"wrong":   {unknown, codes.Unauthenticated, "no such enrolment secret"},
		"spent":   {c.secret(t, func(s *store.Secret) { s.MaxUses, s.Uses = 3, 3 }), codes.ResourceExhausted, "is spent: 3 of 3 uses"},
		"expired": {c.secret(t, func(s *store.Secret) { s.ExpiresAt = past }), codes.FailedPrecondition, "expired on 2026-03-04"},
		"revoked": {c.secret(t, func(s *store.Secret) { s.RevokedAt = past }), codes.PermissionDenied, "was revoked on 2026-03-04"},
		"empty":   {"", codes.InvalidArgument, "secret"},
		"hostile": {"fh-enroll-\x1b[31m", codes.InvalidArgument, "secret"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := c.laptop(t)
			err := l.enroll(tc.secret)
			refused(t, err, tc.code, tc.words)
			if tc.secret != "" && strings.Contains(status.Convert(err).Message(), tc.secret) {
				t.Error("the refusal repeats the secret")
			}
			// Agents take a ResourceExhausted with RetryInfo for load.
			if len(status.Convert(err).Details()) != 0 {
				t.Error("the refusal has details")
			}
			if _, err := c.store.Identity(t.Context(), l.id); err == nil {
				t.Error("an identity was recorded")
			}
		})
	}
}

func TestEqualSerialsStayTwoDevices(t *testing.T) {
	t.Parallel()
	c := start(t)
	secret := c.secret(t, func(s *store.Secret) { s.MaxUses = 2 })
	first, second := c.laptop(t), c.laptop(t)
	must(t, first.enroll(secret))
	must(t, second.enroll(secret))
	// The answer that got lost is asked for again, and costs nothing.
	must(t, second.enroll(secret))
	for _, l := range []*laptop{first, second} {
		identity, err := c.store.Identity(t.Context(), l.id)
		if err != nil || identity.Serial != "PF-1" {
			t.Errorf("%s: %+v, %v", l.id, identity, err)
		}
		must(t, l.report())
	}
	refused(t, c.laptop(t).enroll(secret), codes.ResourceExhausted, "2 of 2")
	log, err := c.store.AuditLog(t.Context(), time.Time{}, 10)
	must(t, err)
	if len(log) != 3 || log[0].Action != "device.enroll" || log[0].Object != first.id || log[0].Actor != "device:"+first.id ||
		!strings.Contains(log[0].Detail, `serial "PF-1" from 127.0.0.1:`) || !strings.Contains(log[0].Detail, "with secret s-") || strings.Contains(log[0].Detail, secret) {
		t.Errorf("audit log %+v", log)
	}
}

func TestRevokedIdentityDoesNotComeBack(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	must(t, l.report())
	must(t, c.store.RevokeIdentity(t.Context(), l.id, "looks like a farm", time.Date(2026, time.March, 4, 0, 0, 0, 0, time.UTC)))
	// On the connection that is open, on a new one, for a new certificate, and anew.
	errs := map[string]error{"open connection": l.report(), "renewal": l.renew(l.csr())}
	l.connect()
	errs["new connection"] = l.report()
	errs["enrolment"] = l.enroll(c.secret(t, nil))
	for name, err := range errs {
		t.Log(name)
		refused(t, err, codes.PermissionDenied, "was revoked on 2026-03-04")
		if strings.Contains(status.Convert(err).Message(), "farm") {
			t.Error("the reason was told to the laptop")
		}
	}
	if got := len(c.commit.committed()); got != 1 {
		t.Errorf("%d batches committed", got)
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	before := l.chain[0]
	must(t, l.renew(l.csr()))
	must(t, l.report())
	if string(before) == string(l.chain[0]) {
		t.Error("the certificate is the same")
	}
	other := c.laptop(t)
	refused(t, l.renew(other.csr()), codes.InvalidArgument, "for another key")
	refused(t, other.renew(other.csr()), codes.Unauthenticated, "no device certificate")
	refused(t, l.renew([]byte("no request")), codes.InvalidArgument, "cannot be read")
	refused(t, l.renew(nil), codes.InvalidArgument, "csr")
}

// agedCertificate gives the laptop a certificate that ended 30 days ago.
func (l *laptop) agedCertificate() {
	l.t.Helper()
	then, err := pki.Load(l.collector.dir)
	must(l.t, err)
	then.Now = func() time.Time { return time.Now().Add(-60 * 24 * time.Hour) }
	l.chain, err = then.Issue(l.csr())
	must(l.t, err)
	l.connect()
}

func TestLaptopThatSleptPastExpiryRenews(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	l.agedCertificate()
	refused(t, l.report(), codes.Unauthenticated, "expired on "+time.Now().Add(-30*24*time.Hour).UTC().Format(time.DateOnly))
	_, err := farmhoundv1.NewIngestServiceClient(l.current()).Catalog(t.Context(), &farmhoundv1.CatalogRequest{})
	refused(t, err, codes.Unauthenticated, "expired on")
	must(t, l.renew(l.csr()))
	must(t, l.report())

	must(t, c.store.RevokeIdentity(t.Context(), l.id, "", time.Now()))
	l.agedCertificate()
	refused(t, l.renew(l.csr()), codes.PermissionDenied, "revoked")

	stranger := c.laptop(t)
	stranger.agedCertificate()
	refused(t, stranger.renew(stranger.csr()), codes.Unauthenticated, "is not enrolled here")
}

func TestCertificateRequestsThatAreNoDevices(t *testing.T) {
	t.Parallel()
	c := start(t)
	secret := c.secret(t, nil)
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	slow, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	request := func(key any) []byte {
		csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		must(t, err)
		return csr
	}
	unsigned := c.laptop(t).csr()
	unsigned[len(unsigned)-1] ^= 1
	for name, tc := range map[string]struct {
		csr   []byte
		words string
	}{
		"P-384":           {request(large), "another kind (ECDSA) than ECDSA P-256"},
		"RSA":             {request(slow), "another kind (RSA) than ECDSA P-256"},
		"wrong signature": {unsigned, "not signed with its own key"},
		"garbage":         {[]byte{0x30, 0x82}, "cannot be read"},
		"too long":        {make([]byte, 5000), "longer than 4096"},
	} {
		_, err := farmhoundv1.NewEnrollmentServiceClient(c.laptop(t).connect()).Enroll(t.Context(), &farmhoundv1.EnrollRequest{Secret: secret, Csr: tc.csr})
		t.Log(name)
		refused(t, err, codes.InvalidArgument, tc.words)
	}
	secrets, err := c.store.Secrets(t.Context())
	must(t, err)
	if secrets[0].Uses != 0 {
		t.Error("a use of the secret was spent")
	}
}

func TestFloodOfEnrolmentsIsAskedToComeBack(t *testing.T) {
	t.Parallel()
	c := start(t)
	wrong, _ := pki.NewSecret()
	l := c.laptop(t)
	client := farmhoundv1.NewEnrollmentServiceClient(l.connect())
	csr := l.csr()
	for range 1000 {
		_, err := client.Enroll(t.Context(), &farmhoundv1.EnrollRequest{Secret: wrong, Csr: csr})
		if status.Code(err) == codes.Unauthenticated {
			continue
		}
		refused(t, err, codes.ResourceExhausted, "too many enrolments")
		details := status.Convert(err).Details()
		info, ok := details[0].(*errdetails.RetryInfo)
		if !ok || info.GetRetryDelay().AsDuration() <= 0 || info.GetRetryDelay().AsDuration() > time.Minute {
			t.Errorf("details %v", details)
		}
		return
	}
	t.Error("1,000 guesses in a row were answered")
}

// A secret is limited from wherever it is used, and the list of secrets shows how
// often it was refused.
func TestEnrolmentsAreLimitedPerSecretAndCounted(t *testing.T) {
	t.Parallel()
	c := start(t, netip.MustParsePrefix("127.0.0.0/8"))
	secret := c.secret(t, nil)
	spent := c.secret(t, func(s *store.Secret) { s.MaxUses = 1 })
	var limited error
	for host := 1; limited == nil && host < 20; host++ {
		l := c.laptop(t)
		l.dial = behind(proxied(2, proxyproto.PROXY, fmt.Sprintf("203.0.113.%d:4711", host)))
		client, csr := farmhoundv1.NewEnrollmentServiceClient(l.connect()), l.csr()
		for range 90 { // below the limit of one address
			if _, limited = client.Enroll(t.Context(), &farmhoundv1.EnrollRequest{Secret: secret, Csr: csr}); limited != nil {
				break
			}
		}
	}
	refused(t, limited, codes.ResourceExhausted, "too many enrolments with this secret")
	for host, words := range []string{"", "is spent"} {
		l := c.laptop(t)
		l.dial = behind(proxied(2, proxyproto.PROXY, fmt.Sprintf("198.51.100.%d:4711", host)))
		if err := l.enroll(spent); words == "" {
			must(t, err)
		} else {
			refused(t, err, codes.ResourceExhausted, words)
		}
	}
	secrets, err := c.store.Secrets(t.Context())
	must(t, err)
	for _, s := range secrets {
		if s.Refused != 1 || s.RefusedAt.IsZero() {
			t.Errorf("secret %s was refused %d times, at %v", s.ID, s.Refused, s.RefusedAt)
		}
	}
}
