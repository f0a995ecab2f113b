package api

import (
	"context"
	"net/netip"
	"time"

	"github.com/farmhound-security/farmhound/collector/fleet"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Egress tells laptops where to ask under which address they are seen, and reads
// the answers that they bring back; collector/egress has what is behind it.
type Egress interface {
	// Responder is what a device is told.
	Responder(device string) *farmhoundv1.EgressResponder
	// Open returns under which address a device was seen, and when.
	Open(device string, seal []byte) (seen netip.Addr, at time.Time, err error)
}

const (
	// sealAge is how old an answer may be: agents get a new one after half a day, if they
	// are awake.
	sealAge = 26 * time.Hour
	// sealAhead is how far collectors' clocks may be apart.
	sealAhead = 5 * time.Minute
)

// paths returns what a report's answers say, and how many are not the device's. One of
// another time says nothing; its laptop may have kept it for that. When a report was
// observed, only the laptop knows, so that one that waited brings no answers either.
func (i *ingest) paths(device string, report *farmhoundv1.Report, received time.Time) (list []fleet.EgressPath, foreign uint64) {
	if i.egress == nil {
		return nil, 0
	}
	for _, p := range report.GetNetwork().GetEgress() {
		seen, at, err := i.egress.Open(device, p.GetSeal())
		switch {
		case err != nil:
			foreign++
		case !at.After(received.Add(sealAhead)) && !at.Before(received.Add(-sealAge)):
			list = append(list, fleet.EgressPath{Address: seen, Kind: p.GetKind(), Tool: p.GetTool(), Default: p.GetDefaultRoute()})
		}
	}
	return list, foreign
}

// sayForeign logs answers that are not the laptop's, once a minute for a device at most.
func (i *ingest) sayForeign(ctx context.Context, device string, found uint64) {
	if found == 0 {
		return
	}
	if batches := i.foreign.add(device); batches > 0 {
		i.log.WarnContext(ctx, "answers about ways out are not this laptop's, and are left out", "device", device, "answers", found, "batches", batches)
	}
}
