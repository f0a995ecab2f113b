package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
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

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const goodToken = "fh-token-good"

// fake answers as a collector with two laptops would, one of them with names
// that try to steer terminals and spreadsheets.
type fake struct {
	fleetv1.UnimplementedFleetServiceServer
}

func noon(day int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC))
}

func summaries() []*fleetv1.DeviceSummary {
	return []*fleetv1.DeviceSummary{
		{
			Id: "00112233445566778899aabbccddeeff", Serial: "=1+1", Hostname: "lap\x1b[31m\u202e-1", Os: "linux", Person: "@p-1",
			Verdict: "near_certain", Kind: "hosted", Risk: 0.99982, LastReportAt: noon(9), EnrolledAt: noon(1), Reports: 42,
			AgentVersion: "0.1.0", ControlledBy: []string{"AnyDesk", "Chrome Remote Desktop"},
		},
		{Id: "ffeeddccbbaa99887766554433221100", Serial: "S2", Hostname: "lap-2", Verdict: "clear", Kind: "hosted", Risk: 0.001, LastReportAt: noon(9), Revoked: true},
	}
}

func judged() *fleetv1.Assessment {
	return &fleetv1.Assessment{
		Device: "00112233445566778899aabbccddeeff", Verdict: "near_certain", Kind: "hosted", Risk: 0.99982, AssessedAt: noon(9),
		FirstAt: &fleetv1.FirstAt{Watch: noon(2), Likely: noon(3), NearCertain: noon(4)},
		Site:    &fleetv1.SiteSummary{Id: "site-1", Members: []string{"00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"}},
		Questions: &fleetv1.Questions{
			Remote: &fleetv1.Question{Db: 28, Sentence: "Remotely driven: AnyDesk controlled this laptop for 97 % of its active time over 5 active days (5–9 Mar 2026); AnyDesk accepts control with nobody in front of the laptop."},
			Abroad: &fleetv1.Question{Db: 15, Sentence: "It was controlled from 203.0.113.9 in CN (declared: US)."},
			Farm:   &fleetv1.Question{Sentence: "Nothing observed says that the laptop is kept with others as hosted equipment."},
		},
		Evidence: []*fleetv1.Evidence{
			{
				Signal: "session_share", Family: "control", Question: "remote", Db: 24, FullDb: 24, FirstSeen: noon(2), LastSeen: noon(9),
				Because: "AnyDesk controlled this laptop for 97 % of its active time over 5 active days (5–9 Mar 2026).",
				Benign:  []string{"the person's own remote use of their own laptop", "=a supplier's support session with a tool that is not listed as approved"},
			},
			{
				Signal: "operator_place", Family: "operator", Question: "abroad", Db: 15, FullDb: 15, FirstSeen: noon(3), LastSeen: noon(9),
				Because: "It was controlled from 203.0.113.9 in CN (declared: US).", Benign: []string{"a supplier's support desk abroad"},
			},
		},
		Shadow: []*fleetv1.Evidence{{
			Signal: "dual_monitor", Family: "still", Question: "farm", Db: 0.5, FullDb: 1, FirstSeen: noon(8), LastSeen: noon(9),
			Because: "It drives a display that is not there.", Benign: []string{"a desk with a KVM switch"},
		}},
		Unknown:     []string{"What the laptop is plugged into: peripherals are not listed."},
		WouldChange: []string{"Without \"The controller is abroad or hidden\" it would be watch."},
	}
}

func alerts() []*fleetv1.Alert {
	return []*fleetv1.Alert{
		{
			Id: "a1b2c3d4e5f60718", Device: "00112233445566778899aabbccddeeff", Serial: "=1+1", Person: "@p-1", State: "acknowledged",
			Title: "Laptop almost certainly hosted and remotely driven", Verdict: "near_certain", Kind: "hosted", Severity: "critical",
			Note: "two\nlines", ChangedBy: "ann", OpenedAt: noon(3), UpdatedAt: noon(5), Assessment: judged(),
		},
		{
			Provisional: true, Id: "0918273645546372", Device: "ffeeddccbbaa99887766554433221100", Serial: "S2", State: "open",
			Title: "Laptop likely not where it should be", Verdict: "likely", Kind: "displaced", Severity: "medium", OpenedAt: noon(2), UpdatedAt: noon(2),
		},
	}
}

func (fake) admit(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	if got := md.Get("authorization"); len(got) != 1 || got[0] != "Bearer "+goodToken {
		return status.Error(codes.Unauthenticated, "there is no such API token")
	}
	return nil
}

func (f fake) WhoAmI(ctx context.Context, _ *fleetv1.WhoAmIRequest) (*fleetv1.WhoAmIResponse, error) {
	return &fleetv1.WhoAmIResponse{Name: "ann", Role: "analyst", CollectorVersion: "1.2.3"}, f.admit(ctx)
}

// ListDevices answers in pages of one.
func (f fake) ListDevices(ctx context.Context, r *fleetv1.ListDevicesRequest) (*fleetv1.ListDevicesResponse, error) {
	all := summaries()
	switch {
	case r.GetPrefix() == "nobody":
		return &fleetv1.ListDevicesResponse{}, f.admit(ctx)
	case r.GetPageToken() == "":
		return &fleetv1.ListDevicesResponse{Devices: all[:1], NextPageToken: "2", Doubts: []string{"3 of 4 laptops\x1b are elsewhere"}}, f.admit(ctx)
	}
	return &fleetv1.ListDevicesResponse{Devices: all[1:]}, f.admit(ctx)
}

// WhatIf answers of a laptop that AnyDesk alone makes likely.
func (f fake) WhatIf(ctx context.Context, r *fleetv1.WhatIfRequest) (*fleetv1.WhatIfResponse, error) {
	if len(r.GetWithApproved()) > 0 && r.GetWithApproved()[0] != "anydesk" {
		return nil, status.Errorf(codes.InvalidArgument, "the catalogue has no tool %q; on this laptop are anydesk", r.GetWithApproved()[0])
	}
	likely := &fleetv1.Weighing{Verdict: "likely", Kind: "hosted", Risk: 0.61, HostedRisk: 0.61, DisplacedRisk: 0.001, Db: 32}
	mild := &fleetv1.Weighing{Verdict: "clear", Kind: "displaced", Risk: 0.004, HostedRisk: 0.002, DisplacedRisk: 0.004, Db: 3}
	answer := &fleetv1.WhatIfResponse{
		Device: "00112233445566778899aabbccddeeff", WeighedAt: noon(9), Rules: strings.Repeat("0a1b", 16),
		Stored: &fleetv1.Weighing{Verdict: "likely", Kind: "hosted", Risk: 0.65}, Now: likely,
		Pieces: []*fleetv1.Removal{
			{Signals: []string{"session_share"}, Titles: []string{"Driven"}, Family: "control", Db: 24, Then: mild},
			{Signals: []string{"hands_on"}, Titles: []string{"Hands"}, Family: "presence", Db: -3, Then: likely},
		},
		Families: []*fleetv1.Removal{{Signals: []string{"session_share", "no_local_input"}, Titles: []string{"Driven", "Still"}, Family: "control", Db: 29, Then: mild}},
		Lowers:   []*fleetv1.Removal{{Signals: []string{"egress_country", "waking_phase"}, Titles: []string{"Abroad", "Awake"}, Db: 17, Then: mild}},
		Raises: []*fleetv1.Addition{{
			Signal: "people_together", Title: "Kept together", Family: "place", Tier: 1, Db: 12, When: "device.site.people >= 3u\n&& !device.site.office",
			Then: &fleetv1.Weighing{Verdict: "near_certain", Kind: "hosted", Risk: 0.97, HostedRisk: 0.97},
		}},
		Lacks: []string{"3.2 dB more"},
	}
	if len(r.GetWithApproved()) > 0 {
		answer.Supposed, answer.Lowers, answer.Raises = mild, nil, nil
		answer.Notes = []string{"These would raise it and cannot be observed on this laptop, for want of a sense: kvm_attached\x1b."}
	}
	return answer, f.admit(ctx)
}

func (f fake) GetDevice(ctx context.Context, r *fleetv1.GetDeviceRequest) (*fleetv1.GetDeviceResponse, error) {
	if r.GetDevice() != "0011" {
		return nil, status.Errorf(codes.NotFound, "device %q: not found", r.GetDevice())
	}
	return &fleetv1.GetDeviceResponse{
		Summary: summaries()[0], Assessment: judged(), Doubts: []string{"37 of 40 laptops declared in country US\x1b are seen openly in another; is the country right?"},
		Device: &fleetv1.Device{
			System: &farmhoundv1.System{Manufacturer: "HP", Model: "HP EliteBook 650", OsVersion: "Debian 13"},
			Egress: &fleetv1.Egress{Address: "198.51.100.7", Country: "US", AsName: "Example Cable"},
			Tools:  []*fleetv1.ToolSighting{{Id: "anydesk", Name: "AnyDesk", Category: "remote-control", FirstSeenAt: noon(2), LastSeenAt: noon(9)}},
		},
	}, f.admit(ctx)
}

func (f fake) GetTimeline(ctx context.Context, _ *fleetv1.GetTimelineRequest) (*fleetv1.GetTimelineResponse, error) {
	return &fleetv1.GetTimelineResponse{Events: []*fleetv1.Event{
		{At: noon(1), Kind: "first_report", Summary: "First report from \"lap\x07-1\"."},
		{At: noon(3), Kind: "alert_opened", Verdict: "likely", Summary: "Alert a1b2c3d4e5f60718 opened: Laptop likely hosted and remotely driven, which is told at some length here."},
	}}, f.admit(ctx)
}

func concluded(day int, occasion, verdict string, risk float64) *fleetv1.PastVerdict {
	return &fleetv1.PastVerdict{
		At: noon(day), Occasion: occasion, Verdict: verdict, Kind: "hosted", Risk: risk, HostedRisk: risk, DisplacedRisk: 0.01, JudgedAt: noon(day + 1),
		Basis: &fleetv1.Basis{
			Rules: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Catalog: "cccccccccccccccccccccccccccccccccccccccc",
			Roster: "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", Collector: "1.0",
		},
		Fingerprint: []byte{1, 2, 3, 4, 5, 6, 7, 8},
	}
}

func (f fake) ListVerdicts(ctx context.Context, _ *fleetv1.ListVerdictsRequest) (*fleetv1.ListVerdictsResponse, error) {
	return &fleetv1.ListVerdictsResponse{Verdicts: []*fleetv1.PastVerdict{
		concluded(2, "day_end", "watch", 0.2), concluded(3, "change", "likely", 0.7), concluded(3, "day_end", "near_certain", 0.99982),
	}}, f.admit(ctx)
}

func (f fake) GetVerdict(ctx context.Context, req *fleetv1.GetVerdictRequest) (*fleetv1.GetVerdictResponse, error) {
	if err := f.admit(ctx); err != nil {
		return nil, err
	}
	if req.GetAt().AsTime().Before(noon(3).AsTime()) {
		return &fleetv1.GetVerdictResponse{Verdict: concluded(2, "day_end", "watch", 0.2), Reproduction: &fleetv1.Reproduction{
			Outcome: "unavailable", Notes: []string{"The signals aaaaaaaaaaaa, by which it was judged, are no longer kept."},
		}}, nil
	}
	return &fleetv1.GetVerdictResponse{
		Verdict: concluded(3, "day_end", "near_certain", 0.99982), Assessment: judged(), Reproduction: &fleetv1.Reproduction{Outcome: "equal"},
	}, nil
}

func (f fake) ListAlerts(ctx context.Context, _ *fleetv1.ListAlertsRequest) (*fleetv1.ListAlertsResponse, error) {
	return &fleetv1.ListAlertsResponse{Alerts: alerts()}, f.admit(ctx)
}

func (f fake) UpdateAlert(ctx context.Context, r *fleetv1.UpdateAlertRequest) (*fleetv1.UpdateAlertResponse, error) {
	a := proto.CloneOf(alerts()[0])
	if r.GetId() != a.GetId() {
		return nil, status.Errorf(codes.NotFound, "alert %q: not found", r.GetId())
	}
	a.State, a.Reason, a.Note, a.ChangedBy = r.GetState(), r.GetReason(), r.GetNote(), "ann"
	return &fleetv1.UpdateAlertResponse{Alert: a}, f.admit(ctx)
}

// startCollector serves the fake and returns its address and its CA's file.
func startCollector(t *testing.T) (address, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a collector"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	})))
	fleetv1.RegisterFleetServiceServer(server, fake{})
	fleetv1.RegisterRosterServiceServer(server, fakeRoster{})
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String(), ca
}
