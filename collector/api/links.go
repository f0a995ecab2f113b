package api

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// withLinks adds to a device's events where its history came from and goes on: a
// laptop that was re-imaged is another device, and histories are linked and never
// merged. The latest limit events are returned, oldest first.
func withLinks(events []*fleetv1.Event, identity store.Identity, since time.Time, limit int) []*fleetv1.Event {
	add := func(at time.Time, kind, summary string) {
		if !at.Before(since) {
			events = append(events, &fleetv1.Event{At: timestamppb.New(at), Kind: kind, Summary: summary})
		}
	}
	if identity.Supersedes != "" {
		add(identity.EnrolledAt, "supersedes", "A laptop with this serial had been device "+identity.Supersedes+"; what was known of it and its alerts are there.")
	}
	if identity.SupersededBy != "" {
		add(identity.SupersededAt, "superseded", "A laptop with this serial enrolled anew, as device "+identity.SupersededBy+"; what follows is there.")
	}
	slices.SortStableFunc(events, func(a, b *fleetv1.Event) int { return a.GetAt().AsTime().Compare(b.GetAt().AsTime()) })
	return events[max(0, len(events)-limit):]
}
