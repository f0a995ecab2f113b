package api

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// read takes bytes the way the server does: decoded, then held to the rules.
func read(wire []byte, into proto.Message) error {
	if err := newCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(wire)}, into); err != nil {
		return err
	}
	_, err := readable(context.Background(), into, nil, func(context.Context, any) (any, error) { return nil, nil })
	return err
}

// requireFit checks that a refusal is the sender's and fit for a log.
func requireFit(t *testing.T, err error) {
	t.Helper()
	s := status.Convert(err)
	if s.Code() != codes.InvalidArgument {
		t.Errorf("refused with %v", err)
	}
	// Protobuf puts a no-break space into its messages at times.
	for _, r := range s.Message() {
		if r < ' ' || r > '~' && r != '\u00a0' {
			t.Errorf("the refusal shows %q raw: %q", r, s.Message())
		}
	}
	if len(s.Message()) > 600 {
		t.Errorf("a refusal of %d bytes: %q", len(s.Message()), s.Message())
	}
}

func rulesOf(f *testing.F, of proto.Message) *fieldrules.Validator {
	f.Helper()
	rules, err := fieldrules.Compile(of.ProtoReflect().Descriptor())
	if err != nil {
		f.Fatal(err)
	}
	return rules
}

func seed(f *testing.F, m proto.Message) []byte {
	f.Helper()
	wire, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Add(wire[:len(wire)/2])
	f.Add(bytes.ReplaceAll(wire, []byte("0"), []byte{0xff}))
	return wire
}

// FuzzReportBatch: whatever bytes come as a batch, it is refused in words, or it is
// in order, bounded, and holds nothing that the contract does not name.
func FuzzReportBatch(f *testing.F) {
	i := &ingest{batchRules: rulesOf(f, &farmhoundv1.ReportBatch{})}
	r := &farmhoundv1.Report{
		BootId: "00112233445566778899aabbccddeeff", Sequence: 1, ObservedAt: timestamppb.New(time.Unix(1_770_000_000, 0)),
		System:   &farmhoundv1.System{Serial: "PF-1", Hostname: "lap-1"},
		Software: &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{{Id: "anydesk", Version: "9.0.1"}}},
		Windows:  []*farmhoundv1.Window{{StartedAt: timestamppb.New(time.Unix(1_770_000_000, 0)), Seconds: 300}},
	}
	second := proto.CloneOf(r)
	second.Sequence = 2
	seed(f, &farmhoundv1.ReportBatch{Reports: []*farmhoundv1.Report{r, second}, Nonce: make([]byte, 16)})
	seed(f, &farmhoundv1.ReportBatch{Reports: []*farmhoundv1.Report{second, r}})
	f.Add(bytes.Repeat([]byte{15<<3 | 3}, 100))
	f.Fuzz(func(t *testing.T, wire []byte) {
		batch := &farmhoundv1.ReportBatch{}
		if err := read(wire, batch); err != nil {
			requireFit(t, err)
			return
		}
		if err := i.check(batch); err != nil {
			requireFit(t, status.Error(codes.InvalidArgument, err.Error()))
			return
		}
		// What is stored is what the contract names: read again strictly, nothing is left over.
		stored, err := proto.Marshal(batch)
		if err != nil {
			t.Fatalf("what was let in cannot be stored: %v", err)
		}
		back := &farmhoundv1.ReportBatch{}
		if err := proto.Unmarshal(stored, back); err != nil || !proto.Equal(batch, back) || len(stored) > len(wire)+len(wire)/2+64 {
			t.Errorf("%d bytes came and %d are stored; read again: %v", len(wire), len(stored), err)
		}
		if n := len(batch.GetReports()); n == 0 || n > 256 {
			t.Errorf("a batch of %d reports was let in", n)
		}
	})
}

// FuzzEnrollRequest: whatever bytes ask for an identity, they are refused in words or
// within the contract's bounds.
func FuzzEnrollRequest(f *testing.F) {
	rules := rulesOf(f, &farmhoundv1.EnrollRequest{})
	seed(f, &farmhoundv1.EnrollRequest{Secret: "fh-enroll-0000", Csr: []byte{0x30, 0x82, 1, 0}, System: &farmhoundv1.System{Serial: "PF-1"}})
	seed(f, &farmhoundv1.EnrollRequest{Secret: "a\x1b[31m", Csr: make([]byte, 5000)})
	f.Fuzz(func(t *testing.T, wire []byte) {
		request := &farmhoundv1.EnrollRequest{}
		err := read(wire, request)
		if err == nil {
			if err = rules.Validate(request); err == nil {
				if len(request.GetSecret()) > 128 || len(request.GetCsr()) > 4096 || strings.ContainsAny(request.GetSystem().GetSerial(), "\x1b\r\n\x00") {
					t.Errorf("let in: %v", request)
				}
				return
			}
			err = status.Error(codes.InvalidArgument, err.Error())
		}
		requireFit(t, err)
	})
}

// FuzzBearer: whatever an authorization header says, a token is taken from it whole
// and within bounds, or it is refused without being shown.
func FuzzBearer(f *testing.F) {
	f.Add("Bearer fh-token-1", "")
	f.Add("bearer  two spaces", "")
	f.Add("Basic dXNlcjpwYXNz", "Bearer x")
	f.Add("Bearer "+strings.Repeat("x", maxToken+1), "")
	f.Fuzz(func(t *testing.T, one, two string) {
		md := metadata.MD{}
		md.Append("authorization", one)
		if two != "" {
			md.Append("authorization", two)
		}
		value, err := bearer(metadata.NewIncomingContext(t.Context(), md))
		switch {
		case err != nil && status.Code(err) != codes.Unauthenticated:
			t.Errorf("refused with %v", err)
		case err == nil && (two != "" || value == "" || len(value) > maxToken || !strings.HasSuffix(one, " "+value)):
			t.Errorf("%q and %q gave %q", one, two, value)
		}
	})
}

// wire is a connection that brings bytes and ends.
type wire struct {
	net.Conn
	from net.Addr
	in   io.Reader
}

func (w wire) Read(p []byte) (int, error)      { return w.in.Read(p) }
func (w wire) Write(p []byte) (int, error)     { return len(p), nil }
func (w wire) Close() error                    { return nil }
func (w wire) RemoteAddr() net.Addr            { return w.from }
func (w wire) LocalAddr() net.Addr             { return w.from }
func (w wire) SetDeadline(time.Time) error     { return nil }
func (w wire) SetReadDeadline(time.Time) error { return nil }

// once is a listener with one connection.
type once struct {
	net.Listener
	conn net.Conn
}

func (o once) Accept() (net.Conn, error) { return o.conn, nil }

// FuzzProxyHeader: whatever comes from a balancer before TLS, it ends in an error or
// in a header whose address is a TCP peer's; from anybody else nothing is believed.
func FuzzProxyHeader(f *testing.F) {
	header := proxyproto.Header{
		Version: 2, Command: proxyproto.PROXY, TransportProtocol: proxyproto.TCPv4,
		SourceAddr:      &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 4711},
		DestinationAddr: &net.TCPAddr{IP: net.IPv4(198, 18, 0, 1), Port: 443},
	}
	two, err := header.Format()
	if err != nil {
		f.Fatal(err)
	}
	header.Version = 1
	one, err := header.Format()
	if err != nil {
		f.Fatal(err)
	}
	for _, start := range [][]byte{two, one, two[:20], append(bytes.Clone(two), "\x16\x03\x01\x00"...), []byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff"), nil} {
		f.Add(start, true)
		f.Add(start, false)
	}
	balancer, stranger := netip.MustParseAddr("198.18.0.2"), netip.MustParseAddr("192.0.2.1")
	f.Fuzz(func(t *testing.T, bytesIn []byte, fromBalancer bool) {
		from := stranger
		if fromBalancer {
			from = balancer
		}
		peer := net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 9))
		l := BehindBalancers(once{conn: wire{from: peer, in: bytes.NewReader(bytesIn)}}, []netip.Prefix{netip.PrefixFrom(balancer, 32)})
		conn, err := l.Accept()
		if err != nil {
			return
		}
		rest, readErr := io.ReadAll(io.LimitReader(conn, 1<<20))
		address, _ := peerOf(conn)
		switch {
		case !fromBalancer && (!bytes.Equal(rest, bytesIn) || address.Addr() != stranger):
			t.Errorf("a stranger's bytes were changed, or it was believed to be %v", address)
		case fromBalancer && readErr == nil && len(rest) == len(bytesIn) && len(rest) > 0:
			t.Error("a balancer's connection began without a header")
		case fromBalancer && address.IsValid() && (address.Addr() == balancer || address.Addr().Is4In6()):
			t.Errorf("the peer is %v", address)
		}
	})
}
