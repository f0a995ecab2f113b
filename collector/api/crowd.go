package api

import (
	"context"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Bounds of the calls under way at a time. gRPC takes in a whole message, of up to
// maxMessage, before anybody asks who sent it, so each call may cost that twice.
const (
	deviceCalls  = 4 // of one device: an agent makes one, and may give up on one
	devicesCalls = 512
	enrollCalls  = 16 // from one host
	enrollsCalls = 64
	askingCalls  = 32 // from one host: analysts
	askingsCalls = 128
	// callTime bounds a call, so that nobody keeps a place by sending slowly. Agents
	// give up before.
	callTime = time.Minute
	// crowdWait is after what time to come again when there was no place.
	crowdWait = 5 * time.Second
)

// crowd counts calls under way, per caller and per kind of caller: who comes too
// often is in nobody else's way, and one kind does not keep out another.
type crowd struct {
	authority Authority

	mu sync.Mutex
	// under holds what is not zero.
	under map[place]int
}

// place is what calls are counted by; an empty caller stands for all of a kind.
type place struct{ kind, caller string }

func newCrowd(authority Authority) *crowd {
	return &crowd{authority: authority, under: map[place]int{}}
}

// enter is a tap.ServerInHandle: it lets a call in, or refuses it when nothing but
// its headers is there. The call's place is free again when its context ends.
func (c *crowd) enter(ctx context.Context, info *tap.Info) (context.Context, error) {
	own, most, err := c.place(ctx, info)
	if err != nil {
		return ctx, err
	}
	all := place{kind: own.kind}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.under[own] >= most.own:
		return ctx, comeBack(codes.ResourceExhausted, crowdWait, "too many calls at a time from here; come again later")
	case c.under[all] >= most.all:
		return ctx, comeBack(codes.ResourceExhausted, crowdWait, "the collector has as many calls as it takes at a time; come again later")
	}
	c.under[own]++
	c.under[all]++
	bounded, cancel := context.WithTimeout(ctx, callTime)
	context.AfterFunc(ctx, func() {
		cancel()
		c.leave(own, all)
	})
	return bounded, nil
}

// bound is how many calls one caller, and all of its kind, may have under way.
type bound struct{ own, all int }

// place says who calls, as far as is known before the message.
func (c *crowd) place(ctx context.Context, info *tap.Info) (place, bound, error) {
	conn := connectionOf(ctx)
	host := hostOf(conn.address.Addr()).String()
	switch method := info.FullMethodName; {
	case method == farmhoundv1.EnrollmentService_Enroll_FullMethodName:
		return place{"enrolment", host}, bound{enrollCalls, enrollsCalls}, nil
	case method == farmhoundv1.EnrollmentService_Renew_FullMethodName, strings.HasPrefix(method, ingestMethods):
		device, err := deviceOf(conn, c.authority)
		return place{"device", device}, bound{deviceCalls, devicesCalls}, err
	case strings.HasPrefix(method, fleetMethods), strings.HasPrefix(method, rosterMethods):
		_, err := bearer(metadata.NewIncomingContext(ctx, info.Header))
		return place{"question", host}, bound{askingCalls, askingsCalls}, err
	}
	return place{}, bound{}, status.Error(codes.PermissionDenied, "nobody may call this method")
}

func (c *crowd) leave(places ...place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range places {
		if c.under[p]--; c.under[p] == 0 {
			delete(c.under, p)
		}
	}
}
