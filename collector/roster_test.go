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
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
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

// What an administrator says through the API changes what is said of a laptop: its
// person, the approval of the very installation, a second one beside it, an exemption.
func TestWhatTheRosterSaysChangesWhy(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	now := time.Now()
	report, ring := c.laptop("A1")
	hash, id, _ := ring.Hash(fleetkey.InstallationID, []byte("acme"))
	report(driven("A1", now, &farmhoundv1.Tool{Id: "screenconnect", Installed: true, Running: true, InstallationHash: hash, KeyId: id})...)
	report, ring = c.laptop("B1")
	hash, id, _ = ring.Hash(fleetkey.InstallationID, []byte("somebody else's"))
	report(driven("B1", now, &farmhoundv1.Tool{Id: "screenconnect", Installed: true, Running: true, InstallationHash: hash, KeyId: id})...)
	c.says("A1", "session_share: ", "")

	ctx := c.asAdmin()
	done, err := c.send(ctx, "serial,person,country\nA1,p-1,US\nB1,p-2,XX\n", &fleetv1.ImportRosterRequest{})
	must(t, err)
	if v := done.GetVersion(); v.GetNumber() != 1 || v.GetAdded() != 1 || v.GetRefused() != 1 || len(done.GetProblems()) != 1 ||
		done.GetProblems()[0].GetLine() != 3 || done.GetProblems()[0].GetColumn() != 8 {
		t.Errorf("import: %v", done)
	}
	got, err := c.fleet.GetDevice(ctx, &fleetv1.GetDeviceRequest{Device: "A1"})
	must(t, err)
	if got.GetDevice().GetPerson().GetId() != "p-1" {
		t.Errorf("person %v right after the import", got.GetDevice().GetPerson())
	}

	c.until("the list of devices names the person", func() bool {
		listed, err := c.fleet.ListDevices(ctx, &fleetv1.ListDevicesRequest{Prefix: "p-1"})
		must(t, err)
		return len(listed.GetDevices()) == 1
	})

	// The help desk's tenant, by its name; the same tool of another tenant still stands out.
	until := now.AddDate(1, 0, 0).Format(time.DateOnly)
	tool := &fleetv1.RosterTool{Name: "help-desk", Tool: "screenconnect", Tenants: []string{"acme"}, Owner: "IT", Until: until}
	_, err = c.roster.PutApprovedTool(ctx, &fleetv1.PutApprovedToolRequest{Tool: tool})
	must(t, err)
	c.says("A1", "controlled through approved tools (help-desk of IT) for 100 % of its active time", "clear")
	c.says("B1", "this is another installation or tenant of ScreenConnect", "")
	if words, _ := c.why("A1"); strings.Contains(words, "session_share") {
		t.Errorf("what is approved is weighed:\n%s", words)
	}
	// Learned from the laptop, it is the company's own, too.
	put, err := c.roster.PutApprovedTool(ctx, &fleetv1.PutApprovedToolRequest{Tool: tool, InstallationOf: "B1"})
	must(t, err)
	if l := put.GetTool().GetLearned(); len(l) != 1 || l[0].GetIs() != "installation" || l[0].GetKey() != id {
		t.Errorf("learned %v", l)
	}
	c.says("B1", "through approved tools (help-desk of IT)", "clear")
	_, err = c.roster.RemoveRoster(ctx, &fleetv1.RemoveRosterRequest{Kind: "approved_tool", Key: "help-desk"})
	must(t, err)
	c.says("A1", "session_share: ", "")
	c.says("B1", "session_share: ", "")

	// An exemption is said, with its end and reason, and with what it holds back.
	_, err = c.send(ctx, "serial,exempt_until,exempt_reason\nA1,"+until+",red team\n", &fleetv1.ImportRosterRequest{Merge: true})
	must(t, err)
	c.says("A1", `("red team"), so that the verdict is at most watch`, "")
	past := now.AddDate(0, 0, -2).Format(time.DateOnly)
	_, err = c.send(ctx, "serial,exempt_until,exempt_reason\nA1,"+past+",red team\n", &fleetv1.ImportRosterRequest{Merge: true})
	must(t, err)
	c.says("A1", "session_share: ", "")
	c.until("an exemption that ended holds nothing back", func() bool {
		words, _ := c.why("A1")
		return !strings.Contains(words, "exempt")
	})

	// Every step is a version with its author and what it changed.
	versions, err := c.roster.ListRosterVersions(ctx, &fleetv1.ListRosterVersionsRequest{})
	must(t, err)
	if n := len(versions.GetVersions()); n != 6 {
		t.Errorf("%d versions, want 6: %v", n, versions)
	}
	for _, v := range versions.GetVersions() {
		if !strings.HasPrefix(v.GetActor(), "admin (token ") {
			t.Errorf("version %d is of %q", v.GetNumber(), v.GetActor())
		}
	}
	changes, err := c.roster.ListRosterChanges(ctx, &fleetv1.ListRosterChangesRequest{Version: 3})
	must(t, err)
	if all := changes.GetChanges(); len(all) != 1 || !strings.Contains(all[0].GetSummary(), "learned installation of ") {
		t.Errorf("version 3 changed %v", all)
	}
}

// An office is known by its addresses, or by the gateway of a laptop that stands there.
func TestOffices(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ctx, now := c.asAdmin(), time.Now()
	report, ring := c.laptop("A1")
	gateway, id, _ := ring.Hash(fleetkey.GatewayMAC, []byte{2, 0, 0, 0, 0, 1})
	week := driven("A1", now)
	for _, r := range week {
		r.Network = &farmhoundv1.Network{GatewayHash: gateway, KeyId: id}
		for _, w := range r.GetWindows() {
			w.Control, w.Input = nil, &farmhoundv1.InputSeconds{BuiltIn: 2000}
		}
	}
	last := len(week) - 1
	report(week[:last]...)
	officeDays := func() uint32 {
		got, err := c.fleet.GetDevice(ctx, &fleetv1.GetDeviceRequest{Device: "A1"})
		must(t, err)
		return got.GetDevice().GetPlace().GetOfficeDays()
	}
	if n := officeDays(); n != 0 {
		t.Fatalf("%d days at an office that nobody registered", n)
	}
	put, err := c.roster.PutOffice(ctx, &fleetv1.PutOfficeRequest{Office: &fleetv1.RosterOffice{Name: "columbus", Country: "us"}, DeviceThere: "A1"})
	must(t, err)
	if o := put.GetOffice(); len(o.GetGateways()) != 1 || o.GetCountry() != "US" || o.GetKind() != "office" || o.GetGateways()[0].GetKey() != id {
		t.Errorf("office %v", o)
	}
	report(week[last])
	if n := officeDays(); n != 1 {
		t.Errorf("%d days at the office since it was registered, want 1", n)
	}
	listed, err := c.roster.ListRoster(ctx, &fleetv1.ListRosterRequest{Kind: "office"})
	must(t, err)
	if len(listed.GetRecords()) != 1 || listed.GetRecords()[0].GetOffice().GetName() != "columbus" || listed.GetRecords()[0].GetSource() != "api" {
		t.Errorf("offices %v", listed)
	}
}

// Only admins change what is said, and what cannot be is refused in words.
func TestRosterRefusals(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ctx := c.asAdmin()
	report, _ := c.laptop("A1")
	report(driven("A1", time.Now(), &farmhoundv1.Tool{Id: "screenconnect", Installed: true})...)
	tool := func(change func(*fleetv1.PutApprovedToolRequest)) error {
		req := &fleetv1.PutApprovedToolRequest{Tool: &fleetv1.RosterTool{Name: "help-desk", Tool: "screenconnect", Owner: "IT", Until: "2027-12-31"}}
		change(req)
		_, err := c.roster.PutApprovedTool(ctx, req)
		return err
	}
	office := func(req *fleetv1.PutOfficeRequest) error {
		_, err := c.roster.PutOffice(ctx, req)
		return err
	}
	remove := func(kind, key string) error {
		_, err := c.roster.RemoveRoster(ctx, &fleetv1.RemoveRosterRequest{Kind: kind, Key: key})
		return err
	}
	imported := func(ctx context.Context, text string) error {
		_, err := c.send(ctx, text, &fleetv1.ImportRosterRequest{})
		return err
	}
	for name, x := range map[string]struct {
		err  error
		code codes.Code
		want string
	}{
		"a viewer's":     {imported(c.as(c.token("viewer")), "serial\nA1\n"), codes.PermissionDenied, `token "bob" is a viewer's; importing a roster needs an admin's`},
		"an analyst's":   {imported(c.as(c.token("analyst")), "serial\nA1\n"), codes.PermissionDenied, "needs an admin's"},
		"no token":       {imported(t.Context(), "serial\nA1\n"), codes.Unauthenticated, "the call needs one header"},
		"no roster":      {imported(ctx, "person\np\n"), codes.InvalidArgument, "hr.csv:1:1: the header has no column serial"},
		"broken JSON":    {imported(ctx, `[{"serial"`), codes.InvalidArgument, "hr.csv:1:11: not valid JSON"},
		"unknown tool":   {tool(func(r *fleetv1.PutApprovedToolRequest) { r.Tool.Tool = "nonesuch" }), codes.InvalidArgument, `the catalogue has no entry "nonesuch"`},
		"no owner":       {tool(func(r *fleetv1.PutApprovedToolRequest) { r.Tool.Owner = "" }), codes.InvalidArgument, "names who answers for it"},
		"no such device": {tool(func(r *fleetv1.PutApprovedToolRequest) { r.InstallationOf = "Z9" }), codes.InvalidArgument, `there is no device "Z9"`},
		"nothing to learn": {tool(func(r *fleetv1.PutApprovedToolRequest) { r.InstallationOf = "A1" }), codes.InvalidArgument,
			"does not tell which installation of screenconnect it has; name the tenant instead"},
		"no accounts":   {tool(func(r *fleetv1.PutApprovedToolRequest) { r.AccountsOf = "A1" }), codes.InvalidArgument, "tells an account"},
		"bad network":   {office(&fleetv1.PutOfficeRequest{Office: &fleetv1.RosterOffice{Name: "hq", Networks: []string{"0.0.0.0/0"}}}), codes.InvalidArgument, "more of the internet"},
		"no gateway":    {office(&fleetv1.PutOfficeRequest{Office: &fleetv1.RosterOffice{Name: "hq"}, DeviceThere: "A1"}), codes.InvalidArgument, "does not tell its gateway"},
		"no office":     {office(&fleetv1.PutOfficeRequest{}), codes.InvalidArgument, "name: a name is of small letters"},
		"removed twice": {remove("office", "hq"), codes.NotFound, "not found"},
	} {
		s, _ := status.FromError(x.err)
		if s.Code() != x.code || !strings.Contains(s.Message(), x.want) {
			t.Errorf("%s: %v, want %s with %q", name, x.err, x.code, x.want)
		}
	}
	if versions, err := c.roster.ListRosterVersions(ctx, &fleetv1.ListRosterVersionsRequest{}); err != nil || len(versions.GetVersions()) > 0 {
		t.Errorf("what was refused made versions: %v %v", versions, err)
	}
}
