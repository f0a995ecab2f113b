package api_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// begin opens calls of which nothing but the headers is sent, and returns how to
// give them up.
func (l *laptop) begin(method string, calls int) (giveUp func()) {
	l.t.Helper()
	ctx, cancel := context.WithCancel(l.t.Context())
	for range calls {
		_, err := l.connect().NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, method)
		must(l.t, err)
	}
	return cancel
}

// askedBack checks that an error asks to come back after a pause of sense.
func askedBack(t *testing.T, err error, code codes.Code, words string) {
	t.Helper()
	refused(t, err, code, words)
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			if wait := info.GetRetryDelay().AsDuration(); wait > 0 && wait <= 10*time.Minute {
				return
			}
		}
	}
	t.Errorf("no pause in %v", err)
}

// TestCallersTakeNoMoreThanTheirPlaces: who keeps calls open, over however many
// connections, is turned away, and others are not.
func TestCallersTakeNoMoreThanTheirPlaces(t *testing.T) {
	t.Parallel()
	c := start(t)
	greedy, other := c.enrolled(t), c.enrolled(t)
	giveUp := greedy.begin(farmhoundv1.IngestService_Report_FullMethodName, 4)
	// The server learns of streams in the order of a connection only.
	eventually(t, func() bool { return status.Code(greedy.report()) == codes.ResourceExhausted })
	askedBack(t, greedy.report(), codes.ResourceExhausted, "too many calls at a time")
	for range 20 {
		must(t, other.report())
	}
	giveUp()
	eventually(t, func() bool { return greedy.report() == nil })
}

// TestStrangersAreTurnedAwayBeforeTheirMessage: without a certificate not even the
// message of a call is read.
func TestStrangersAreTurnedAwayBeforeTheirMessage(t *testing.T) {
	t.Parallel()
	c := start(t)
	stranger := c.laptop(t)
	for method, code := range map[string]codes.Code{
		farmhoundv1.IngestService_Report_FullMethodName:    codes.Unauthenticated,
		farmhoundv1.EnrollmentService_Renew_FullMethodName: codes.Unauthenticated,
		"/farmhound.fleet.v1.FleetService/ListDevices":     codes.Unauthenticated,
		"/farmhound.v2.IngestService/Report":               codes.PermissionDenied,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		stream, err := stranger.current().NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, method)
		must(t, err)
		refused(t, stream.RecvMsg(&farmhoundv1.ReportAck{}), code, "")
		cancel()
	}
}

// TestDevicesDeliverWithinTheirAllowance: a device that floods is told when to come
// again, also with junk, and others are not.
func TestDevicesDeliverWithinTheirAllowance(t *testing.T) {
	t.Parallel()
	c := start(t)
	junk := &farmhoundv1.ReportBatch{Nonce: make([]byte, 2<<20)}
	flood := c.enrolled(t)
	for range 100 {
		_, err := flood.send(junk)
		if status.Code(err) == codes.InvalidArgument {
			continue
		}
		askedBack(t, err, codes.ResourceExhausted, "more than a laptop observes")
		must(t, c.enrolled(t).report())
		return
	}
	t.Error("200 MB of junk were looked at")
}

// eventually waits for a condition.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		time.Sleep(5 * time.Millisecond) // between looks at the condition
	}
}
