package fleet

import (
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	"google.golang.org/protobuf/proto"
)

// Apply merges one observation into a device's picture, nil for a new device,
// and returns the new picture with what happened, oldest first. pic is not modified.
func (f *Fleet) Apply(pic *fleetv1.Picture, obs Observation) (*fleetv1.Picture, []*fleetv1.Event) {
	next := &fleetv1.Picture{Id: obs.Device}
	if pic != nil {
		next = proto.CloneOf(pic)
	}
	return next, nil
}
