package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// explain turns what a call to the collector failed with into what its user can
// act on. The collector's own words are kept; gRPC's machinery is not.
func explain(collector string, timeout time.Duration, err error) error {
	s, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	switch s.Code() {
	case codes.Unavailable:
		cause := bare(s.Message())
		if strings.Contains(cause, "x509:") {
			return fmt.Errorf("%s is not the collector whose CA was given at login: %s", collector, cause)
		}
		return fmt.Errorf("the collector at %s cannot be reached: %s", collector, cause)
	case codes.DeadlineExceeded:
		return fmt.Errorf("the collector at %s did not answer within %s", collector, timeout)
	case codes.Canceled:
		return context.Canceled
	case codes.Unauthenticated:
		return fmt.Errorf("%s; log in with a token that is valid", s.Message())
	}
	return errors.New(s.Message())
}

// bare takes off what gRPC wraps around a failure to connect.
func bare(text string) string {
	text = strings.TrimPrefix(text, "connection error: desc = ")
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	for _, wrapping := range []string{"transport: Error while dialing: ", "transport: authentication handshake failed: "} {
		text = strings.TrimPrefix(text, wrapping)
	}
	return text
}
