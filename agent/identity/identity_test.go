package identity_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/farmhound-security/farmhound/agent/fakecollector"
	"github.com/farmhound-security/farmhound/agent/identity"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func open(t *testing.T, dir string, trust identity.Trust) *identity.Identity {
	t.Helper()
	i, err := identity.Open(dir, trust)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func client(t *testing.T, address string, config *tls.Config, err error) *grpc.ClientConn {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func enroll(t *testing.T, i *identity.Identity, c *fakecollector.Collector, secret string) error {
	t.Helper()
	config, err := i.ServerTLS()
	collector := farmhoundv1.NewEnrollmentServiceClient(client(t, c.Address, config, err))
	_, err = i.Enroll(t.Context(), collector, secret, &farmhoundv1.System{Serial: "PF-1"})
	return err
}

func TestEnrolledIdentitySurvivesRestart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ca file", "ca pin"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fakecollector.Start(t)
			trust := identity.Trust{CAFile: c.CAFile}
			if name == "ca pin" {
				trust = identity.Trust{CAPin: c.CAPin}
			}
			dir := filepath.Join(t.TempDir(), "identity")
			first := open(t, dir, trust)
			if first.Enrolled() || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(first.DeviceID()) {
				t.Fatalf("enrolled %v, device %q", first.Enrolled(), first.DeviceID())
			}
			if err := enroll(t, first, c, fakecollector.Secret); err != nil {
				t.Fatal(err)
			}
			// The CA was stored with the certificate: no setting is needed any more.
			second := open(t, dir, identity.Trust{})
			if !second.Enrolled() || second.DeviceID() != first.DeviceID() {
				t.Fatalf("after a restart: enrolled %v, device %s, was %s", second.Enrolled(), second.DeviceID(), first.DeviceID())
			}
			config, err := second.ClientTLS()
			ingest := farmhoundv1.NewIngestServiceClient(client(t, c.Address, config, err))
			if _, err := ingest.Report(t.Context(), &farmhoundv1.ReportBatch{Reports: []*farmhoundv1.Report{{BootId: "b", Sequence: 1}}}); err != nil {
				t.Error(err)
			}
			for _, file := range []string{"key.pem", "certificate.pem", "ca.pem"} {
				info, err := os.Stat(filepath.Join(dir, file))
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v, %v", file, info, err)
				}
			}
		})
	}
}

func TestRenewedCertificateIsUsedAtTheNextHandshake(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	i := open(t, t.TempDir(), identity.Trust{CAFile: c.CAFile})
	if err := enroll(t, i, c, fakecollector.Secret); err != nil {
		t.Fatal(err)
	}
	config, err := i.ClientTLS()
	report := func() {
		t.Helper()
		ingest := farmhoundv1.NewIngestServiceClient(client(t, c.Address, config, err))
		if _, err := ingest.Report(t.Context(), &farmhoundv1.ReportBatch{Reports: []*farmhoundv1.Report{{BootId: "b", Sequence: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	report()
	before := i.DeviceID()
	if err := i.Renew(t.Context(), farmhoundv1.NewEnrollmentServiceClient(client(t, c.Address, config, err)), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	report()
	if serials := c.ClientSerials(); len(serials) != 2 || i.DeviceID() != before {
		t.Errorf("certificates shown: %v", serials)
	}
}

func TestReloadTakesUpWhatAnotherProcessGot(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	dir := t.TempDir()
	service := open(t, dir, identity.Trust{CAFile: c.CAFile})
	if changed, err := service.Reload(); changed || err != nil {
		t.Fatalf("nothing there, yet changed %v, %v", changed, err)
	}
	if err := enroll(t, open(t, dir, identity.Trust{CAFile: c.CAFile}), c, fakecollector.Secret); err != nil {
		t.Fatal(err)
	}
	if changed, err := service.Reload(); !changed || err != nil || !service.Enrolled() {
		t.Fatalf("changed %v, enrolled %v, %v", changed, service.Enrolled(), err)
	}
	if changed, err := service.Reload(); changed || err != nil {
		t.Fatalf("changed again %v, %v", changed, err)
	}
}

func TestWrongCollectorIsNamed(t *testing.T) {
	t.Parallel()
	right, wrong := fakecollector.Start(t), fakecollector.Start(t)
	for name, trust := range map[string]identity.Trust{
		"ca file": {CAFile: right.CAFile}, "ca pin": {CAPin: right.CAPin},
	} {
		i := open(t, t.TempDir(), trust)
		err := enroll(t, i, wrong, fakecollector.Secret)
		if err == nil || !strings.Contains(err.Error(), "not the collector this laptop was set up for") || identity.Refused(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if enrolls, _, _ := wrong.Counts(); enrolls != 0 {
		t.Error("the secret was sent to the wrong collector")
	}
	if _, err := open(t, t.TempDir(), identity.Trust{}).ServerTLS(); !errors.Is(err, identity.ErrNoTrust) {
		t.Errorf("without a CA: %v", err)
	}
	if _, err := identity.Open(t.TempDir(), identity.Trust{CAFile: right.CAFile, CAPin: wrong.CAPin}); err == nil {
		t.Error("a CA file without the pinned CA was taken")
	}
}

func TestRefusalsAreInWords(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	cases := []struct {
		err     error
		refused bool
		want    []string
	}{
		{status.Error(codes.Unauthenticated, "no such enrolment secret"), true, []string{"refused the enrolment: no such enrolment secret", "ask IT for a valid enrolment secret"}},
		{status.Error(codes.FailedPrecondition, "enrolment secret expired on 2026-03-04"), true, []string{"expired on 2026-03-04"}},
		{status.Error(codes.ResourceExhausted, "enrolment secret is spent: 10 of 10 uses"), true, []string{"spent"}},
		{status.Error(codes.PermissionDenied, "enrolment secret was revoked\x1b[0m"), true, []string{"was revoked[0m"}},
		{status.Error(codes.Unavailable, "shutting down"), false, []string{"cannot be reached for the enrolment: shutting down"}},
		{status.Error(codes.Internal, ""), false, []string{"failed at the collector: it gave no reason (Internal)"}},
	}
	for _, tc := range cases {
		i := open(t, t.TempDir(), identity.Trust{CAFile: c.CAFile})
		c.RefuseEnroll(tc.err)
		err := enroll(t, i, c, fakecollector.Secret)
		if err == nil || identity.Refused(err) != tc.refused {
			t.Errorf("%v: refused %v, error %v", tc.err, identity.Refused(err), err)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q lacks %q", err, want)
			}
		}
		if strings.Contains(err.Error(), "\x1b") || strings.Contains(err.Error(), fakecollector.Secret) {
			t.Errorf("error shows what it must not: %q", err)
		}
		if i.Enrolled() {
			t.Error("enrolled although refused")
		}
	}
}

func TestForeignCertificateIsNotTaken(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	donor, i := open(t, t.TempDir(), identity.Trust{CAFile: c.CAFile}), open(t, t.TempDir(), identity.Trust{CAFile: c.CAFile})
	if err := enroll(t, donor, c, fakecollector.Secret); err != nil {
		t.Fatal(err)
	}
	for name, chain := range map[string][][]byte{"none": nil, "garbage": {{1, 2, 3}}, "of another key": donorChain(t, donor)} {
		_, err := i.Enroll(t.Context(), enrollerFunc(func() (*farmhoundv1.EnrollResponse, error) {
			return &farmhoundv1.EnrollResponse{CertificateChain: chain}, nil
		}), "s", nil)
		if err == nil || i.Enrolled() {
			t.Errorf("%s: error %v, enrolled %v", name, err, i.Enrolled())
		}
	}
}

func donorChain(t *testing.T, donor *identity.Identity) [][]byte {
	t.Helper()
	config, err := donor.ClientTLS()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := config.GetClientCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return certificate.Certificate
}

type enrollerFunc func() (*farmhoundv1.EnrollResponse, error)

func (f enrollerFunc) Enroll(context.Context, *farmhoundv1.EnrollRequest, ...grpc.CallOption) (*farmhoundv1.EnrollResponse, error) {
	return f()
}

func TestDamagedKeyIsNeverReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir, identity.Trust{})
	path := filepath.Join(dir, "key.pem")
	for _, content := range []string{"", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := identity.Open(dir, identity.Trust{})
		if err == nil || !strings.Contains(err.Error(), "enrol again with a new secret, as a new device") {
			t.Errorf("%q: %v", content, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Error("the damaged key was touched")
		}
	}
}

func TestRenewAtTwoThirdsOfLife(t *testing.T) {
	t.Parallel()
	c := fakecollector.Start(t)
	c.Life = 90*time.Hour - time.Minute // and a minute before now
	i := open(t, t.TempDir(), identity.Trust{CAFile: c.CAFile})
	if err := enroll(t, i, c, fakecollector.Secret); err != nil {
		t.Fatal(err)
	}
	from, to := i.Validity()
	life := to.Sub(from)
	for spread, want := range map[float64]time.Duration{0: life * 7 / 12, 0.5: life * 2 / 3, 1: life * 3 / 4} {
		if got := i.RenewAt(spread).Sub(from); (got - want).Abs() > time.Second {
			t.Errorf("spread %v: after %v, want %v", spread, got, want)
		}
	}
}

func TestExplainTellsLoadFromASpentSecret(t *testing.T) {
	t.Parallel()
	busy, err := status.New(codes.ResourceExhausted, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	if identity.Refused(identity.Explain("enrolment", busy.Err())) {
		t.Error("a busy collector counts as a refusal")
	}
	if identity.Explain("x", nil) != nil {
		t.Error("no error was explained")
	}
	alert := status.Error(codes.Unavailable, "error reading server preface: remote error: tls: expired certificate")
	if err := identity.Explain("delivery of reports", alert); !identity.Refused(err) || !strings.Contains(err.Error(), "expired certificate") {
		t.Errorf("TLS alert: %v", err)
	}
}
