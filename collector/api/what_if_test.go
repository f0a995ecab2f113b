package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

func TestWhatIfSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	f, s := watched(t)
	ctx := t.Context()
	_, err := f.WhatIf(ctx, &fleetv1.WhatIfRequest{Device: "d2"})
	refused(t, err, codes.NotFound, `device "d2": not found`)
	_, err = f.WhatIf(ctx, &fleetv1.WhatIfRequest{Device: "d1", Set: []string{"x=1"}})
	refused(t, err, codes.InvalidArgument, "there is no field x")
	_, err = f.WhatIf(ctx, &fleetv1.WhatIfRequest{Device: "d1", Without: []string{"x"}})
	refused(t, err, codes.Internal, "weigh the device again failed")
	_, err = f.WhatIf(ctx, &fleetv1.WhatIfRequest{Device: "d1", Without: make([]string, 33)})
	refused(t, err, codes.InvalidArgument, "more than 32 things are supposed at once")
	_, err = f.WhatIf(ctx, &fleetv1.WhatIfRequest{Device: "d1", Set: []string{strings.Repeat("x", 257)}})
	refused(t, err, codes.InvalidArgument, "is longer than 256 bytes")
	f.Store = deaf{s}
	if got, err := f.WhatIf(ctx, &fleetv1.WhatIfRequest{Device: "d1"}); err == nil || got != nil {
		t.Errorf("%v was told unrecorded", got)
	}
}

// What was asked is audited as far as an audit log can hold it.
func TestWhatIfIsAuditedInBounds(t *testing.T) {
	t.Parallel()
	f, s := watched(t)
	f.Suppose = func(*store.Device, *fleetv1.WhatIfRequest) (*fleetv1.WhatIfResponse, error) {
		return &fleetv1.WhatIfResponse{}, nil
	}
	long := slices.Repeat([]string{strings.Repeat("\x00é", 80)}, 32)
	for _, req := range []*fleetv1.WhatIfRequest{
		{Device: "d1", Without: []string{"short"}}, {Device: "d1", Without: long, WithApproved: long, Set: long},
		{Device: "d1", Without: append([]string{"x"}, long[1:]...)}, // a character ends elsewhere
	} {
		_, err := f.WhatIf(t.Context(), req)
		must(t, err)
	}
	log, err := s.AuditLog(t.Context(), time.Time{}, 100)
	must(t, err)
	if len(log) != 3 {
		t.Fatalf("%d entries", len(log))
	}
	clipped := 0
	for _, e := range log {
		if len(e.Detail) > 1<<10 || !utf8.ValidString(e.Detail) || !strings.HasPrefix(e.Detail, "without \"") {
			t.Errorf("%d bytes: %q", len(e.Detail), e.Detail)
		}
		if strings.HasSuffix(e.Detail, "…") {
			clipped++
		}
	}
	if clipped != 2 {
		t.Errorf("%d entries are clipped, want two", clipped)
	}
}
