package fleet

import (
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Device derives what signals and analysts look at from a picture.
func (f *Fleet) Device(pic *fleetv1.Picture, now time.Time) *fleetv1.Device {
	return &fleetv1.Device{Id: pic.GetId(), Serial: pic.GetSerial(), Known: &fleetv1.Known{}}
}

// Controllers returns the catalogue names of the tools with a session open now.
func (f *Fleet) Controllers(pic *fleetv1.Picture) []string { return nil }
