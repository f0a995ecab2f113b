package ordeal

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/identity"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// intruder is an enrolled laptop whose owner sends what no agent would.
type intruder struct {
	t         *testing.T
	collector *collector
	identity  *identity.Identity
	conn      *grpc.ClientConn
	boot      string
}

func newIntruder(t *testing.T, c *collector, name string) *intruder {
	t.Helper()
	id, err := identity.Open(filepath.Join(t.TempDir(), "identity"), identity.Trust{CAFile: filepath.Join(c.dir, "ca.pem")})
	must(t, err)
	config, err := id.ServerTLS()
	must(t, err)
	stranger, err := delivery.Connect(c.address, config, nil)
	must(t, err)
	defer stranger.Close()
	_, err = id.Enroll(t.Context(), farmhoundv1.NewEnrollmentServiceClient(stranger), c.secret, &farmhoundv1.System{Serial: name})
	must(t, err)
	i := &intruder{t: t, collector: c, identity: id, boot: fmt.Sprintf("%032x", time.Now().UnixNano())}
	i.conn = i.connect()
	return i
}

func (i *intruder) tls() *tls.Config {
	config, err := i.identity.ClientTLS()
	must(i.t, err)
	return config
}

func (i *intruder) connect() *grpc.ClientConn {
	i.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+i.collector.address,
		grpc.WithTransportCredentials(credentials.NewTLS(i.tls())), grpc.WithDisableRetry())
	must(i.t, err)
	i.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// web speaks HTTP/2 without gRPC's manners, as a stranger without the laptop's
// certificate, over a connection of its own.
func (i *intruder) web(stranger bool) *http.Client {
	config := i.tls()
	if stranger {
		config.GetClientCertificate = nil
	}
	config.NextProtos = []string{"h2"}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	i.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// post sends a body in place of gRPC's messages, to the method for laptops or for
// strangers, and returns gRPC's status.
func (i *intruder) post(ctx context.Context, body io.Reader, encoding string, stranger bool) error {
	method := farmhoundv1.IngestService_Report_FullMethodName
	if stranger {
		method = farmhoundv1.EnrollmentService_Enroll_FullMethodName
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+i.collector.address+method, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	if encoding != "" {
		request.Header.Set("Grpc-Encoding", encoding)
	}
	response, err := i.web(stranger).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	from := response.Trailer
	if from.Get("Grpc-Status") == "" {
		from = response.Header // where there is nothing but a status
	}
	code, err := strconv.Atoi(from.Get("Grpc-Status"))
	if err != nil {
		return fmt.Errorf("no status of gRPC came: %w", err)
	}
	return status.Error(codes.Code(code), from.Get("Grpc-Message"))
}

// send sends a batch.
func (i *intruder) send(batch *farmhoundv1.ReportBatch, options ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(i.t.Context(), patience)
	defer cancel()
	_, err := farmhoundv1.NewIngestServiceClient(i.conn).Report(ctx, batch, options...)
	return err
}

// sendRaw sends bytes in place of a batch.
func (i *intruder) sendRaw(wire []byte) error {
	ctx, cancel := context.WithTimeout(i.t.Context(), patience)
	defer cancel()
	return i.conn.Invoke(ctx, farmhoundv1.IngestService_Report_FullMethodName, wire, &farmhoundv1.ReportAck{}, grpc.ForceCodec(raw{}))
}

// batch is what a well-behaved agent could send.
func (i *intruder) batch(sequences ...uint64) *farmhoundv1.ReportBatch {
	b := &farmhoundv1.ReportBatch{}
	for _, s := range sequences {
		b.Reports = append(b.Reports, &farmhoundv1.Report{BootId: i.boot, Sequence: s, ObservedAt: timestamppb.Now()})
	}
	return b
}

// raw sends bytes as they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) ([]byte, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no bytes", v)
	}
	return b, nil
}

func (raw) Unmarshal(data []byte, v any) error { return proto.Unmarshal(data, v.(proto.Message)) }
