package api_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

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
