package api

import (
	"log/slog"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Without a certificate or a token, enrolment is the one method that admits; a
// method added later is shut until the door knows it.
func TestEveryMethodIsShutButEnrolment(t *testing.T) {
	t.Parallel()
	d := &door{log: slog.New(slog.DiscardHandler)}
	methods := []string{"/grpc.reflection.v1.ServerReflection/X", "/farmhound.v1.EnrollmentService/New", ""}
	for service, description := range map[string][]string{
		farmhoundv1.IngestService_ServiceDesc.ServiceName:     names(farmhoundv1.IngestService_ServiceDesc.Methods),
		farmhoundv1.EnrollmentService_ServiceDesc.ServiceName: names(farmhoundv1.EnrollmentService_ServiceDesc.Methods),
		fleetv1.FleetService_ServiceDesc.ServiceName:          names(fleetv1.FleetService_ServiceDesc.Methods),
	} {
		for _, name := range description {
			methods = append(methods, "/"+service+"/"+name)
		}
	}
	if len(methods) < 10 {
		t.Fatalf("only %v", methods)
	}
	for _, method := range methods {
		_, err := d.admit(t.Context(), method)
		code := status.Code(err)
		if open := method == farmhoundv1.EnrollmentService_Enroll_FullMethodName; open != (err == nil) {
			t.Errorf("%s: %v", method, err)
		} else if !open && code != codes.Unauthenticated && code != codes.PermissionDenied {
			t.Errorf("%s: %v", method, err)
		}
	}
	if _, err := callerOf(t.Context()); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a call that did not come by the door: %v", err)
	}
	if _, err := visitorOf(t.Context()); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a call that did not come by the door: %v", err)
	}
}

func names(methods []grpc.MethodDesc) []string {
	var out []string
	for _, m := range methods {
		out = append(out, m.MethodName)
	}
	return out
}
