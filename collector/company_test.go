package collector_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// company is a running collector with its first token, and what asks it.
type company struct {
	t       *testing.T
	data    string
	address string
	made    *collector.Created
	roots   *x509.CertPool
	fleet   fleetv1.FleetServiceClient
	roster  fleetv1.RosterServiceClient
}

func newCompany(t *testing.T) *company {
	t.Helper()
	config := collector.DefaultConfig()
	config.Data, config.Egress.Off = filepath.Join(t.TempDir(), "data"), true
	made, err := collector.Create(t.Context(), config.Data, []string{"127.0.0.1"})
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c, err := collector.Open(t.Context(), collector.Options{Config: config, Listeners: []net.Listener{listener}, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
	<-c.Ready()
	company := &company{t: t, data: config.Data, address: listener.Addr().String(), made: made, roots: x509.NewCertPool()}
	if !company.roots.AppendCertsFromPEM(made.CA) {
		t.Fatal("the CA is no PEM")
	}
	conn := company.dial(&tls.Config{})
	company.fleet, company.roster = fleetv1.NewFleetServiceClient(conn), fleetv1.NewRosterServiceClient(conn)
	return company
}

func (c *company) dial(config *tls.Config) *grpc.ClientConn {
	c.t.Helper()
	config.RootCAs, config.MinVersion = c.roots, tls.VersionTLS13
	conn, err := grpc.NewClient("passthrough:///"+c.address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	must(c.t, err)
	c.t.Cleanup(func() { must(c.t, conn.Close()) })
	return conn
}

func (c *company) asAdmin() context.Context { return c.as(c.made.Token) }

func (c *company) as(token string) context.Context {
	return metadata.AppendToOutgoingContext(c.t.Context(), "authorization", "Bearer "+token)
}

// token makes one of a role.
func (c *company) token(role string) string {
	c.t.Helper()
	kept, err := collector.OpenStore(c.t.Context(), c.data)
	must(c.t, err)
	_, value, err := collector.NewToken(c.t.Context(), kept, "bob", role, time.Hour)
	must(c.t, errors.Join(err, kept.Close()))
	return value
}

// laptop enrols one and returns how it reports, and the fleet key to hash with.
func (c *company) laptop(serial string) (report func(...*farmhoundv1.Report), ring fleetkey.Ring) {
	c.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(c.t, err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: serial}}, key)
	must(c.t, err)
	enrolled, err := farmhoundv1.NewEnrollmentServiceClient(c.dial(&tls.Config{})).Enroll(c.t.Context(), &farmhoundv1.EnrollRequest{
		Secret: c.made.Secret, Csr: csr, System: &farmhoundv1.System{Serial: serial},
	})
	must(c.t, err)
	ring, err = fleetkey.NewRing(enrolled.GetPolicy().GetFleetKeys())
	must(c.t, err)
	client := farmhoundv1.NewIngestServiceClient(c.dial(&tls.Config{Certificates: []tls.Certificate{{Certificate: enrolled.GetCertificateChain(), PrivateKey: key}}}))
	var nonce []byte
	return func(all ...*farmhoundv1.Report) {
		c.t.Helper()
		ack, err := client.Report(c.t.Context(), &farmhoundv1.ReportBatch{Reports: all, Nonce: nonce})
		must(c.t, err)
		nonce = ack.GetNextNonce()
	}, ring
}

// driven is a week in which tools control a laptop for eight hours a day, by turns.
func driven(serial string, now time.Time, tools ...*farmhoundv1.Tool) []*farmhoundv1.Report {
	const boot = "0123456789abcdef0123456789abcdef"
	var all []*farmhoundv1.Report
	for day := 7; day >= 0; day-- {
		at := now.AddDate(0, 0, -day)
		r := &farmhoundv1.Report{BootId: boot, Sequence: uint64(len(all) + 1), ObservedAt: timestamppb.New(at)}
		if len(all) == 0 {
			r.System = &farmhoundv1.System{Serial: serial, Chassis: farmhoundv1.Chassis_CHASSIS_LAPTOP}
			r.Software = &farmhoundv1.Software{Tools: tools}
			r.Health = &farmhoundv1.Health{AgentVersion: "test"}
		}
		for h := range 8 {
			w := &farmhoundv1.Window{
				StartedAt: timestamppb.New(at.Add(time.Duration(h-8) * time.Hour)), Seconds: 3600, ControlKnown: true,
				ActiveSeconds: proto.Uint32(3000), Input: &farmhoundv1.InputSeconds{Injected: 2000},
			}
			for _, tool := range tools {
				w.Control = append(w.Control, &farmhoundv1.ControlSeconds{Tool: tool.GetId(), Seconds: 3600 / uint32(len(tools))})
			}
			r.Windows = append(r.Windows, w)
		}
		all = append(all, r)
	}
	return all
}

// why returns everything that is said of a device.
func (c *company) why(serial string) (words, verdict string) {
	c.t.Helper()
	got, err := c.fleet.GetDevice(c.asAdmin(), &fleetv1.GetDeviceRequest{Device: serial})
	must(c.t, err)
	a := got.GetAssessment()
	all := append([]string{a.GetQuestions().GetRemote().GetSentence()}, a.GetUnknown()...)
	all = append(all, a.GetWouldChange()...)
	for _, e := range a.GetEvidence() {
		all = append(all, e.GetSignal()+": "+e.GetBecause())
	}
	return strings.Join(all, "\n"), a.GetVerdict()
}

// until waits until something is so: everybody is judged again when the roster changes.
func (c *company) until(what string, is func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatal("never: " + what)
		}
	}
}

// says waits until everybody was judged again.
func (c *company) says(serial, want, verdict string) {
	c.t.Helper()
	var words, got string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if words, got = c.why(serial); strings.Contains(words, want) && (verdict == "" || got == verdict) {
			return
		}
	}
	c.t.Errorf("%s is %s, want %s, and %q is not said:\n%s", serial, got, verdict, want, words)
}

// send imports a roster in parts of a few bytes.
func (c *company) send(ctx context.Context, text string, first *fleetv1.ImportRosterRequest) (*fleetv1.ImportRosterResponse, error) {
	c.t.Helper()
	stream, err := c.roster.ImportRoster(ctx)
	must(c.t, err)
	first.Name = "hr.csv"
	for part := first; text != ""; part = new(fleetv1.ImportRosterRequest) {
		n := min(len(text), 7)
		part.Content, text = []byte(text[:n]), text[n:]
		if stream.Send(part) != nil {
			break
		}
	}
	return stream.CloseAndRecv()
}
