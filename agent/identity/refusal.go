package identity

import (
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// maxReason bounds how much of a collector's message is passed on, in bytes.
const maxReason = 400

// Refusal is the collector's no to this laptop: trying the same again will not
// help until somebody does what Advice says.
type Refusal struct {
	// Doing is what was refused, for example "enrolment".
	Doing string
	// Reason is the collector's message.
	Reason string
	// Advice is what to do.
	Advice string

	err error
}

// Error says what was refused, why and what to do.
func (r *Refusal) Error() string {
	return "the collector refused the " + r.Doing + ": " + r.Reason + "; " + r.Advice
}

// Unwrap returns the error of the call.
func (r *Refusal) Unwrap() error { return r.err }

// Explain turns the error of a call into words. Its chain holds a *Refusal when
// the collector said no for good.
func Explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	refused, ok := status.FromError(err)
	if !ok {
		return &failure{"the " + doing + " failed: " + err.Error(), err}
	}
	reason := fieldrules.Clean(farmhoundv1.CharacterClass_CHARACTER_CLASS_PRINTABLE, refused.Message(), maxReason)
	if reason == "" {
		reason = "it gave no reason (" + refused.Code().String() + ")"
	}
	if advice := advice(doing, refused); advice != "" {
		return &Refusal{Doing: doing, Reason: reason, Advice: advice, err: err}
	}
	switch refused.Code() {
	case codes.Unavailable:
		return &failure{"the collector cannot be reached for the " + doing + ": " + reason + unreachable(reason), err}
	case codes.DeadlineExceeded:
		return &failure{"the collector did not answer the " + doing + " in time: " + reason, err}
	default:
		return &failure{"the " + doing + " failed at the collector: " + reason, err}
	}
}

// Refused reports whether err is the collector's no to this laptop.
func Refused(err error) bool {
	var refusal *Refusal
	return errors.As(err, &refusal)
}

// failure is an error in words that keeps the call's error in its chain.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// advice returns what to do about a refusal, or nothing when the error is one
// that passes by itself.
func advice(doing string, refused *status.Status) string {
	enrolling := doing == "enrolment"
	const (
		newSecret  = "ask IT for a valid enrolment secret, set it as enroll_secret_file and restart the agent or run farmhound-agent enroll"
		reenrol    = "if the laptop should report, ask IT for a new enrolment secret and run farmhound-agent enroll"
		sameReason = "IT must change that before this laptop can report"
	)
	switch refused.Code() {
	case codes.Unauthenticated, codes.PermissionDenied:
		if enrolling {
			return newSecret
		}
		return reenrol
	case codes.ResourceExhausted:
		// With a hint when to come back it is load, without one a spent secret.
		if enrolling && !hasRetryInfo(refused) {
			return newSecret
		}
	case codes.FailedPrecondition, codes.NotFound, codes.AlreadyExists, codes.InvalidArgument:
		if enrolling {
			return newSecret
		}
		if strings.HasPrefix(doing, "renewal") {
			return sameReason
		}
	case codes.Unavailable:
		// The collector's TLS says no to a certificate by an alert.
		if strings.Contains(refused.Message(), "remote error: tls:") && !enrolling {
			return reenrol
		}
	}
	return ""
}

func unreachable(reason string) string {
	if strings.Contains(reason, ErrWrongCollector.Error()) {
		return "; check ca_file or ca_pin, and the address of the collector"
	}
	return ""
}

func hasRetryInfo(s *status.Status) bool {
	for _, detail := range s.Details() {
		if _, ok := detail.(*errdetails.RetryInfo); ok {
			return true
		}
	}
	return false
}
