package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// trust returns the policy for a laptop that knows the collector by some CAs, and
// notes which they are and of which one its own certificate is. Where they are
// others than the collector's, the policy carries those: the laptop is told over
// a connection that it verified by the ones it knows, and acknowledges with its next
// report. An agent that does not say what it knows is told nothing.
func (i *ingest) trust(ctx context.Context, v *visitor, known [][]byte) (*farmhoundv1.Policy, error) {
	trusts := make([]string, len(known))
	for n, digest := range known {
		trusts[n] = hex.EncodeToString(digest)
	}
	slices.Sort(trusts)
	if issuer := i.authority.Issuer(v.certificate); issuer != v.identity.CA || !slices.Equal(trusts, v.identity.Trusts) {
		if err := i.access.NoteTrust(ctx, v.identity.Device, issuer, trusts); err != nil {
			return nil, i.unavailable(ctx, "record what a device trusts", err)
		}
	}
	policy, anchors := i.policy(), i.authority.Anchors()
	if len(trusts) == 0 || slices.Equal(trusts, digests(anchors)) {
		return policy, nil
	}
	policy = proto.CloneOf(policy)
	policy.TrustAnchors = anchors
	return policy, nil
}

// digests returns the SHA-256 of certificates in hexadecimal, in order.
func digests(certificates [][]byte) []string {
	var all []string
	for _, der := range certificates {
		sum := sha256.Sum256(der)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	slices.Sort(all)
	return all
}
