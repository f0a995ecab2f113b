package api

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Bounds of what one question may suppose.
const (
	maxSupposed     = 32
	maxSupposedText = 256
	// maxSupposedDetail bounds what the audit log keeps of it, in bytes.
	maxSupposedDetail = 1 << 10
)

// WhatIf returns what the verdict on one device hangs on, and what would change it.
// Reading it is audited with what was asked; nothing is stored.
func (f *Fleet) WhatIf(ctx context.Context, req *fleetv1.WhatIfRequest) (*fleetv1.WhatIfResponse, error) {
	for _, list := range [][]string{req.GetWithout(), req.GetWithApproved(), req.GetSet()} {
		if len(list) > maxSupposed {
			return nil, status.Errorf(codes.InvalidArgument, "more than %d things are supposed at once", maxSupposed)
		}
		for _, one := range list {
			if len(one) > maxSupposedText {
				return nil, status.Errorf(codes.InvalidArgument, "%q is longer than %d bytes", clip(one), maxSupposedText)
			}
		}
	}
	who, err := f.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	dev, err := f.find(ctx, req.GetDevice())
	if err != nil {
		return nil, err
	}
	detail := fmt.Sprintf("without %q, approved %q, set %q", strings.Join(req.GetWithout(), " "), strings.Join(req.GetWithApproved(), " "), strings.Join(req.GetSet(), " "))
	if err := f.audit(ctx, who, "device.what_if", dev.Summary.GetId(), clipTo(detail, maxSupposedDetail)); err != nil {
		return nil, err
	}
	answer, err := f.Suppose(dev, req)
	if status.Code(err) == codes.InvalidArgument {
		return nil, err
	}
	if err != nil {
		return nil, f.fail(ctx, "weigh the device again", err)
	}
	return answer, nil
}

// clipTo cuts a text to a number of bytes, between characters, and says that it did.
func clipTo(s string, most int) string {
	const more = "…"
	if len(s) <= most {
		return s
	}
	cut := most - len(more)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + more
}
